"""The run's connections: opened when first needed, each with what this run knows of its tables.

Tables that this run has not written are read from one snapshot per connection, held until the run
ends, so that extractions which several models share agree with each other. A table that was written
after that snapshot began is read from a fresh one (docs/adr/0006).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass

from dvt.core.errors import Cancelled, DvtError
from dvt.core.names import TableRef
from dvt.core.ports.connectors import Connector, Snapshot
from dvt.core.tables import Table

_PATIENCE = 4.0
"""Seconds for servers to stop what they do; one that does not answer keeps nobody from exiting."""

logger = logging.getLogger(__name__)


class Connections:
    """Every output this run has used, by name. Thread-safe."""

    def __init__(self, open_connector: Callable[[str], Connector]) -> None:
        self._open = open_connector
        self._lock = threading.Lock()
        self._used: dict[str, Connection] = {}
        self._closed = False

    def __getitem__(self, name: str) -> Connection:
        with self._lock:
            if name not in self._used:
                if self._closed:
                    raise Cancelled(f"opening connection {name!r}")
                self._used[name] = Connection(name, self._open(name))
            return self._used[name]

    def describe(self, refs: Iterable[TableRef]) -> dict[TableRef, Table]:
        """Tables of any connection, asked once until something writes there."""
        found: dict[TableRef, Table] = {}
        by_name: dict[str, list[TableRef]] = {}
        for ref in refs:
            by_name.setdefault(ref.connection, []).append(ref)
        for name, wanted in by_name.items():
            found.update(self[name].describe(wanted))
        return found

    def wrote(self, name: str, table: TableRef | None) -> None:
        """A node has written there; what nobody has opened has nothing to forget."""
        with self._lock:
            connection = self._used.get(name)
        if connection is not None:
            connection.wrote(table)

    def cancel(self, *, busy: bool = False) -> None:
        """Stop every query under way, on all servers side by side.

        `busy`: only where data moves, so that tidying up goes on elsewhere.
        """
        with self._lock:
            used = list(self._used.values())
        stopping = [
            threading.Thread(target=connection.cancel, name=f"dvt-cancel-{connection.name}", daemon=True)
            for connection in used
            if connection.is_busy or not busy
        ]
        for each in stopping:
            each.start()
        until = time.monotonic() + _PATIENCE
        for each in stopping:
            each.join(max(0.0, until - time.monotonic()))

    def close(self) -> None:
        """Give every connection back; none is opened after this."""
        with self._lock:
            self._closed = True
            used = list(self._used.values())
            self._used.clear()
        for connection in used:
            connection.close()


@dataclass(frozen=True, slots=True)
class Reading:
    """A moment to extract from."""

    snapshot: Snapshot
    waited: bool = False
    """It was begun for an earlier model, and may have idled for longer than its server bears."""


class _Held:
    """An open snapshot, and how many are reading from it."""

    def __init__(self, context: AbstractContextManager[Snapshot]) -> None:
        self.context = context
        self.snapshot = context.__enter__()
        self.users = 0
        self.used = False
        self.retired = False

    def close(self) -> None:
        # A snapshot that broke may complain again when it ends; what broke it was raised already.
        with suppress(DvtError):
            self.context.__exit__(None, None, None)


class Connection:
    """One output: its connector, described tables, writes of this run, and the run's snapshot."""

    def __init__(self, name: str, connector: Connector) -> None:
        self.name = name
        self.connector = connector
        self._lock = threading.Lock()
        self._describing = threading.Lock()
        self._opening = threading.Lock()
        self._tables: dict[TableRef, Table] = {}
        self._writes: Counter[str] = Counter()
        self._since_snapshot: set[str] = set()
        self._anything = 0
        self._beginning = False
        self._held: _Held | None = None
        self._extracting = 0
        self._loading = 0

    def describe(self, refs: Sequence[TableRef]) -> Mapping[TableRef, Table]:
        """The tables as they were when first asked for, or since they were last written."""
        with self._describing:
            with self._lock:
                known = {ref: self._tables[ref] for ref in refs if ref in self._tables}
                before = (self._anything, self._writes.total())
            missing = [ref for ref in dict.fromkeys(refs) if ref not in known]
            if missing:
                known.update(self.connector.describe(missing))
                with self._lock:
                    if before == (self._anything, self._writes.total()):
                        self._tables.update(known)
            return known

    def wrote(self, table: TableRef | None) -> None:
        """Forget what a write makes stale; None: anything here may have changed.

        Tables are told apart by identifier alone: taking two for one costs an extraction, no more.
        """
        with self._lock:
            if table is None:
                self._anything += 1
                self._tables.clear()
                closing = self._retire()
            else:
                written = table.identifier.casefold()
                self._writes[written] += 1
                if self._held is not None or self._beginning:
                    self._since_snapshot.add(written)
                stale = [ref for ref, known in self._tables.items() if self._touches(known, written)]
                for ref in stale:
                    del self._tables[ref]
                closing = None
        if closing:
            closing.close()

    def generation(self, table: Table) -> str:
        """Changes with every write of this run that the table may show."""
        with self._lock:
            if table.scannable:
                return f"{self._anything}.{self._writes[table.ref.identifier.casefold()]}"
            return f"{self._anything}.{self._writes.total()}"

    def is_settled(self, table: Table) -> bool:
        """True when the run's snapshot shows the table as it is for this run now."""
        with self._lock:
            return not any(self._touches(table, written) for written in self._since_snapshot)

    @contextmanager
    def reading(self, *, fresh: bool) -> Iterator[Reading]:
        """A moment to extract from: the run's own, or one that begins now."""
        with self._lock:
            self._extracting += 1
        try:
            if fresh or not self.connector.capabilities.snapshot:
                with self.connector.snapshot() as snapshot:
                    yield Reading(snapshot)
            else:
                with self._run_snapshot() as reading:
                    yield reading
        finally:
            with self._lock:
                self._extracting -= 1

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Around the filling of a stage table: `cancel` may stop it."""
        with self._lock:
            self._loading += 1
        try:
            yield
        finally:
            with self._lock:
                self._loading -= 1

    @property
    def is_busy(self) -> bool:
        """True while data is on its way from or to it."""
        with self._lock:
            return self._extracting + self._loading > 0

    def cancel_own(self, groups: int) -> None:
        """Stop a node's groups of extractions here, unless others have some: those are not its to stop."""
        with self._lock:
            alone = self._loading == 0 and 0 < self._extracting <= groups
        if alone:
            self.cancel()

    def cancel(self) -> None:
        """Stop every query under way here."""
        try:
            self.connector.cancel()
        except DvtError as error:
            logger.debug("could not cancel on %s: %s", self.name, error, extra={"action": "cancel"})

    def close(self) -> None:
        """Let the run's snapshot go, then the connector."""
        with self._lock:
            held, self._held = self._held, None
        if held:
            held.close()
        self.connector.close()

    @contextmanager
    def _run_snapshot(self) -> Iterator[Reading]:
        held = self._join()
        broke, waited = True, held.used
        held.used = True
        try:
            yield Reading(held.snapshot, waited)
            broke = False
        finally:
            self._leave(held, broke=broke)

    def _join(self) -> _Held:
        with self._opening:
            while True:
                with self._lock:
                    if self._held is not None:
                        self._held.users += 1
                        return self._held
                    self._since_snapshot.clear()
                    self._beginning, before = True, self._anything
                self._begin(before)

    def _begin(self, before: int) -> None:
        """Open the run's snapshot; one that a write overtook meanwhile is let go again."""
        held = None
        try:
            held = _Held(self.connector.snapshot())
        finally:
            with self._lock:
                self._beginning = False
                overtaken = self._anything != before
                if not overtaken:
                    self._held = held
        if overtaken:
            held.close()

    def _leave(self, held: _Held, *, broke: bool) -> None:
        """Count one reader less; nobody else begins on a snapshot that broke."""
        with self._lock:
            held.users -= 1
            if broke and self._held is held:
                self._retire()
            closing = held.retired and held.users == 0
        if closing:
            held.close()

    def _retire(self) -> _Held | None:
        """Take the run's snapshot away from later readers; the caller closes what is returned."""
        held, self._held = self._held, None
        self._since_snapshot.clear()
        if held is None:
            return None
        held.retired = True
        return held if held.users == 0 else None

    @staticmethod
    def _touches(table: Table, written: str) -> bool:
        """A view may show any table; so may whatever else is not a plain one."""
        return not table.scannable or table.ref.identifier.casefold() == written
