"""Loads a stage table by COPY INTO, from files in a bucket or in a place of Snowflake's own.

COPY INTO fills a temporary table, which is the session's alone. The stage table is made of that by one
statement, whole or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from typing import Any

from dvt.connectors.snowflake.server import CONSUMER, UPLOAD, Server
from dvt.connectors.snowflake.statements import copy, put
from dvt.core.errors import DvtError, QueryFailed, ValueLost
from dvt.core.names import TableRef
from dvt.core.plan import Load, LoadColumn
from dvt.core.ports.staging import Dataset
from dvt.core.tables import StageColumn
from dvt.drivers.duckdb.sql import literal as duckdb_literal
from dvt.drivers.duckdb.sql import quoted as duckdb_quoted
from dvt.drivers.duckdb.staging import CONSUMER as DUCKDB
from dvt.drivers.duckdb.staging import scan
from dvt.drivers.snowflake import Session, as_dvt_errors, literal, quoted
from dvt.drivers.snowflake.load_encodings import LONGEST_TEXT, TEXT, load_encoding

_FILES = "FORMAT parquet, COMPRESSION snappy, PARQUET_VERSION v1, FILE_SIZE_BYTES '128MB'"
"""Options of DuckDB's COPY: several files, so that the warehouse reads side by side, in the encodings that
every reader of Parquet knows."""
_TOO_LONG = re.compile(r"too long", re.IGNORECASE)
"""Matches the service's message about a text that is too long for its column."""
_LENGTH = re.compile(r"VARCHAR\((?P<length>\d+)\)")
"""Matches a text's type with its length in characters, as DESCRIBE has it."""
_CARRIERS = "DVT_LOAD"
"""The temporary table, which is the session's alone."""


def load_columns(columns: Sequence[StageColumn]) -> tuple[LoadColumn, ...]:
    """Return the columns of a stage table, in Snowflake's types."""
    encodings = [(column, load_encoding(column.type)) for column in columns]
    return tuple(
        LoadColumn(name=column.name, stage=column.type, native=encoding.native, loses=encoding.loses)
        for column, encoding in encodings
    )


class StageTableLoad:
    """Loads one stage table: whole, or not at all."""

    def __init__(self, server: Server, load: Load, dataset: Dataset) -> None:
        self._server = server
        self._load = load
        self._dataset = dataset
        self._table = server.relation(load.stage)
        self._doing = f"filling {load.stage}"
        self._encodings = [load_encoding(column.stage) for column in load.columns]
        self._names = [quoted(column.name) for column in load.columns]
        self._is_made = False
        """Whether the stage table was made by a statement of its own, so that an error has to drop it."""
        self._lengths: dict[str, int] = {}
        """Column of a text → its length in characters, of a table that a contract defines."""

    def run(self) -> int:
        """Create the table and load it; return its rows."""
        with closing(self._server.duckdb.cursor()) as cursor:
            try:
                return self._run(cursor)
            except BaseException as error:
                if self._is_made:
                    with suppress(DvtError):
                        drop(self._server, self._load.stage)
                if isinstance(error, ValueLost):
                    raise self._with_columns(cursor, error) from error.__cause__
                raise

    def _run(self, cursor: Any) -> int:
        server = self._server
        with (
            server.running.batch() as batch,
            server.session() as session,
            server.interruptible(batch, session, cursor, self._doing),
            as_dvt_errors(name=server.name, doing=self._doing, where=str(self._load.stage)),
        ):
            session.run(f"USE SCHEMA {self._table.rpartition('.')[0]}")
            carriers = (f"C{place} {encoding.carrier}" for place, encoding in enumerate(self._encodings))
            session.run(f"CREATE TEMPORARY TABLE {_CARRIERS} ({', '.join(carriers)})")
            if self._dataset.keys:
                self._copy(cursor, session)
            self._check(session, _CARRIERS)
            self._make(session)
            self._check(session, self._table)
            session.run(f"DROP TABLE {_CARRIERS}")
            return self._dataset.rows

    def _check(self, session: Session, table: str) -> None:
        ((rows,),) = session.rows(f"SELECT COUNT(*) FROM {table}")
        if int(rows) != self._dataset.rows:
            reason = f"{rows} rows of {self._dataset.rows} arrived"
            raise QueryFailed(self._server.name, self._doing, reason)

    def _make(self, session: Session) -> None:
        """Make the stage table of the temporary one."""
        values = [encoding.converted(f"C{place}") for place, encoding in enumerate(self._encodings)]
        if not self._load.definition:
            named = (f"{value} AS {name}" for value, name in zip(values, self._names, strict=True))
            session.run(f"CREATE TRANSIENT TABLE {self._table} AS SELECT {', '.join(named)} FROM {_CARRIERS}")
            return
        session.run(f"CREATE TRANSIENT TABLE {self._table} {self._load.definition}")
        self._is_made = True
        for name, type_, *_ in session.rows(f"DESCRIBE TABLE {self._table}"):
            if match := _LENGTH.match(str(type_)):
                self._lengths[str(name)] = int(match["length"])
        # Not by casts: to a text of some length, a cast cuts.
        sent = [
            f"C{place}" if encoding.carrier == encoding.native else value
            for place, (encoding, value) in enumerate(zip(self._encodings, values, strict=True))
        ]
        names = ", ".join(self._names)
        session.run(f"INSERT INTO {self._table} ({names}) SELECT {', '.join(sent)} FROM {_CARRIERS}")

    def _copy(self, cursor: Any, session: Session) -> None:
        """Have the temporary table filled from files."""
        _, bucket = self._server.route(UPLOAD, self._dataset.rows, self._dataset.bytes, self._load.bucket)
        if bucket is None:
            with self._server.folder() as folder:
                files = folder / "rows"
                self._write(cursor, str(files))
                session.run(put(files, f"@%{_CARRIERS}"))
                session.run(copy(_CARRIERS, f"@%{_CARRIERS}"))
            return
        login, secrets = self._server.login(bucket)
        with (
            bucket.place() as place,
            as_dvt_errors(
                name=self._server.name,
                doing=self._doing,
                where=str(self._load.stage),
                secrets=secrets,
            ),
        ):
            rows = f"{place.prefix}/rows"
            with place.bucket.writing(DUCKDB, rows) as path:
                self._write(cursor, path)
            uri = f"{place.bucket.uri_for(CONSUMER, rows)}/"
            session.run(copy(_CARRIERS, literal(uri), login))

    def _write(self, cursor: Any, path: str) -> None:
        """Write the rows as files of Parquet in a new folder."""
        values = ", ".join(f'{value} AS "C{place}"' for place, value in enumerate(self._sent()))
        select = f"SELECT {values} FROM ({scan(self._dataset)})"
        cursor.execute(f"COPY ({select}) TO {duckdb_literal(path)} ({_FILES})")

    def _sent(self) -> Iterator[str]:
        """Yield DuckDB's SQL of what is sent for each column."""
        for column, encoding in zip(self._load.columns, self._encodings, strict=True):
            yield encoding.of(f"CAST({duckdb_quoted(column.staged)} AS {column.stage})")

    def _with_columns(self, cursor: Any, error: ValueLost) -> ValueLost:
        """Return the error with the columns of texts that are too long: the service does not name them."""
        texts = [
            (column.name, self._lengths.get(column.name, LONGEST_TEXT), value)
            for column, encoding, value in zip(self._load.columns, self._encodings, self._sent(), strict=True)
            if encoding.carrier == TEXT
        ]
        if not texts or not _TOO_LONG.search(error.problem):
            return error
        tests = ", ".join(f"max(length({value}))" for *_, value in texts)
        longest = cursor.execute(f"SELECT {tests} FROM ({scan(self._dataset)})").fetchone()
        names = [name for (name, limit, _), size in zip(texts, longest, strict=True) if (size or 0) > limit]
        if not names:
            return error
        return ValueLost(f"{error.where}, column {', '.join(names)}", error.problem, error.hint)


def drop(server: Server, stage: TableRef) -> None:
    """Drop a stage table."""
    with server.session() as session, as_dvt_errors(name=server.name, doing=f"dropping {stage}"):
        session.run(f"DROP TABLE IF EXISTS {server.relation(stage)}")
