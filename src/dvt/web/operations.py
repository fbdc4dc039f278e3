"""Reads the operation files of a project: what its commands are doing and did."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from dvt.core.operation_record import OperationRecord
from dvt.runs.operation_files import PREFIX, read_operation

_FOLDER = ".dvt/operations"
_SUFFIX = ".json"
_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}")
"""Ids of operations, also of those of other writers."""
_KEPT = 256
"""Files whose content is kept in memory, as long as they have not changed."""


class Operations:
    """The operations of a project, of which there may be many thousands."""

    def __init__(self, project_dir: Path) -> None:
        self._folder = project_dir / _FOLDER

    def recent(self, limit: int, before: int | None = None) -> list[OperationRecord]:
        """Return the operations whose files were written last, the newest first.

        `before`: the moment of `written`, to go on after an operation.
        """
        return list(self._read(limit, before))

    def get(self, operation_id: str) -> OperationRecord | None:
        """Return an operation; None if there is none of this id."""
        if not _ID.fullmatch(operation_id):
            return None
        file = self._folder / f"{PREFIX}{operation_id}{_SUFFIX}"
        with suppress(OSError):
            status = file.stat()
            return _record(file, status.st_mtime_ns, status.st_size, status.st_ino)
        return None

    def written(self, operation_id: str) -> int:
        """Return when an operation's file was last written, in nanoseconds; 0 if there is none."""
        with suppress(OSError):
            return (self._folder / f"{PREFIX}{operation_id}{_SUFFIX}").stat().st_mtime_ns
        return 0

    def _read(self, limit: int, before: int | None) -> Iterator[OperationRecord]:
        for file, status in self._files(before):
            record = _record(file, status.st_mtime_ns, status.st_size, status.st_ino)
            if record is None:
                continue
            yield record
            limit -= 1
            if limit <= 0:
                return

    def _files(self, before: int | None) -> list[tuple[Path, os.stat_result]]:
        files: list[tuple[Path, os.stat_result]] = []
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(self._folder) as entries:
            for entry in entries:
                if not (entry.name.startswith(PREFIX) and entry.name.endswith(_SUFFIX)):
                    continue
                with suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    if before is None or status.st_mtime_ns < before:
                        files.append((Path(entry.path), status))
        return sorted(files, key=lambda file: file[1].st_mtime_ns, reverse=True)


@lru_cache(maxsize=_KEPT)
def _record(file: Path, _written: int, _size: int, _inode: int) -> OperationRecord | None:
    record = read_operation(file)
    name = file.name[len(PREFIX) : -len(_SUFFIX)]
    return None if record is None or not _ID.fullmatch(name) else replace(record, operation_id=name)
