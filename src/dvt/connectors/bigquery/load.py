"""Loads a stage table: by a load job of Parquet files in a bucket, or of a file that the client uploads.

BigQuery has no transaction around DDL and a load job. So the table is made first, and the job fills it, which
BigQuery does as a whole or not at all; what fails drops the table. A table whose run is killed in between is
removed by a later run or `dvt clean`, and by BigQuery itself after a day.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from dvt.connectors.bigquery.server import CONSUMER, UPLOAD, Server
from dvt.core.errors import Cancelled, DvtError, QueryFailed
from dvt.core.names import TableRef
from dvt.core.plan import Load, LoadColumn
from dvt.core.ports.staging import Dataset
from dvt.core.tables import StageColumn
from dvt.drivers.bigquery import LoadType, Session, as_dvt_errors, field, load_type, relation, table_id
from dvt.drivers.disk import private_folder
from dvt.drivers.duckdb.running import Batch
from dvt.drivers.duckdb.sql import literal, quoted
from dvt.drivers.duckdb.staging import CONSUMER as DUCKDB
from dvt.drivers.duckdb.staging import scan

_FILE = "FORMAT parquet, COMPRESSION snappy, PARQUET_VERSION v1"
"""Options of DuckDB's COPY, in the encodings that every reader of Parquet knows."""
_FILES = f"{_FILE}, FILE_SIZE_BYTES '128MB'"
"""The same for several files, which BigQuery reads side by side."""
_KEPT = timedelta(days=1)
"""Time after which BigQuery itself removes a stage table that nobody has removed."""


def load_columns(columns: Sequence[StageColumn]) -> tuple[LoadColumn, ...]:
    """Return the columns of a stage table, in BigQuery's types."""
    types = [(column, load_type(column.type)) for column in columns]
    return tuple(
        LoadColumn(name=column.name, stage=column.type, native=type_.native, loses=type_.loses)
        for column, type_ in types
    )


class StageTableLoad:
    """Loads one stage table: all of it, or there is no table."""

    def __init__(self, server: Server, load: Load, dataset: Dataset) -> None:
        self._server = server
        self._load = load
        self._dataset = dataset
        self._doing = f"filling {load.stage}"

    def run(self) -> int:
        """Create the table and load it; return its rows."""
        about = as_dvt_errors(name=self._server.name, doing=self._doing, where=str(self._load.stage))
        with (
            self._server.running.batch() as batch,
            closing(self._server.duckdb.cursor()) as cursor,
            self._server.session() as session,
            about,
        ):
            self._create(session, batch)
            try:
                return self._move(cursor, session, batch) if self._dataset.keys else 0
            except BaseException:
                with suppress(DvtError), about_dropping(self._server, self._load.stage):
                    session.drop(self._place(session))
                raise

    def _place(self, session: Session) -> tuple[str, str, str]:
        return table_id(self._load.stage, session.project, session.settings.dataset)

    def _create(self, session: Session, batch: Batch) -> None:
        """Create the table; it is an error if there is one."""
        if batch.stopped:
            raise Cancelled(self._doing)
        if not self._load.definition:
            fields = [field(column.name, column.native) for column in self._load.columns]
            session.create(self._place(session), fields, datetime.now(UTC) + _KEPT)
            return
        name = relation(self._load.stage, session.project, session.settings.dataset)
        session.wait(session.begin(f"CREATE TABLE {name} {self._load.definition}", retried=False))

    def _move(self, cursor: Any, session: Session, batch: Batch) -> int:
        dataset = self._dataset
        _, bucket = self._server.routes.choose(
            "load job", UPLOAD, dataset.rows, dataset.bytes, self._load.bucket
        )
        if bucket is None:
            with self._scratch_file() as file:
                self._write(cursor, batch, file, _FILE)
                return self._fill(session, batch, file)
        with bucket.place() as place:
            folder = f"{place.prefix}/rows"
            with place.bucket.writing(DUCKDB, folder) as uri:
                self._write(cursor, batch, uri, _FILES)
            return self._fill(session, batch, f"{place.bucket.uri_for(CONSUMER, folder)}/*")

    @contextmanager
    def _scratch_file(self) -> Iterator[str]:
        """Give the path of a file that is removed afterwards."""
        folder = self._server.scratch
        private_folder(folder)
        file = folder / f"{uuid.uuid4().hex}.parquet"
        try:
            yield str(file)
        finally:
            file.unlink(missing_ok=True)

    def _write(self, cursor: Any, batch: Batch, path: str, options: str) -> None:
        with self._server.running.query(batch, cursor.interrupt, self._doing):
            cursor.execute(f"COPY ({self._select()}) TO {literal(path)} ({options})")

    def _select(self) -> str:
        """Return DuckDB's SQL of what is sent, by the names of the table's columns."""
        values = ", ".join(
            f"{self._sent(column, load_type(column.stage))} AS {quoted(column.name)}"
            for column in self._load.columns
        )
        return f"SELECT {values} FROM ({scan(self._dataset)})"

    def _sent(self, column: LoadColumn, type_: LoadType) -> str:
        value = f"CAST({quoted(column.staged)} AS {column.stage})"
        return type_.checked(value, f"{self._load.stage}, column {column.name}")

    def _fill(self, session: Session, batch: Batch, source: str) -> int:
        """Run the load job of a file on this machine, or of files in a bucket; return its rows."""
        if batch.stopped:
            raise Cancelled(self._doing)
        job = session.begin_load(source, self._place(session))
        with (
            self._server.under_way(batch, job, self._doing),
            as_dvt_errors(name=self._server.name, doing=self._doing, where=str(self._load.stage)),
        ):
            session.wait(job)
        rows = job.statistics("load", "outputRows") or 0
        if rows != self._dataset.rows:
            reason = f"{rows} rows of {self._dataset.rows} arrived"
            raise QueryFailed(self._server.name, self._doing, reason)
        return rows


def about_dropping(server: Server, stage: TableRef) -> Any:
    """Return what translates the errors of dropping a stage table."""
    return as_dvt_errors(name=server.name, doing=f"dropping {stage}")


def drop(server: Server, stage: TableRef) -> None:
    """Drop a stage table."""
    with server.session() as session, about_dropping(server, stage):
        session.drop(table_id(stage, session.project, session.settings.dataset))
