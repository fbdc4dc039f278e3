"""Reads the operation files of a project: what its commands are doing and did."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path

from dvt.core.operation_record import OperationRecord
from dvt.runs.operation_files import PREFIX, read_operation

_FOLDER = ".dvt/operations"
_SUFFIX = ".json"
_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}")
"""Ids of operations, also of those of other writers."""
_KEPT = 256
"""Files whose content is kept in memory, as long as they have not changed."""
_LOOKED_AT = 2000
"""Files that are read at most where operations are searched for."""
_REMEMBERED = 3 * _LOOKED_AT
"""Files and searches of which it is remembered whether they fit: pages ask again and again."""


@dataclass(frozen=True, slots=True)
class Search:
    """Which operations are looked for: those of a status, with a text in what a page shows of them."""

    text: str = ""
    status: str = ""

    def fits(self, record: OperationRecord) -> bool:
        """Return whether an operation is looked for."""
        if self.status and record.status != self.status:
            return False
        wanted = self.text.casefold()
        words = (command(record), record.target, record.pipeline_name, *(of.name for of in record.nodes))
        return not wanted or any(wanted in word.casefold() for word in words)


def command(record: OperationRecord) -> str:
    """Return the command line of an operation, as one would type it."""
    return shlex.join(record.command) if record.command else record.pipeline_name or record.operation_id


class Operations:
    """The operations of a project, of which there may be many thousands."""

    def __init__(self, project_dir: Path) -> None:
        self._folder = project_dir / _FOLDER

    def recent(
        self, limit: int, before: int | None = None, search: Search | None = None
    ) -> list[OperationRecord]:
        """Return the operations whose files were written last, the newest first.

        `before`: the moment of `written`, to go on after an operation. `search`: only those that fit.
        """
        return list(islice(self._read(before, search), limit))

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

    def _read(self, before: int | None, search: Search | None) -> Iterator[OperationRecord]:
        files = self._files(before)
        for file, status in files[:_LOOKED_AT] if search else files:
            state = (file, status.st_mtime_ns, status.st_size, status.st_ino)
            if search and not _fits(search, *state):
                continue
            record = _record(*state)
            if record is not None:
                yield record

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


@lru_cache(maxsize=_REMEMBERED)
def _fits(search: Search, file: Path, written: int, size: int, inode: int) -> bool:
    record = _record(file, written, size, inode)
    return record is not None and search.fits(record)


@lru_cache(maxsize=_KEPT)
def _record(file: Path, _written: int, _size: int, _inode: int) -> OperationRecord | None:
    record = read_operation(file)
    name = file.name[len(PREFIX) : -len(_SUFFIX)]
    return None if record is None or not _ID.fullmatch(name) else replace(record, operation_id=name)
