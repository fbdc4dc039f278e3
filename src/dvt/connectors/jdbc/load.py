"""Loads a stage table: its rows are inserted by statements of many rows each, or there is no table.

The databases that are loaded this way have no transaction around DDL and rows. So the table is made first,
what fails drops it, and one whose run is killed is on record: a later run that uses the output drops it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from typing import Any

from dvt.connectors.jdbc.connector import JdbcConnector
from dvt.connectors.jdbc.describe import Catalog
from dvt.connectors.jdbc.sending import Sending
from dvt.connectors.jdbc.server import Server
from dvt.core.errors import Cancelled, DvtError, NotLoadable, QueryFailed, RowRefused, ValueLost
from dvt.core.names import TableRef
from dvt.core.plan import Load, LoadColumn
from dvt.core.ports.connectors import ConnectorContext
from dvt.core.ports.staging import Dataset
from dvt.core.queries import ExtractedColumn
from dvt.core.tables import Column, StageColumn
from dvt.core.types import BIGINT, VARCHAR
from dvt.drivers.duckdb import as_dvt_errors
from dvt.drivers.duckdb.running import Batch
from dvt.drivers.jdbc import Answer, JdbcColumn, Session
from dvt.drivers.jdbc.loads import BY_PRODUCT, Loads, LoadType
from dvt.drivers.jdbc.loads.contracts import exact, fitted, kept
from dvt.drivers.jdbc.products import subprotocol

_WRONG_VALUE = re.compile(r"\(SQLSTATE 22")
"""Matches a database's message about a value that its column cannot hold, by the class of its SQLSTATE."""
_VALUE_HINT = "change the value in the model, cast the column there, or give it another type by a contract"


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
            _drop(self._server, session, stage, self.loads)


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
            table = relation(server, session, self._load.stage, self._loads)
            if batch.stopped:
                raise Cancelled(self._doing)
            self._check_database(session)
            session.execute(f"CREATE TABLE {table} {self._definition(session)}", self._doing)
            try:
                return self._fill(session, batch, table) if self._dataset.keys else 0
            except BaseException as error:
                session.close()
                with suppress(DvtError), closing(server.connect()) as other:
                    _drop(server, other, self._load.stage, self._loads)
                if isinstance(error, QueryFailed):
                    self._raise_refused(error)
                raise

    def _check_database(self, session: Session) -> None:
        """Raise NotLoadable if the database would change values."""
        needed = self._loads.requires
        if needed is None:
            return
        told = self._value(session, needed.sql, Column(name="told", native="", stage=VARCHAR)) or "unknown"
        if not needed.met.fullmatch(told):
            raise NotLoadable(self._server.name, needed.problem.format(told), needed.hint)

    def _raise_refused(self, error: QueryFailed) -> None:
        """Raise what an error of the database says of a row or value, if it is about one."""
        stage = str(self._load.stage)
        if self._loads.refuses.search(error.reason):
            raise RowRefused(stage, error.reason) from error
        if self._loads.json is None and _WRONG_VALUE.search(error.reason):
            raise ValueLost(stage, error.reason, _VALUE_HINT) from error

    def _definition(self, session: Session) -> str:
        columns = (f"{session.facts.quoted(column.name)} {column.native}" for column in self._load.columns)
        return (self._load.definition or f"({', '.join(columns)})") + self._loads.options

    def _fill(self, session: Session, batch: Batch, table: str) -> int:
        names, types = self._columns(session, table)
        sending = Sending(
            server=self._server,
            session=session,
            batch=batch,
            load=self._load,
            dataset=self._dataset,
            table=table,
            names=names,
            types=types,
        )
        about = as_dvt_errors(connection=self._server.name, doing=self._doing, where=str(self._load.stage))
        with (
            closing(self._server.duckdb.cursor()) as cursor,
            self._server.running.query(batch, cursor.interrupt, self._doing),
            about,
        ):
            if self._loads.json is None:
                sending.by_parameters(cursor)
            else:
                sending.by_json(cursor, self._loads.json)
        return self._counted(session, table)

    def _counted(self, session: Session, table: str) -> int:
        """Return the number of rows in the table; QueryFailed if it is not the dataset's."""
        sql = f"SELECT COUNT(*) AS dvt_rows FROM {table}"
        rows = self._value(session, sql, Column(name="rows", native="bigint", stage=BIGINT))
        if rows != self._dataset.rows:
            reason = f"{rows} rows of {self._dataset.rows} arrived"
            raise QueryFailed(self._server.name, self._doing, reason)
        return self._dataset.rows

    def _value(self, session: Session, sql: str, column: Column) -> Any:
        """Return the only value that a query answers; None if it answers no row."""
        extracted = ExtractedColumn(name=column.name, column=column)
        stage = [self._load.stage]
        with Answer(session, sql, columns=[extracted], tables=stage, limit=None, doing=self._doing) as answer:
            values = answer.reader().read_all().column(0).to_pylist()
        return values[0] if values else None

    def _columns(self, session: Session, table: str) -> tuple[list[str], list[LoadType]]:
        """Return the names of the table's columns, in the order of the load's, and how these are loaded."""
        columns = self._load.columns
        names = [column.name for column in columns]
        types = [self._loads.of(column.stage) for column in columns]
        if not self._load.definition:
            return names, types
        made = session.columns(f"SELECT * FROM {table} WHERE 1 = 0", self._doing)
        declared = {column.name.casefold(): column for column in made}
        declared |= {column.name: column for column in made}
        found = [declared.get(name, declared.get(name.casefold())) for name in names]
        return (
            [made.name if made else name for name, made in zip(names, found, strict=True)],
            [
                self._contracted(type_, column, made) if made else type_
                for type_, column, made in zip(types, columns, found, strict=True)
            ],
        )

    def _contracted(self, type_: LoadType, column: LoadColumn, declared: JdbcColumn) -> LoadType:
        where = f"{self._load.stage}, column {column.name}"
        if self._loads.converts_silently:
            return exact(type_, declared, where)
        if self._loads.json is None:
            return kept(self._loads, type_, column.stage, declared, product=self._server.product, where=where)
        return fitted(type_, column.stage, declared)


class ProductConnector(LoadingConnector):
    """Implements what LoadingConnector does, for an output of type jdbc: by what its URL names."""

    def __init__(self, name: str, settings: Mapping[str, Any], context: ConnectorContext) -> None:
        super().__init__(name, settings, context)
        self._product = subprotocol(self._server.settings.address)

    @property
    def loads(self) -> Loads:  # type: ignore[override]  # the others have one for all outputs
        """How its database is loaded; NotLoadable if dvt does not know how."""
        if self._product not in BY_PRODUCT:
            problem = f"its URL is one of jdbc:{self._product}:, which dvt only reads"
            known = ", ".join(f"jdbc:{product}:" for product in sorted(BY_PRODUCT))
            raise NotLoadable(
                self._server.name, problem, f"dvt loads {known}; others have a type of their own"
            )
        return BY_PRODUCT[self._product]


def relation(server: Server, session: Session, stage: TableRef, loads: Loads) -> str:
    """Return a stage table's name in SQL."""
    database = stage.database if loads.has_databases else None
    parts = (database, _schema(server, session, stage, loads), stage.identifier)
    return ".".join(session.facts.quoted(part) for part in parts if part)


def _schema(server: Server, session: Session, stage: TableRef, loads: Loads) -> str | None:
    """Return a stage table's schema as its database spells it: dbt may write it in another letter case."""
    schema = stage.schema or server.settings.schema_
    if schema and loads.json is None:
        return Catalog(session, server.settings, server.product).spelled(schema)
    return schema


def _drop(server: Server, session: Session, stage: TableRef, loads: Loads) -> None:
    table, doing = relation(server, session, stage, loads), f"dropping {stage}"
    statement = loads.drop.format(table=table)
    if "IF EXISTS" in statement:
        session.execute(statement, doing)
        return
    schema = _schema(server, session, stage, loads)
    tables = session.tables(stage.database, schema, stage.identifier)
    if any(row[2] == stage.identifier and (schema is None or row[1] == schema) for row in tables):
        session.execute(statement, doing)
