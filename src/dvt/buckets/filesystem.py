"""Files of this machine: folders that only their owner may enter."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dvt.core.errors import BadConfig
from dvt.core.ports.staging import BucketContext
from dvt.drivers.disk import private_folder, write_private

_GLOB = frozenset("*?")


class FilesystemBucket:
    """A folder, made when first needed."""

    def __init__(self, name: str, settings: Mapping[str, Any], context: BucketContext) -> None:
        root = context.project_dir / Path(settings["path"])
        if _GLOB & set(str(root)):
            # DuckDB takes such a path for a pattern, and would read the files of other folders too.
            raise BadConfig(name, "its folder", str(root), ["a path without * and ?"])
        self._root = root

    def uri(self, key: str) -> str:
        """See Bucket."""
        return str(self._root / key)

    def folder(self, key: str) -> str:
        """See Bucket."""
        path = self._root / key
        private_folder(path)
        return str(path)

    def write(self, key: str, data: bytes) -> None:
        """See Bucket."""
        write_private(self._root / key, data)

    def seal(self, key: str) -> int:
        """See Bucket."""
        try:
            (self._root / key).chmod(0o600)
            return (self._root / key).stat().st_size
        except FileNotFoundError:
            return -1

    def delete(self, prefix: str) -> None:
        """See Bucket."""
        root, path = self._root.resolve(), (self._root / prefix).resolve()
        if root not in path.parents:
            msg = f"{prefix!r} is no folder inside this bucket"
            raise ValueError(msg)
        shutil.rmtree(self._root / prefix, ignore_errors=True)
