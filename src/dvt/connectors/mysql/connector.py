"""One output of type mysql or mariadb."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from dvt.connectors.mysql.extract import Reading, Server
from dvt.core.names import TableRef
from dvt.core.plan import Table
from dvt.core.ports import Capabilities, ConnectorContext, Snapshot
from dvt.drivers.mysql import Queries, Scanner, connect, describe, parse


class MySQLConnector:
    """Reads one schema's tables, and others' that its user may see. Thread-safe."""

    capabilities = Capabilities(
        dialect="mysql", max_identifier=64, snapshot_by="consistent_reads: lock", folds_case=True
    )

    def __init__(self, name: str, settings: Mapping[str, Any], context: ConnectorContext) -> None:
        known = parse(name, settings, context.project_dir)
        locks = known.consistent_reads == "lock"
        self.capabilities = replace(type(self).capabilities, snapshot=locks)
        self._server = Server(
            name=name,
            settings=known,
            scanner=Scanner(name, known, context.duckdb),
            queries=Queries(name, known),
            slots=threading.Semaphore(max(1, context.limit - locks)),
            locking=threading.Lock(),
        )

    def describe(self, tables: Sequence[TableRef]) -> Mapping[TableRef, Table]:
        """See Connector."""
        with self._server.slots, connect(self._server.name, self._server.settings) as side:
            return describe(side, tables, self._server.settings.schema_)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """See Connector: with `consistent_reads: lock`, what one `extract` reads is one moment."""
        yield Reading(self._server)

    def cancel(self) -> None:
        """See Connector."""
        self._server.queries.cancel()

    def close(self) -> None:
        """See Connector."""
        self._server.scanner.close()
