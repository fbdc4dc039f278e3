"""One output of the profile, as a run uses it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property

from dvt.core.errors import DvtError
from dvt.core.estimates import Estimate
from dvt.core.names import TableRef
from dvt.core.ports.connectors import Connector, HasOwnRules, HasTimeZone
from dvt.core.ports.transfers import HasRoutes
from dvt.core.queries import SourceQuery
from dvt.core.tables import Table
from dvt.federation.connections.estimates import EstimateCache
from dvt.federation.connections.in_flight import InFlight
from dvt.federation.connections.snapshots import Reading, RunSnapshot
from dvt.federation.connections.tables import TableCache
from dvt.federation.connections.writes import WriteLog
from dvt.resolution.output_types import OutputType


class Connection:
    """An output: its connector, and what this run knows of it and does on it. Thread-safe.

    The methods are those that need two parts; for everything else callers use the part.
    """

    def __init__(self, name: str, connector: Connector, type_: OutputType) -> None:
        self.name = name
        self.type = type_
        self.connector = connector
        self.writes = WriteLog()
        self.tables = TableCache(connector, self.writes)
        self.estimates = EstimateCache(connector, self.writes)
        self.snapshot = RunSnapshot(connector, self.writes)
        self.in_flight = InFlight(name, connector)
        self._functions: tuple[int, frozenset[str]] = (-1, frozenset())
        """The number of the last write before functions were asked for, and their names."""

    @cached_property
    def time_zone(self) -> str:
        """IANA name of the time zone in which dbt's sessions on this output work, asked for once."""
        if not isinstance(self.connector, HasTimeZone):
            return "UTC"
        with self.in_flight.describing():
            return self.connector.time_zone()

    @cached_property
    def own_settings(self) -> Sequence[str]:
        """Settings of dbt's sessions on this output by which SQL answers otherwise, for people."""
        return self.connector.own_settings() if isinstance(self.connector, HasOwnRules) else ()

    @property
    def own_functions(self) -> frozenset[str]:
        """Names of functions that users have made on this output by now, in lower case."""
        if not isinstance(self.connector, HasOwnRules):
            return frozenset()
        since, names = self._functions
        if self.writes.last_to_any != since:  # a hook may have made some
            since = self.writes.last_to_any
            with self.in_flight.describing():
                names = self.connector.own_functions()
            self._functions = (since, names)
        return names

    def describe(self, refs: Sequence[TableRef]) -> Mapping[TableRef, Table]:
        """Return the tables as they are for this run now."""
        with self.in_flight.describing():
            return self.tables.describe(refs)

    def measure(self, table: Table, names: Sequence[str]) -> Table:
        """Return the table with the types that the present values of these columns need."""
        with self.in_flight.describing():
            return self.tables.measure(table, names)

    def estimate(self, queries: Sequence[SourceQuery]) -> Sequence[Estimate | None]:
        """Return how much each query will answer, None where nothing tells; nothing is extracted."""
        with self.in_flight.describing():
            return self.estimates.estimate(queries)

    def sized(self, queries: Sequence[SourceQuery]) -> list[SourceQuery]:
        """Return queries with what they are expected to answer, where the way of their answer depends on it.

        So each goes the way that `dvt explain` has shown.
        """
        if not queries or not isinstance(self.connector, HasRoutes):
            return list(queries)
        try:
            estimates = self.estimate(queries)
        except DvtError:
            return list(queries)  # what is wrong shows when they are sent
        return [
            query if estimate is None else replace(query, rows=estimate.rows, bytes=estimate.bytes)
            for query, estimate in zip(queries, estimates, strict=True)
        ]

    def wrote(self, table: TableRef | None) -> None:
        """Log a write; one of unknown extent (None) also ends the run's snapshot."""
        self.writes.add(table)
        if table is None:
            self.snapshot.retire()

    @contextmanager
    def reading(self, node: object, *, fresh: bool) -> Iterator[Reading]:
        """Read for a node: from the run's snapshot, or, if `fresh`, from one that begins now."""
        with self.in_flight.extracting(node):
            if fresh or not self.connector.capabilities.snapshot:
                with self.connector.snapshot() as snapshot:
                    yield Reading(snapshot)
            else:
                with self.snapshot.reading() as reading:
                    yield reading

    def close(self) -> None:
        """Close the run's snapshot, then the connector."""
        self.snapshot.close()
        self.connector.close()
