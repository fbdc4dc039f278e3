"""Loads a stage table: its rows are inserted by statements of many rows each, or there is no table.

The databases that are loaded this way have no transaction around DDL and rows. So the table is made first,
what fails drops it, and one whose run is killed is on record: a later run that uses the output drops it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress

import duckdb

from dvt.connectors.jdbc.connector import JdbcConnector
from dvt.connectors.jdbc.server import Server
from dvt.core.errors import Cancelled, DvtError, QueryFailed, RowRefused
from dvt.core.names import TableRef
from dvt.core.plan import Load, LoadColumn
from dvt.core.ports.staging import Dataset
from dvt.core.queries import ExtractedColumn
from dvt.core.tables import Column, StageColumn
from dvt.core.types import BIGINT
from dvt.drivers.duckdb import as_dvt_errors
from dvt.drivers.duckdb.running import Batch
from dvt.drivers.duckdb.sql import quoted as duckdb_quoted
from dvt.drivers.duckdb.staging import scan
from dvt.drivers.jdbc import Answer, JdbcColumn, Session
from dvt.drivers.jdbc.loads import Loads, LoadType
from dvt.drivers.jdbc.loads.load_types import exact, fitted
from dvt.drivers.jdbc.statements import inserts

_BATCH = 2048
"""Number of rows that DuckDB gives at once: its own."""


class LoadingConnector(JdbcConnector):
    """Implements what JdbcConnector does, and CanLoad. Inherit, and set `loads`."""

    loads: Loads
    """How its database is loaded."""

    def columns(self, columns: Sequence[StageColumn]) -> tuple[LoadColumn, ...]:
        """See CanLoad."""
        types = [(column, self.loads.of(column.widest or column.type)) for column in columns]
        return tuple(
            LoadColumn(name=column.name, stage=column.type, native=type_.native, loses=type_.loses)
            for column, type_ in types
        )

    def fill(self, load: Load, dataset: Dataset) -> int:
        """See CanLoad."""
        return _StageTableLoad(self._server, self.loads, load, dataset).run()

    def drop(self, stage: TableRef) -> None:
        """See CanLoad."""
        with self._server.looking() as session:
            _drop(self._server, session, stage)


class _StageTableLoad:
    """Loads one stage table: all of its rows, or there is no table."""

    def __init__(self, server: Server, loads: Loads, load: Load, dataset: Dataset) -> None:
        self._server = server
        self._loads = loads
        self._load = load
        self._dataset = dataset
        self._doing = f"filling {load.stage}"

    def run(self) -> int:
        """Create the table and load it; return its rows."""
        server = self._server
        with server.running.batch() as batch, server.slots, closing(server.connect()) as session:
            table = relation(server, session, self._load.stage)
            if batch.stopped:
                raise Cancelled(self._doing)
            session.execute(f"CREATE TABLE {table} {self._definition(session)}", self._doing)
            try:
                return self._fill(session, batch, table) if self._dataset.keys else 0
            except BaseException as error:
                session.close()
                with suppress(DvtError), closing(server.connect()) as other:
                    _drop(server, other, self._load.stage)
                if isinstance(error, QueryFailed) and self._loads.refuses.search(error.reason):
                    raise RowRefused(str(self._load.stage), error.reason) from error
                raise

    def _definition(self, session: Session) -> str:
        columns = (f"{session.facts.quoted(column.name)} {column.native}" for column in self._load.columns)
        return (self._load.definition or f"({', '.join(columns)})") + self._loads.options

    def _fill(self, session: Session, batch: Batch, table: str) -> int:
        types = self._types(session, table)
        names = ", ".join(session.facts.quoted(column.name) for column in self._load.columns)
        carriers = [f"c{place}" for place in range(len(types))]
        values = ", ".join(type_.of(carrier) for type_, carrier in zip(types, carriers, strict=True))
        before, behind = self._loads.rows(carriers)
        head = f"INSERT INTO {table} ({names}) SELECT {values} FROM {before}"
        about = as_dvt_errors(connection=self._server.name, doing=self._doing, where=str(self._load.stage))
        with (
            closing(self._server.duckdb.cursor()) as cursor,
            self._server.running.query(batch, cursor.interrupt, self._doing),
            about,
        ):
            reader = cursor.execute(self._select(types)).to_arrow_reader(_BATCH)
            statements = inserts(reader, head, behind, self._loads.longest_statement)
            while statement := self._next(statements, batch):
                session.execute(statement, self._doing)
        return self._counted(session, table)

    def _next(self, statements: Iterator[str], batch: Batch) -> str:
        """Return the next statement; empty behind the last one, Cancelled once the load is stopped."""
        try:
            statement = next(statements, "")
        except (duckdb.Error, OSError) as error:  # pyarrow has its own error for an interrupted query
            if batch.stopped:
                raise Cancelled(self._doing) from error
            raise
        if batch.stopped:
            raise Cancelled(self._doing)
        return statement

    def _counted(self, session: Session, table: str) -> int:
        """Return the number of rows in the table; QueryFailed if it is not the dataset's."""
        column = ExtractedColumn(name="rows", column=Column(name="rows", native="bigint", stage=BIGINT))
        with Answer(
            session,
            f"SELECT COUNT(*) AS dvt_rows FROM {table}",
            columns=[column],
            tables=[self._load.stage],
            limit=None,
            doing=self._doing,
        ) as answer:
            (rows,) = answer.reader().read_all().column(0).to_pylist()
        if rows != self._dataset.rows:
            reason = f"{rows} rows of {self._dataset.rows} arrived"
            raise QueryFailed(self._server.name, self._doing, reason)
        return int(rows)

    def _types(self, session: Session, table: str) -> list[LoadType]:
        types = [self._loads.of(column.stage) for column in self._load.columns]
        if not self._load.definition:
            return types
        made = session.columns(f"SELECT * FROM {table} WHERE 1 = 0", self._doing)
        declared: Mapping[str, JdbcColumn] = {column.name.casefold(): column for column in made}
        return [
            self._fitted(type_, column, declared[name])
            if (name := column.name.casefold()) in declared
            else type_
            for type_, column in zip(types, self._load.columns, strict=True)
        ]

    def _fitted(self, type_: LoadType, column: LoadColumn, declared: JdbcColumn) -> LoadType:
        if self._loads.converts_silently:
            return exact(type_, declared, f"{self._load.stage}, column {column.name}")
        return fitted(type_, column.stage, declared)

    def _select(self, types: Sequence[LoadType]) -> str:
        """Return DuckDB's SQL of the rows as they stand in an INSERT, with a comma behind each."""
        values = ", ".join(
            type_.checked(self._value(column), f"{self._load.stage}, column {column.name}")
            for column, type_ in zip(self._load.columns, types, strict=True)
        )
        row = self._loads.literal(f"CAST(to_json([{values}]) AS VARCHAR)")
        return f"SELECT {row} || ',' FROM ({scan(self._dataset)})"

    @staticmethod
    def _value(column: LoadColumn) -> str:
        return f"CAST({duckdb_quoted(column.staged)} AS {column.stage})"


def relation(server: Server, session: Session, stage: TableRef) -> str:
    """Return a stage table's name in SQL."""
    parts = [stage.database, stage.schema or server.settings.schema_, stage.identifier]
    return ".".join(session.facts.quoted(part) for part in parts if part)


def _drop(server: Server, session: Session, stage: TableRef) -> None:
    session.execute(f"DROP TABLE IF EXISTS {relation(server, session, stage)}", f"dropping {stage}")
