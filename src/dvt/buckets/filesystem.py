"""Files of this machine: folders that only their owner may enter, files that only they may read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from dvt.core.ports.staging import BucketContext
from dvt.drivers.disk import (
    create_private,
    is_temporary,
    make_lasting,
    private_folder,
    remove_folder,
    unique_suffix,
    write_private,
)


class FilesystemBucket:
    """Implements Bucket in a folder, which is made when first needed."""

    consumers = frozenset({"duckdb"})

    def __init__(
        self,
        name: str,  # noqa: ARG002  every bucket gets one
        settings: Mapping[str, Any],
        context: BucketContext,
    ) -> None:
        path = Path(settings["path"])
        self.address = f"file:{path.as_posix()}"
        self._root = context.project_dir / path

    def put_once(self, key: str, data: bytes) -> None:
        """See Bucket."""
        create_private(self._with_folder(key), data)

    def put(self, key: str, data: BinaryIO) -> None:
        """See Bucket."""
        write_private(self._with_folder(key), data, unique=unique_suffix())

    def get(self, key: str) -> BinaryIO:
        """See Bucket."""
        return self._path(key).open("rb")

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        """See Bucket. Links are neither listed nor followed."""
        top = self._path(prefix) if prefix else self._root
        files = (entry for entry in _files(top) if not is_temporary(Path(entry.path)))
        entries = {Path(entry.path).relative_to(self._root).as_posix(): entry for entry in files}
        for key in sorted(entries):
            yield key, entries[key].stat(follow_symlinks=False).st_size

    def delete(self, prefix: str) -> None:
        """See Bucket."""
        remove_folder(self._path(prefix))

    def uri_for(self, consumer: str, key: str) -> str:
        """See Bucket: a path."""
        self._check(consumer)
        return str(self._path(key))

    @contextmanager
    def writing(self, consumer: str, key: str) -> Iterator[str]:
        """See Bucket: a path, in a folder that is there."""
        self._check(consumer)
        path = self._with_folder(key)
        try:
            yield str(path)
        finally:
            with suppress(FileNotFoundError):
                _make_private(path)
        make_lasting(path)

    def _check(self, consumer: str) -> None:
        if consumer not in self.consumers:
            msg = f"{consumer!r} cannot reach files of this machine by itself"
            raise ValueError(msg)

    def _path(self, key: str) -> Path:
        path = self._root / key
        if self._root.resolve() not in path.resolve().parents:
            msg = f"{key!r} is not inside this bucket"
            raise ValueError(msg)
        return path

    def _with_folder(self, key: str) -> Path:
        path = self._path(key)
        private_folder(path.parent)
        return path


def _files(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield all files in a folder and below, but no links."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                yield entry


def _make_private(path: Path) -> None:
    """Let only the owner read a file, or a folder and all files in it."""
    if not path.is_dir():
        path.chmod(0o600)
        return
    for folder, _, files in os.walk(path):
        Path(folder).chmod(0o700)
        for file in files:
            if not Path(folder, file).is_symlink():
                Path(folder, file).chmod(0o600)
