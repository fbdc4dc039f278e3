"""What is there and what is decided of it, written down once and read in pages: a snapshot of all items.

To look at a hundred thousand files takes seconds. So the first page of a list is of a new snapshot, or of one
that is a moment old; the pages after it are of the same one, in constant memory.
"""

from __future__ import annotations

import json
import secrets
import tempfile
import time
import weakref
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from threading import Lock
from typing import IO, Any

from dvt.core.errors import NotThere
from dvt.core.retention import Tally
from dvt.lifecycle.reports.files import file_object
from dvt.lifecycle.system import System

_FRESH = 5.0
"""Seconds for which a snapshot is taken for what is there now, unless something is changed here."""
_SHARE = 3
"""So many times as long as it took to make is it taken for that at least: looking is not all that is done."""
_KEPT = 600.0
"""Seconds for which its pages can be read."""
_MOST = 16
"""Snapshots that are kept."""


@dataclass(eq=False)
class Snapshot:
    """All items of a moment, and those that were due."""

    version: int
    began: float
    fresh_until: float = 0
    """Both on the clock of `time.monotonic`."""
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    found: dict[str, Tally] = field(default_factory=dict)
    """By data type."""
    size: int = 0
    """Bytes of all lines."""
    due: dict[str, Tally] = field(default_factory=dict)
    _file: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    _mutex: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        # It is closed once nobody reads it any more, however many pages are being read when it is dropped.
        weakref.finalize(self, self._file.close)

    def write(self, system: System) -> None:
        """Look at everything."""
        for of in system.explain(lambda _item: True):
            tally = Tally(items=1, files=of.item.files, bytes=of.item.bytes)
            name = of.item.data_type
            self.found[name] = self.found.get(name, Tally()) + tally
            if of.decision.is_due:
                self.due[name] = self.due.get(name, Tally()) + tally
            self.size += self._file.write(
                json.dumps(file_object(of.item, of.decision, of.policy, of.now)).encode() + b"\n"
            )
        self._file.flush()

    def amount(self, *, due: bool | None = None, data_type: str | None = None) -> Tally:
        """Return how many items there are; only those that are due, or not, and of a data type, if asked."""
        names = self.found if data_type is None else {data_type}
        found = sum((self.found.get(name, Tally()) for name in names), Tally())
        gone = sum((self.due.get(name, Tally()) for name in names), Tally())
        if due is None:
            return found
        return (
            gone
            if due
            else Tally(
                items=found.items - gone.items, files=found.files - gone.files, bytes=found.bytes - gone.bytes
            )
        )

    def lines(self, at: int) -> Generator[tuple[dict[str, Any], int], None, None]:
        """Yield items from a position on, each with the position after it; NotThere for a wrong one."""
        with self._mutex:
            self._file.seek(max(at - 1, 0))
            if at < 0 or (at > 0 and self._file.read(1) != b"\n"):
                raise NotThere(f"item at {at}")
            while line := self._file.readline():
                at += len(line)
                yield json.loads(line), at


@dataclass(frozen=True, slots=True)
class Page:
    """Some items, and how to go on."""

    snapshot: Snapshot
    items: list[dict[str, Any]]
    next: str | None


class Inventory:
    """The snapshots of a server."""

    def __init__(self) -> None:
        self._mutex = Lock()
        self._looking = Lock()
        self._kept: dict[str, Snapshot] = {}
        self._version = 0

    def forget(self) -> None:
        """Have the next list be of a new snapshot: something has changed."""
        with self._mutex:
            self._version += 1

    def now(self, system: System) -> Snapshot:
        """Return a snapshot that is at most some seconds old. Who asks while one is made gets that one."""
        asked = time.monotonic()
        with self._looking:
            with self._mutex:
                version = self._version
                newest = next(reversed(self._kept.values()), None)
            if newest is not None and newest.version == version and newest.fresh_until > asked:
                return newest
            snapshot = Snapshot(version, time.monotonic())
            snapshot.write(system)
            end = time.monotonic()
            snapshot.fresh_until = end + max(_FRESH, _SHARE * (end - snapshot.began))
            self._keep(snapshot)
            return snapshot

    def page(
        self, system: System, wanted: Callable[[dict[str, Any]], bool], *, cursor: str | None, limit: int
    ) -> Page:
        """Return some of the items that are wanted; `cursor`: `next` of the page before."""
        snapshot, at = self._at(cursor) if cursor else (self.now(system), 0)
        items: list[dict[str, Any]] = []
        lines = snapshot.lines(at)
        while len(items) < limit:
            line = next(lines, None)
            if line is None:
                break
            at = line[1]
            if wanted(line[0]):
                items.append(line[0])
        lines.close()
        return Page(snapshot, items, f"{snapshot.id}-{at}" if at < snapshot.size else None)

    def _keep(self, snapshot: Snapshot) -> None:
        with self._mutex:
            oldest = time.monotonic() - _KEPT
            kept = [of for of in self._kept.values() if of.began > oldest][-_MOST + 1 :]
            self._kept = {of.id: of for of in (*kept, snapshot)}

    def _at(self, cursor: str) -> tuple[Snapshot, int]:
        name, _, position = cursor.partition("-")
        with self._mutex:
            snapshot = self._kept.get(name)
        if snapshot is None or not (position.isascii() and position.isdecimal()):
            raise NotThere("list of this cursor any more", "leave the cursor out to begin anew")
        return snapshot, int(position)
