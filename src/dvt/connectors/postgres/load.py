"""Loads a stage table: DuckDB writes PostgreSQL's binary format into a pipe that COPY reads from.

It does not use an attached database, so that the session is dvt's own (role, cancel, one transaction around
CREATE TABLE and COPY), dvt casts every value, and the server's own message comes back when it refuses one.
6.0 M rows of lineitem took 0.77 of the time of `COPY FROM` of the same rows as ready CSV, and 165 MB.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any

import duckdb
import psycopg2
import psycopg2.errors

from dvt.connectors.postgres.load_route import LoadRoute, load_route
from dvt.connectors.postgres.server import Server
from dvt.core.errors import DvtError, QueryFailed, ValueLost
from dvt.core.names import TableRef
from dvt.core.plan import Load, LoadColumn
from dvt.core.ports.connectors import Instance
from dvt.core.ports.staging import Dataset
from dvt.core.tables import StageColumn
from dvt.core.types import DATE, VARCHAR, Kind, StageType
from dvt.drivers.duckdb.sql import literal as duckdb_literal
from dvt.drivers.duckdb.sql import quoted as duckdb_quoted
from dvt.drivers.duckdb.staging import scan
from dvt.drivers.pipe import CHUNK, Pipe
from dvt.drivers.postgres import (
    Work,
    as_dvt_errors,
    connect,
    open_session,
    quoted,
    relation,
    transaction_statements,
    translate,
)
from dvt.drivers.postgres.connect import BACKEND, session_statements
from dvt.drivers.postgres.load_encodings import load_encoding
from dvt.drivers.postgres.scanner import EXTENSION

_UNWRITABLE = {
    VARCHAR: "contains({0}, chr(0))",
    DATE: "isfinite({0}) AND NOT ({0} BETWEEN DATE '4714-11-24 (BC)' AND DATE '5874897-12-31')",
}
"""Type that is sent → DuckDB condition of the values that the writer refuses; of other types, those whose
cast fails."""

_NOT_ALLOWED = (psycopg2.IntegrityError, psycopg2.ProgrammingError, psycopg2.errors.ProgramLimitExceeded)
"""Errors of an index that a table's values or types do not allow."""


def load_columns(columns: Sequence[StageColumn]) -> tuple[LoadColumn, ...]:
    """Return the columns of a stage table, in PostgreSQL's types."""
    encodings = [(column, load_encoding(column.type)) for column in columns]
    return tuple(
        LoadColumn(
            name=column.name,
            stage=column.type,
            native="numeric" if column.widest else encoding.native,
            loses=encoding.loses,
        )
        for column, encoding in encodings
    )


class StageTableLoad:
    """Loads one stage table: all of it in one transaction, or nothing."""

    def __init__(self, server: Server, duckdb_: Instance, load: Load, dataset: Dataset) -> None:
        self._server = server
        self._duckdb = duckdb_
        self._load = load
        self._dataset = dataset
        schema = server.settings.schema_
        self._table = relation(load.stage, schema)
        self._doing = f"filling {load.stage}"
        self._side_table = relation(replace(load.stage, identifier=f"{load.stage.identifier}_in"), schema)
        self._pipe: Pipe | None = None
        """The rows on their way, while they are sent."""
        self._route = LoadRoute(self._table, tuple(load_encoding(column.stage) for column in load.columns))

    def run(self) -> int:
        """Create the table and load it; return its rows."""
        self._duckdb.load(EXTENSION)
        with (
            self._server.slots.work(),
            self._server.backends.work() as work,
            closing(
                connect(self._server.name, self._server.settings, is_sending=self._is_starved)
            ) as connection,
            connection.cursor() as cursor,
        ):
            return self._fill(cursor, work)

    def _fill(self, cursor: Any, work: Work) -> int:
        with as_dvt_errors(name=self._server.name, doing=self._doing, where=str(self._load.stage)):
            cursor.execute(BACKEND)
            backend = cursor.fetchone()
            cursor.execute("BEGIN")
            for statement in transaction_statements(self._server.settings):
                cursor.execute(statement)
            cursor.execute(f"CREATE TABLE {self._table} {self._definition()}")
            self._route = load_route(cursor, self._load, self._table, self._side_table, self._route.encodings)
            for statement in self._route.before:
                cursor.execute(statement)
        rows = self._copy(cursor, backend, work) if self._dataset.keys else 0
        if rows != self._dataset.rows:
            raise QueryFailed(self._server.name, self._doing, f"{rows} rows of {self._dataset.rows} arrived")
        with as_dvt_errors(name=self._server.name, doing=self._doing, where=str(self._load.stage)):
            for statement in (*self._route.after, "COMMIT"):
                cursor.execute(statement)
        return rows

    def _is_starved(self) -> bool:
        """Whether the server waits for rows that DuckDB has not written yet."""
        return self._pipe is not None and self._pipe.starved

    def _definition(self) -> str:
        columns = ", ".join(f"{quoted(column.name)} {column.native}" for column in self._load.columns)
        return self._load.definition or f"({columns})"

    def _copy(self, cursor: Any, backend: tuple[int, str], work: Work) -> int:
        pipe = self._pipe = Pipe()
        with (
            closing(self._duckdb.cursor()) as source,
            work.query(backend, source),
            ThreadPoolExecutor(2, thread_name_prefix="dvt-postgres") as pool,
        ):
            writer = pool.submit(self._write, source, pipe)
            reader = pool.submit(self._receive, cursor, pipe)
            try:
                wait((writer, reader))
            except BaseException:
                # On a server that is gone nothing can be cancelled, and nothing runs.
                with suppress(DvtError):
                    self._server.backends.cancel(work)
                raise
        error = _root_cause(writer, reader)
        if error is not None:
            raise self._translate(error, work) from error
        return int(cursor.rowcount)

    def _write(self, source: Any, pipe: Pipe) -> None:
        whole = False
        try:
            source.execute(f"COPY ({self._select()}) TO {duckdb_literal(pipe.path)} (FORMAT postgres_binary)")
            whole = True
        finally:
            pipe.close_writer(whole=whole)

    def _receive(self, cursor: Any, pipe: Pipe) -> None:
        names = ", ".join(quoted(column.name) for column in self._load.columns)
        try:
            cursor.copy_expert(f"COPY {self._route.table} ({names}) FROM STDIN (FORMAT binary)", pipe, CHUNK)
        finally:
            pipe.close_reader()

    def _select(self) -> str:
        values = [
            f"{encoding.of(f'CAST({duckdb_quoted(column.staged)} AS {column.stage})')} AS "
            f"{duckdb_quoted(column.name)}"
            for column, encoding in zip(self._load.columns, self._route.encodings, strict=True)
        ]
        return f"SELECT {', '.join(values)} FROM ({scan(self._dataset)})"

    def _translate(self, error: BaseException, work: Work) -> DvtError:
        failure = translate(
            error,
            name=self._server.name,
            doing=self._doing,
            where=str(self._load.stage),
            stopped=work.stopped.is_set(),
        )
        if isinstance(failure, ValueLost) and isinstance(error, duckdb.Error):
            return self._with_columns(failure)
        return failure

    def _with_columns(self, error: ValueLost) -> ValueLost:
        """Return the error with the columns whose values cannot be written: DuckDB does not name them."""
        conditions = [
            f"{name} IS NOT NULL AND ({_is_unwritable(encoding.sent, value)})"
            for name, encoding, value in (
                (
                    duckdb_quoted(column.staged),
                    encoding,
                    f"TRY_CAST({duckdb_quoted(column.staged)} AS {encoding.sent})",
                )
                for column, encoding in zip(self._load.columns, self._route.encodings, strict=True)
            )
        ]
        tests = ", ".join(f"coalesce(bool_or({condition}), false)" for condition in conditions)
        with closing(self._duckdb.cursor()) as cursor:
            answers = cursor.execute(f"SELECT {tests} FROM ({scan(self._dataset)})").fetchone()
        names = [column.name for column, failed in zip(self._load.columns, answers, strict=True) if failed]
        if not names:
            return error
        where = f"{self._load.stage}, column {', '.join(names)}"
        return ValueLost(where, error.message.removeprefix(f"{error.where}: "), error.hint)


def _is_unwritable(sent: StageType, value: str) -> str:
    """Return the DuckDB condition that `value` cannot be written; it is NULL where a cast has failed."""
    if sent.kind is Kind.LIST and sent.element in _UNWRITABLE:
        condition = _UNWRITABLE[sent.element].format("element")
        return f"len(list_filter({value}, lambda element: {condition})) > 0"
    return _UNWRITABLE.get(sent, "{0} IS NULL").format(value)


def _root_cause(writer: Future[None], reader: Future[None]) -> BaseException | None:
    """Return the server's error, unless it only reports that DuckDB's writer failed; None without any."""
    server_error, writer_error = reader.exception(), writer.exception()
    if writer_error is not None and _reports_writer(server_error):
        return writer_error
    return server_error or writer_error


def _reports_writer(error: BaseException | None) -> bool:
    """True for the error of a COPY whose rows ended too early."""
    return isinstance(error, BrokenPipeError) or (
        isinstance(error, psycopg2.Error) and "COPY from stdin failed" in str(error)
    )


def drop(server: Server, stage: TableRef) -> None:
    """Drop a stage table; wait at most 5 s for its readers."""
    with (
        server.slots.work(),
        open_session(server.name, server.settings) as cursor,
        as_dvt_errors(name=server.name, doing=f"dropping {stage}"),
    ):
        cursor.execute("SET lock_timeout = '5s'")
        cursor.execute(f"DROP TABLE IF EXISTS {relation(stage, server.settings.schema_)}")


def index(server: Server, stage: TableRef, key: Sequence[str], columns: Sequence[str]) -> None:
    """Add a key and indexes to a stage table, each unless its values do not allow it; gather statistics."""
    table = relation(stage, server.settings.schema_)
    statements = [f"CREATE INDEX ON {table} ({quoted(column)})" for column in columns]
    if key:
        names = ", ".join(quoted(column) for column in key)
        statements.insert(0, f"ALTER TABLE {table} ADD PRIMARY KEY ({names})")
    with (
        server.slots.work(),
        server.backends.work() as work,
        closing(connect(server.name, server.settings)) as connection,
        connection.cursor() as cursor,
        as_dvt_errors(name=server.name, doing=f"indexing {stage}"),
    ):
        cursor.execute(BACKEND)
        with work.query(cursor.fetchone()):
            for statement in session_statements(server.settings):
                cursor.execute(statement)
            for statement in statements:
                with suppress(*_NOT_ALLOWED):
                    cursor.execute(statement)
            cursor.execute(f"ANALYZE {table}")
