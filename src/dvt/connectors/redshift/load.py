"""Loads a stage table in one transaction: by COPY through a bucket, or few rows by INSERT.

Where COPY cannot give a column its type, it fills a temporary table of carriers, and an INSERT casts them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from dvt.connectors.redshift.server import CONSUMER, Server
from dvt.connectors.redshift.statements import copy
from dvt.connectors.redshift.under_way import interruptible
from dvt.connectors.redshift.values import values_of
from dvt.core.errors import Cancelled, QueryFailed, ValueLost
from dvt.core.names import TableRef
from dvt.core.plan import Load, LoadColumn
from dvt.core.ports.staging import Dataset
from dvt.core.tables import StageColumn
from dvt.drivers.duckdb.running import Batch
from dvt.drivers.duckdb.sql import literal as duckdb_literal
from dvt.drivers.duckdb.sql import quoted as duckdb_quoted
from dvt.drivers.duckdb.staging import CONSUMER as DUCKDB
from dvt.drivers.duckdb.staging import scan
from dvt.drivers.redshift import Session, as_dvt_errors, load_encoding, quoted, relation

_FILES = "FORMAT parquet, COMPRESSION snappy, PARQUET_VERSION v1, FILE_SIZE_BYTES '128MB'"
"""Options of DuckDB's COPY: several files, so that the cluster's slices read side by side, in the encodings
that every reader of Parquet knows."""
_INSERT_BYTES = 1 << 20
"""Bytes of one INSERT; a statement may have sixteen times as many."""
_TOO_LONG = re.compile(r"too long for type character varying\((?P<bytes>\d+)\)")
"""Matches the server's message about a text that is too long for its column."""
_SIDE_TABLE = "dvt_load"
"""The temporary table of carriers, which is the session's own."""


def load_columns(columns: Sequence[StageColumn]) -> tuple[LoadColumn, ...]:
    """Return the columns of a stage table, in Redshift's types."""
    encodings = [(column, load_encoding(column.type)) for column in columns]
    return tuple(
        LoadColumn(name=column.name, stage=column.type, native=encoding.native, loses=encoding.loses)
        for column, encoding in encodings
    )


class StageTableLoad:
    """Loads one stage table: all of it in one transaction, or nothing."""

    def __init__(self, server: Server, load: Load, dataset: Dataset) -> None:
        self._server = server
        self._load = load
        self._dataset = dataset
        self._table = relation(load.stage, server.settings.schema_)
        self._doing = f"filling {load.stage}"
        self._encodings = [load_encoding(column.stage) for column in load.columns]
        self._names = [quoted(column.name) for column in load.columns]

    def run(self) -> int:
        """Create the table and load it; return its rows."""
        with closing(self._server.duckdb.cursor()) as cursor:
            try:
                return self._run(cursor)
            except ValueLost as error:
                raise self._with_columns(cursor, error) from error.__cause__

    def _run(self, cursor: Any) -> int:
        with (
            self._server.running.batch() as batch,
            self._server.session() as session,
            interruptible(self._server, batch, session, cursor, self._doing),
            as_dvt_errors(name=self._server.name, doing=self._doing, where=str(self._load.stage)),
        ):
            session.run("BEGIN")
            session.run(f"CREATE TABLE {self._table} {self._definition()}")
            if self._dataset.keys:
                self._move(cursor, session, batch)
            ((rows,),) = session.rows(f"SELECT count(*) FROM {self._table}")
            if rows != self._dataset.rows:
                reason = f"{rows} rows of {self._dataset.rows} arrived"
                raise QueryFailed(self._server.name, self._doing, reason)
            session.run("COMMIT")
            return int(rows)

    def _definition(self) -> str:
        columns = (
            f"{name} {column.native}" for name, column in zip(self._names, self._load.columns, strict=True)
        )
        return self._load.definition or f"({', '.join(columns)})"

    def _move(self, cursor: Any, session: Session, batch: Batch) -> None:
        _, bucket = self._server.route("COPY", self._dataset.rows, self._dataset.bytes, self._load.bucket)
        if bucket is None:
            self._insert(cursor, session, batch)
            return
        access = bucket.access()
        with (
            bucket.place() as place,
            as_dvt_errors(
                name=self._server.name,
                doing=self._doing,
                where=str(self._load.stage),
                secrets=access.secrets,
            ),
        ):
            folder = f"{place.prefix}/rows"
            with place.bucket.writing(DUCKDB, folder) as uri:
                cursor.execute(f"COPY ({self._select()}) TO {duckdb_literal(uri)} ({_FILES})")
            table = self._table if self._is_direct else self._side_table(session)
            uri = f"{place.bucket.uri_for(CONSUMER, folder)}/"
            session.run(copy(table, uri, access, self._server.settings.iam_role))
        if not self._is_direct:
            values = ", ".join(
                encoding.converted(f"c{place}") for place, encoding in enumerate(self._encodings)
            )
            names = ", ".join(self._names)
            session.run(f"INSERT INTO {self._table} ({names}) SELECT {values} FROM {_SIDE_TABLE}")
            session.run(f"DROP TABLE {_SIDE_TABLE}")

    def _with_columns(self, cursor: Any, error: ValueLost) -> ValueLost:
        """Return the error with the columns of texts that are too long: the server does not name them."""
        limit = _TOO_LONG.search(error.problem)
        texts = [
            (column.name, duckdb_quoted(column.staged))
            for column, encoding in zip(self._load.columns, self._encodings, strict=True)
            if encoding.sent.is_text
        ]
        if limit is None or not texts:
            return error
        tests = ", ".join(f"max(strlen(CAST({name} AS VARCHAR)))" for _, name in texts)
        longest = cursor.execute(f"SELECT {tests} FROM ({scan(self._dataset)})").fetchone()
        names = [
            name for (name, _), size in zip(texts, longest, strict=True) if (size or 0) > int(limit["bytes"])
        ]
        return ValueLost(f"{error.where}, column {', '.join(names)}", error.problem, error.hint)

    @property
    def _is_direct(self) -> bool:
        """Whether COPY fills the stage table itself: it has the types of the files, in their order."""
        return not self._load.definition and not any(encoding.carrier for encoding in self._encodings)

    def _side_table(self, session: Session) -> str:
        carriers = ", ".join(f"c{place} {encoding.carried}" for place, encoding in enumerate(self._encodings))
        session.run(f"CREATE TEMPORARY TABLE {_SIDE_TABLE} ({carriers})")
        return _SIDE_TABLE

    def _sent(self) -> Iterator[str]:
        """Yield DuckDB's SQL of what is sent for each column."""
        for column, encoding in zip(self._load.columns, self._encodings, strict=True):
            yield encoding.of(f"CAST({duckdb_quoted(column.staged)} AS {column.stage})")

    def _select(self) -> str:
        values = ", ".join(f"{value} AS c{place}" for place, value in enumerate(self._sent()))
        return f"SELECT {values} FROM ({scan(self._dataset)})"

    def _insert(self, cursor: Any, session: Session, batch: Batch) -> None:
        """Insert the rows by statements with many each, which DuckDB writes."""
        begin = f"INSERT INTO {self._table} ({', '.join(self._names)}) VALUES "
        answer = cursor.execute(f"SELECT {values_of(self._encodings)} FROM ({self._select()})")
        rows: list[str] = []
        size = 0
        while found := answer.fetchmany(500):
            for (text,) in found:
                rows.append(text)
                size += len(text)
                if size > _INSERT_BYTES:
                    session.run(begin + ", ".join(rows))
                    rows, size = [], 0
            if batch.stopped:
                raise Cancelled(self._doing)
        if rows:
            session.run(begin + ", ".join(rows))


def drop(server: Server, stage: TableRef) -> None:
    """Drop a stage table."""
    with server.session() as session, as_dvt_errors(name=server.name, doing=f"dropping {stage}"):
        session.run(f"DROP TABLE IF EXISTS {relation(stage, server.settings.schema_)}")


def analyse(server: Server, stage: TableRef) -> None:
    """Gather a stage table's statistics; Redshift has no indexes, and enforces no keys."""
    with server.session() as session, as_dvt_errors(name=server.name, doing=f"analysing {stage}"):
        session.run(f"ANALYZE {relation(stage, server.settings.schema_)}")
