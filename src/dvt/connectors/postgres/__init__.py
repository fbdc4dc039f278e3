"""PostgreSQL: read through DuckDB's scanner in one snapshot, filled by binary COPY."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar

from dvt.connectors.postgres import load as loading
from dvt.connectors.postgres.estimates import estimated, splits_of
from dvt.connectors.postgres.measure import measure
from dvt.connectors.postgres.privileges import privileges
from dvt.connectors.postgres.server import Server
from dvt.connectors.postgres.snapshot import open_snapshot
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
from dvt.drivers.postgres import (
    Scanner,
    answer_rules,
    as_dvt_errors,
    changes,
    describe,
    describe_answer,
    is_built_in,
    open_session,
    parse,
    relation,
)


class PostgresConnector:
    """Implements Connector and all of its extensions but CanSize and HasOwnRules."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        snapshot=True, told_by="the snapshot's list of transactions, of the whole server"
    )
    hash_algorithm = changes.ALGORITHM

    def __init__(self, name: str, settings: Mapping[str, Any], context: ConnectorContext) -> None:
        parsed = parse(name, settings)
        self._duckdb = context.duckdb
        self._scanner = Scanner(name, parsed, context.duckdb)
        self._server = Server(name, parsed, self._scanner, context.limit, context.warn)

    def describe(self, tables: Sequence[TableRef]) -> Mapping[TableRef, Table]:
        """See Connector."""
        settings = self._server.settings
        with self._server.slots.work(), open_session(self._server.name, settings) as cursor:
            return describe(
                cursor, tables, name=self._server.name, dbname=settings.dbname, schema=settings.schema_
            )

    def estimate(self, queries: Sequence[SourceQuery]) -> Sequence[Estimate | None]:
        """See CanEstimate."""
        name, settings = self._server.name, self._server.settings
        with self._server.slots.work(), open_session(name, settings) as cursor:
            return estimated(name, cursor, queries, settings)

    def splits(self, queries: Sequence[SourceQuery]) -> Sequence[Split | None]:
        """See CanSplit: one connection holds the snapshot, and the others read."""
        name, settings = self._server.name, self._server.settings
        with self._server.slots.work(), open_session(name, settings) as cursor:
            return splits_of(name, cursor, queries, settings, self._server.limit - 1)

    def time_zone(self) -> str:
        """See HasTimeZone."""
        name = self._server.name
        with (
            self._server.slots.work(),
            open_session(name, self._server.settings) as cursor,
            as_dvt_errors(name=name, doing="asking for its time zone"),
        ):
            cursor.execute("SHOW TimeZone")
            return str(cursor.fetchone()[0])

    def server_facts(self, schema: str | None) -> ServerFacts:
        """See HasServerFacts."""
        name = self._server.name
        with (
            self._server.slots.work(),
            open_session(name, self._server.settings) as cursor,
            as_dvt_errors(name=name, doing="asking for its version"),
        ):
            cursor.execute(
                "SELECT current_setting('server_version'),"
                " EXISTS (SELECT FROM pg_namespace WHERE nspname = %s),"
                " has_database_privilege(current_database(), 'CREATE')",
                (schema or self._server.settings.schema_,),
            )
            version, has_schema, may_create = cursor.fetchone()
            held = privileges(cursor, schema or self._server.settings.schema_)
        return ServerFacts(
            version=f"PostgreSQL {version}",
            has_schema=has_schema,
            may_create_schema=may_create,
            privileges=held,
        )

    def answer_rules(self) -> AnswerRules:
        """See CanAnswer."""
        with self._server.slots.work(), open_session(self._server.name, self._server.settings) as cursor:
            return answer_rules(self._server.name, cursor)

    def describe_answer(
        self, text: Sql, tables: Sequence[TableRef], settings: Mapping[str, str]
    ) -> DescribedAnswer:
        """See CanAnswer."""
        server = self._server
        sql = rendered(text, [relation(table, server.settings.schema_) for table in tables])
        with server.slots.work(), open_session(server.name, server.settings) as cursor:
            return describe_answer(server.name, cursor, sql, settings)

    def measure(self, table: Table, names: Sequence[str]) -> Mapping[str, Column]:
        """See CanMeasure."""
        return measure(self._server, table, names)

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """See Connector."""
        return open_snapshot(self._server)

    def cancel(self) -> None:
        """See Connector."""
        self._server.backends.cancel()

    def close(self) -> None:
        """See Connector."""
        self._scanner.close()

    def columns(self, columns: Sequence[StageColumn]) -> tuple[LoadColumn, ...]:
        """See CanLoad."""
        return loading.load_columns(columns)

    def fill(self, load: Load, dataset: Dataset) -> int:
        """See CanLoad."""
        return loading.StageTableLoad(self._server, self._duckdb, load, dataset).run()

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
        """See CanCompute."""
        is_own = dialect == "postgres" and is_built_in(column.native)
        return f"{column.native} {column.collate}".rstrip() if is_own else None

    def index(self, stage: TableRef, key: Sequence[str], columns: Sequence[str]) -> None:
        """See CanCompute."""
        loading.index(self._server, stage, key, columns)

    def drop(self, stage: TableRef) -> None:
        """See CanLoad."""
        loading.drop(self._server, stage)
