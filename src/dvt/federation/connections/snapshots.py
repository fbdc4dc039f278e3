"""The snapshot of one connection that the nodes of a run share (docs/adr/0006)."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass

from dvt.core.errors import Cancelled, DvtError, ExtractTooLarge, QueryFailed, ValueLost
from dvt.core.ports.connectors import Connector, Snapshot
from dvt.core.tables import Table
from dvt.federation.connections.writes import WriteLog

OF_A_QUERY = (Cancelled, ExtractTooLarge, QueryFailed, ValueLost)
"""Errors of one query that leave the snapshot as it was: a model that asks again reads the same moment."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A snapshot to extract from."""

    snapshot: Snapshot
    idled: bool = False
    """True if it was begun for an earlier reader, and may have idled for longer than its server allows."""
    number: int | None = None
    """Tells the run's snapshots on this connection apart; None for one that is this reader's alone."""


class _SharedSnapshot:
    """An open snapshot and its readers; `RunSnapshot` guards the fields."""

    def __init__(self, begun: AbstractContextManager[Snapshot], number: int) -> None:
        self.number = number
        self._open = ExitStack()
        self.snapshot = self._open.enter_context(begun)
        self.readers = 0
        self.was_read = False
        self.retired = False

    def close(self) -> None:
        # A broken snapshot may fail again when it ends; the first error was raised already.
        with suppress(DvtError):
            self._open.close()


class RunSnapshot:
    """The run's snapshot: begun when first read, shared by all nodes, held until the run ends.

    It is retired earlier if it breaks, or if a write of unknown extent makes every table stale: the next
    reader begins another, and the retired snapshot closes when its last reader leaves.

    `_beginning` is held while a snapshot begins, so that one begins at a time. `_lock` guards all fields,
    those of the shared snapshot, too, and is never held while the database is queried: a write can be logged
    while a snapshot begins. Order: `_beginning`, `_lock`, the write log's lock.
    """

    def __init__(self, connector: Connector, writes: WriteLog) -> None:
        self._connector = connector
        self._writes = writes
        self._beginning = threading.Lock()
        self._lock = threading.Lock()
        self._begun = 0
        """Number of snapshots that were begun; `_beginning` guards it."""
        self._shared: _SharedSnapshot | None = None
        self._since: int | None = None
        """The number of the last write before the snapshot began; None while there is none."""

    def is_settled(self, tables: Iterable[Table]) -> bool:
        """True if the snapshot shows all these tables as they are for this run now."""
        with self._lock:
            return self._since is None or self._writes.generation(tables) <= self._since

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Read from the snapshot. An error within retires it, unless it is one of a query alone."""
        shared, idled = self._join()
        broke = True
        try:
            yield Reading(shared.snapshot, idled, shared.number)
            broke = False
        except OF_A_QUERY:
            broke = False
            raise
        finally:
            with self._lock:
                shared.readers -= 1
                if broke and shared is self._shared:
                    self._retire()
                unread = shared.retired and shared.readers == 0
            if unread:
                shared.close()

    def retire(self) -> None:
        """Keep later readers from the snapshot; close it now if nobody reads from it."""
        with self._lock:
            shared = self._retire()
            unread = shared is not None and shared.readers == 0
        if shared is not None and unread:
            shared.close()

    def close(self) -> None:
        """Close the snapshot even if somebody still reads from it."""
        with self._lock:
            shared = self._retire()
        if shared is not None:
            shared.close()

    def _join(self) -> tuple[_SharedSnapshot, bool]:
        """Join the snapshot, which begins if there is none; return it, and whether it was read before."""
        with self._beginning:
            while True:
                with self._lock:
                    if (shared := self._shared) is not None:
                        idled, shared.was_read = shared.was_read, True
                        shared.readers += 1
                        return shared, idled
                    self._since = since = self._writes.last
                begun = None
                try:
                    self._begun += 1
                    begun = _SharedSnapshot(self._connector.snapshot(), self._begun)
                finally:
                    with self._lock:
                        overtaken = self._writes.last_to_any > since
                        if begun is None or overtaken:
                            self._since = None
                        else:
                            self._shared = begun
                if overtaken:
                    begun.close()

    def _retire(self) -> _SharedSnapshot | None:
        """Take the snapshot away from later readers; the caller, who holds `_lock`, closes it."""
        shared, self._shared = self._shared, None
        if shared is not None:
            self._since = None
            shared.retired = True
        return shared
