"""One output of type mysql or mariadb."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from dvt.connectors.mysql.estimates import estimated
from dvt.connectors.mysql.extract import MySQLSnapshot
from dvt.connectors.mysql.load import StageTableLoad, drop, load_columns
from dvt.connectors.mysql.server import Server
from dvt.core.estimates import Estimate
from dvt.core.names import TableRef
from dvt.core.plan import Load, LoadColumn
from dvt.core.ports.connectors import Capabilities, ConnectorContext, Snapshot
from dvt.core.ports.staging import Dataset
from dvt.core.queries import SourceQuery
from dvt.core.tables import StageColumn, Table
from dvt.drivers.mysql import Scanner, connect, describe, parse

_NO_LOCAL_INFILE = "it refuses LOAD DATA LOCAL INFILE; set local_infile = ON on the server"


class MySQLConnector:
    """Implements Connector, CanEstimate and CanLoad, for the tables of every schema that its user may see."""

    capabilities = Capabilities(snapshot_by="consistent_reads: lock")

    def __init__(self, name: str, settings: Mapping[str, Any], context: ConnectorContext) -> None:
        parsed = parse(name, settings, context.project_dir)
        self.capabilities = replace(type(self).capabilities, snapshot=parsed.consistent_reads == "lock")
        self._duckdb = context.duckdb
        self._server = Server(name, parsed, Scanner(name, parsed, context.duckdb), context.limit)

    def describe(self, tables: Sequence[TableRef]) -> Mapping[TableRef, Table]:
        """See Connector."""
        with self._server.slots, connect(self._server.name, self._server.settings) as side:
            return describe(side, tables, self._server.settings.schema_)

    def estimate(self, queries: Sequence[SourceQuery]) -> Sequence[Estimate | None]:
        """See CanEstimate."""
        with self._server.slots, connect(self._server.name, self._server.settings) as side:
            return estimated(side, queries, self._server.settings.schema_)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """See Connector: with `consistent_reads: lock`, one call of `extract` reads one state of the data."""
        yield MySQLSnapshot(self._server)

    def cancel(self) -> None:
        """See Connector."""
        self._server.queries.cancel()

    def close(self) -> None:
        """See Connector."""
        self._server.scanner.close()

    def columns(self, columns: Sequence[StageColumn]) -> tuple[LoadColumn, ...]:
        """See CanLoad."""
        return load_columns(self._server, columns)

    def fill(self, load: Load, dataset: Dataset) -> int:
        """See CanLoad."""
        try:
            return StageTableLoad(self._server, self._duckdb, load, dataset).run()
        finally:
            if not self._server.takes_files:
                self.capabilities = replace(self.capabilities, loads_slowly=_NO_LOCAL_INFILE)

    def drop(self, stage: TableRef) -> None:
        """See CanLoad."""
        drop(self._server, stage)
