"""Every output that a run uses, opened when first needed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

from dvt.core.errors import Cancelled
from dvt.core.estimates import Estimate
from dvt.core.names import TableRef
from dvt.core.ports.connectors import CanSplit, Connector
from dvt.core.queries import SourceQuery, Split
from dvt.core.tables import Table
from dvt.federation.connections.connection import Connection
from dvt.resolution.output_types import OutputType

_CANCEL_TIMEOUT = 4.0
"""Seconds that `cancel` waits for servers: one that does not answer must not keep dvt from ending."""


class Connections:
    """Every output this run has used, by name. Thread-safe.

    `_lock` guards the names, and is held while a connector is made, which opens no connection yet. No lock of
    a connection is taken within it.
    """

    def __init__(
        self,
        open_connector: Callable[[str], Connector],
        type_of: Callable[[str], OutputType],
        database_of: Callable[[str], Hashable] = str,
    ) -> None:
        """`database_of` gives a key of an output's database, which all outputs of that database share."""
        self._open = open_connector
        self._type_of = type_of
        self._database_of = database_of
        self._lock = threading.Lock()
        self._used: dict[str, Connection] = {}
        self._written: list[tuple[Hashable, TableRef | None]] = []
        """Each write of the run: the database, and the table; None for any table of it."""
        self._closed = False

    def __getitem__(self, name: str) -> Connection:
        with self._lock:
            if name not in self._used:
                if self._closed:
                    raise Cancelled(f"opening connection {name!r}")
                connection = Connection(name, self._open(name), self._type_of(name))
                for database, table in self._written:
                    if database == self._database_of(name):
                        connection.writes.add(table)
                self._used[name] = connection
            return self._used[name]

    def describe(self, refs: Iterable[TableRef]) -> dict[TableRef, Table]:
        """Describe tables of any connections; each is described once, until the run writes to it."""
        by_connection: dict[str, list[TableRef]] = {}
        for ref in refs:
            by_connection.setdefault(ref.connection, []).append(ref)
        tables: dict[TableRef, Table] = {}
        for name, connection_refs in by_connection.items():
            tables.update(self[name].describe(connection_refs))
        return tables

    def generations(self, tables: Iterable[Table]) -> dict[str, int]:
        """Return, by connection, the number of the run's last write that the tables may show."""
        by_connection: dict[str, list[Table]] = {}
        for table in tables:
            by_connection.setdefault(table.ref.connection, []).append(table)
        return {name: self[name].writes.generation(group) for name, group in by_connection.items()}

    def estimate(self, queries: Sequence[SourceQuery]) -> list[Estimate | None]:
        """Return how much each query of any connection will answer, None where nothing tells."""
        estimates: dict[str, Estimate | None] = {}
        for name in dict.fromkeys(query.connection for query in queries):
            of_connection = [query for query in queries if query.connection == name]
            keys = [query.key for query in of_connection]
            estimates |= zip(keys, self[name].estimate(of_connection), strict=True)
        return [estimates[query.key] for query in queries]

    def splits(self, queries: Sequence[SourceQuery]) -> Mapping[str, Split | None]:
        """Return by how many statements queries would be read, by their keys, where a connector can tell."""
        splits: dict[str, Split | None] = {}
        for name in dict.fromkeys(query.connection for query in queries):
            connector = self[name].connector
            if isinstance(connector, CanSplit):
                asked = [query for query in queries if query.connection == name]
                splits |= zip([query.key for query in asked], connector.splits(asked), strict=True)
        return splits

    def wrote(self, name: str, table: TableRef | None) -> None:
        """Log a node's write on every output that is the same database, also on those opened later."""
        written = self._database_of(name)
        with self._lock:
            self._written.append((written, table))
            used = [
                connection for other, connection in self._used.items() if self._database_of(other) == written
            ]
        for connection in used:
            connection.wrote(table)

    def cancel(self, *, busy: bool = False) -> None:
        """Stop every query under way, on all servers side by side.

        `busy`: only on connections that are busy, so that others can still drop stage tables.
        """
        with self._lock:
            used = list(self._used.values())
        threads = [
            threading.Thread(
                target=connection.in_flight.cancel, name=f"dvt-cancel-{connection.name}", daemon=True
            )
            for connection in used
            if connection.in_flight.busy or not busy
        ]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + _CANCEL_TIMEOUT
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def close(self) -> None:
        """Close every connection; no connection is opened after this."""
        with self._lock:
            self._closed = True
            used = list(self._used.values())
            self._used.clear()
        for connection in used:
            connection.close()
