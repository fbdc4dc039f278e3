r"""The spool: local files for events that the database could not take, from which they are synced later.

A line is 16 hexadecimal digits of the SHA-256 of the rest, a space, and an event as JSON. A process writes
one file, which it holds locked (`flock`) for as long as it lives; a file that nobody holds is synced.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from dvt.core.retention import Asking, Source
from dvt.drivers.disk import disk_error, private_folder
from dvt.lifecycle.store.encoding import canonical
from dvt.lifecycle.store.events import Event, EventKind, event_data, event_from
from dvt.lifecycle.store.present import now

_BATCH = 1000
"""Events that are synced in one transaction."""
_DIGITS = 16


class Spool:
    """This process's file of events; it is made when the first event comes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: int | None = None
        self._mutex = Lock()

    def write(self, events: Sequence[Event]) -> None:
        """Write events; they are on the disk when this returns."""
        lines = b"".join(_line(event) for event in events)
        with self._mutex:
            try:
                if self._file is None:
                    self._file = _new_file(self._folder)
                _append(self._file, lines)
            except OSError as error:
                raise disk_error(error, self._folder) from error

    def close(self) -> None:
        """Let go of the file, so that it is synced when a store is opened."""
        with self._mutex:
            if self._file is not None:
                os.close(self._file)
                self._file = None


def _line(event: Event) -> bytes:
    text = canonical(event_data(event)).encode()
    return hashlib.sha256(text).hexdigest()[:_DIGITS].encode() + b" " + text + b"\n"


def _new_file(folder: Path) -> int:
    """Make a file that is locked before anybody can find it; names are in the order of time."""
    private_folder(folder)
    final = folder / f"{time.time_ns():020}-{secrets.token_hex(4)}.jsonl"
    temporary = final.with_suffix(".new")
    file = os.open(temporary, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    temporary.rename(final)
    parent = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
    return file


def _append(file: int, lines: bytes) -> None:
    """Append whole lines, or nothing."""
    size = os.fstat(file).st_size
    try:
        written = 0
        while written < len(lines):
            written += os.write(file, lines[written:])
        os.fsync(file)
    except OSError:
        with suppress(OSError):
            os.ftruncate(file, size)
        raise


class Synced(NamedTuple):
    """What a sync has done."""

    events: int
    """So many events were put on record that were not yet."""
    damaged: tuple[Path, ...] = ()
    """Files with lines that cannot be read; the rest was synced, and they were moved here."""
    problem: str = ""
    """Why nothing was synced, where this user may not write; it stays in the spool."""


def sync(folder: Path, append_new: Callable[[Sequence[Event]], int]) -> Synced:
    """Put the events of files whose writers are gone on record, each once and in order; remove these files.

    After a kill at any moment, the next sync goes on.
    """
    count, damaged = 0, []
    for path in sorted(folder.glob("*.jsonl")):
        file = _abandoned(path)
        if file is None:
            continue
        try:
            added, moved = _sync_file(path, file, append_new)
        finally:
            os.close(file)
        count += added
        damaged += [moved] if moved else []
    return Synced(count, tuple(damaged))


def _abandoned(path: Path) -> int | None:
    """Open and lock a file; None if its writer lives, or somebody else syncs it or has done so."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise disk_error(error, path.parent) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.exists():
            return file
    except OSError:
        pass
    os.close(file)
    return None


def _sync_file(
    path: Path, file: int, append_new: Callable[[Sequence[Event]], int]
) -> tuple[int, Path | None]:
    count, batch, bad = 0, [], []
    for number, event in _events(file):
        if event is None:
            bad.append(number)
            continue
        batch.append(event)
        if len(batch) == _BATCH:
            count += append_new(batch)
            batch = []
    moved = path.with_suffix(".damaged") if bad else None
    if moved is not None:
        batch.append(_damage(moved, bad))
    if batch:
        count += append_new(batch)
    if moved is None:
        path.unlink(missing_ok=True)
    else:
        path.rename(moved)
    return count, moved


def _events(file: int) -> Iterator[tuple[int, Event | None]]:
    """Yield the events of a file with the numbers of their lines; None for a line that cannot be read.

    A last line without an end is none: its writer was killed before it could act on it.
    """
    with os.fdopen(os.dup(file), "rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.endswith(b"\n"):
                yield number, _event(line)


def _event(line: bytes) -> Event | None:
    digest, _, text = line.rstrip(b"\n").partition(b" ")
    if hashlib.sha256(text).hexdigest()[:_DIGITS].encode() != digest:
        return None
    try:
        return event_from(json.loads(text))
    except (KeyError, TypeError, ValueError):
        return None


def _damage(file: Path, lines: Sequence[int]) -> Event:
    """Return the event which says that lines of a file were lost, the same for the same file."""
    return Event(
        event=hashlib.sha256(file.name.encode()).hexdigest()[:32],
        at=now(),
        kind=EventKind.NOTE,
        asking=Asking(actor="dvt", source=Source.CLI),
        key="spool_damaged",
        details={"file": file.name, "lines": list(lines[:100]), "count": len(lines)},
    )
