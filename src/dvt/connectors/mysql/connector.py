"""One output of type mysql or mariadb."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from dvt.connectors.mysql.estimates import estimated, splits_of
from dvt.connectors.mysql.extract import MySQLSnapshot
from dvt.connectors.mysql.load import StageTableLoad, drop, index, load_columns
from dvt.connectors.mysql.privileges import privileges
from dvt.connectors.mysql.server import Server
from dvt.core.estimates import Estimate
from dvt.core.names import TableRef
from dvt.core.plan import Load, LoadColumn
from dvt.core.ports.connectors import (
    AnswerRules,
    Capabilities,
    ConnectorContext,
    DescribedAnswer,
    ServerFacts,
    Snapshot,
)
from dvt.core.ports.staging import Dataset
from dvt.core.queries import ExtractedColumn, SourceQuery, Split, Sql, rendered
from dvt.core.tables import Column, StageColumn, Table
from dvt.drivers.mysql import (
    Scanner,
    answer_rules,
    changes,
    connect_watched,
    describe,
    describe_answer,
    own_type,
    parse,
    table,
    with_own_sizes,
)

_NO_LOCAL_INFILE = "it refuses LOAD DATA LOCAL INFILE; set local_infile = ON on the server"

_TEXT = re.compile(r"(?:(?:var)?char\(\d+\)|(?:tiny|medium|long)?text|(?:enum|set)\(.*\))\Z", re.DOTALL)
"""Matches types of text, as information_schema writes them."""
_BYTEWISE = ("utf8mb4_nopad_bin", "utf8mb4_0900_bin", "utf8mb4_bin")
"""Collations by bytes, of MariaDB, of MySQL, and of servers that have none that minds trailing spaces."""


class MySQLConnector:
    """Implements Connector and CanFindChanges, -Answer, -Compute, -Estimate, -Load, -Size and -Split."""

    capabilities = Capabilities(snapshot_by="consistent_reads: lock")
    hash_algorithm = changes.ALGORITHM

    def __init__(self, name: str, settings: Mapping[str, Any], context: ConnectorContext) -> None:
        parsed = parse(name, settings, context.project_dir)
        self.capabilities = replace(type(self).capabilities, snapshot=parsed.consistent_reads == "lock")
        self._duckdb = context.duckdb
        scanner = Scanner(name, parsed, context.duckdb)
        self._server = Server(name, parsed, scanner, context.limit, context.warn)

    def describe(self, tables: Sequence[TableRef]) -> Mapping[TableRef, Table]:
        """See Connector."""
        with self._server.slots, connect_watched(self._server.name, self._server.settings) as side:
            return describe(side, tables, self._server.settings.schema_)

    def estimate(self, queries: Sequence[SourceQuery]) -> Sequence[Estimate | None]:
        """See CanEstimate."""
        with self._server.slots, connect_watched(self._server.name, self._server.settings) as side:
            return estimated(side, queries, self._server.settings.schema_)

    def splits(self, queries: Sequence[SourceQuery]) -> Sequence[Split | None]:
        """See CanSplit."""
        with self._server.slots, connect_watched(self._server.name, self._server.settings) as side:
            return splits_of(side, queries, self._server)

    def server_facts(self, schema: str | None) -> ServerFacts:
        """See HasServerFacts."""
        sql = "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = %s"
        with self._server.slots, connect_watched(self._server.name, self._server.settings) as side:
            named = schema or self._server.settings.schema_
            ((number,),) = side.rows(sql, (named,), doing="asking for its version")
            held = privileges(side, self._server.settings, named)
            return ServerFacts(version=side.flavour.name, has_schema=number > 0, privileges=held)

    def answer_rules(self) -> AnswerRules:
        """See CanAnswer."""
        server = self._server
        with server.slots, connect_watched(server.name, server.settings) as side:
            literals, modes = server.session_of_reads if side.is_mariadb else ("", "")
            return answer_rules(server.name, side, literals, modes)

    def describe_answer(
        self, text: Sql, tables: Sequence[TableRef], settings: Mapping[str, str]
    ) -> DescribedAnswer:
        """See CanAnswer."""
        server = self._server
        sql = rendered(text, [table(ref, server.settings.schema_) for ref in tables])
        with server.slots, connect_watched(server.name, server.settings) as side:
            return describe_answer(server.name, side, sql, settings)

    def with_own_sizes(
        self, columns: Sequence[LoadColumn], text: Sql, copies: Sequence[str]
    ) -> tuple[LoadColumn, ...]:
        """See CanSize."""
        server = self._server
        names = [f"dvt_copy_{number}" for number in range(len(copies))]
        sql, definitions = rendered(text, names), list(zip(names, copies, strict=True))
        with server.slots, connect_watched(server.name, server.settings) as side:
            return with_own_sizes(side, columns, sql, definitions)

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

    def selected(self, extracted: ExtractedColumn) -> str:
        """See CanFindChanges."""
        return changes.selected(extracted)

    def row_hash(self, columns: Sequence[Column]) -> Column:
        """See CanFindChanges."""
        return changes.row_hash(columns)

    def is_among(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
        """See CanFindChanges."""
        return changes.is_among(columns, rows)

    def is_from(self, column: Column, lowest: str) -> str:
        """See CanFindChanges."""
        return changes.is_from(column, lowest)

    def own_type(self, column: Column, dialect: str) -> str | None:
        """See CanCompute. Text keeps its collation, if this server has it: it decides what is equal."""
        if dialect != "mysql":
            return None
        if column.loses is not None or not _TEXT.match(column.native):
            return own_type(column, self._server.flavour)
        if column.collation is None:
            bytewise = next((name for name in _BYTEWISE if name in self._server.collations), _BYTEWISE[-1])
            return f"{column.native} CHARACTER SET utf8mb4 COLLATE {bytewise}"
        known = column.collation in self._server.collations
        return f"{column.native} COLLATE {column.collation}" if known else None

    def index(self, stage: TableRef, key: Sequence[str], columns: Sequence[str]) -> None:
        """See CanCompute."""
        index(self._server, stage, key, columns)

    def drop(self, stage: TableRef) -> None:
        """See CanLoad."""
        drop(self._server, stage)
