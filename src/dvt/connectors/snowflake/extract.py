"""Reads queries side by side, as of one moment: by COPY INTO through a bucket, or by rows of the client.

Each statement of Snowflake sees the state of its own beginning, also within a transaction, so one session for
all would gain nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import duckdb

from dvt.connectors.snowflake.server import CLIENT, CONSUMER, Server
from dvt.connectors.snowflake.statements import NOW, as_of, unload
from dvt.core.errors import QueryFailed
from dvt.core.names import TableRef
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Dataset
from dvt.core.ports.transfers import TransferBucket
from dvt.drivers.duckdb.staging import stage_batches, write_answer
from dvt.drivers.duckdb.transferred import check_types, transferred
from dvt.drivers.side_by_side import Extraction, extract_side_by_side
from dvt.drivers.snowflake import Session, answer_rows, as_dvt_errors, is_refused

_FromItems = Callable[[Session, Sequence[TableRef], frozenset[TableRef]], list[str]]


class SnowflakeSnapshot:
    """Implements Snapshot: tables are read as of the moment at which the first query is sent."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._moment = ""

    def extract(self, jobs: Sequence[Job], finished: Callable[[Job, Dataset], None]) -> None:
        """See Snapshot."""
        reader = _Reader(self._server, self._tables)
        extract_side_by_side(self._server.running, jobs, finished, reader.extract)

    def _tables(self, session: Session, tables: Sequence[TableRef], past: frozenset[TableRef]) -> list[str]:
        """Return the FROM items of tables; those that have a `past` are read as of one moment."""
        names = [self._server.relation(table) for table in tables]
        if not past:
            return names
        with self._lock:
            if not self._moment:
                ((moment,),) = session.rows(NOW)
                self._moment = str(moment)
        return [
            as_of(name, self._moment) if table in past else name
            for table, name in zip(tables, names, strict=True)
        ]


class _Reader:
    """Extracts jobs, each on the thread that asks for it."""

    def __init__(self, server: Server, tables: _FromItems) -> None:
        self._server = server
        self._tables = tables

    def extract(self, job: Job, extraction: Extraction) -> Dataset:
        """Extract one job, over a session of its own."""
        check_types(job.query, is_refused)
        server, doing = self._server, f"extracting {job.query.about}"
        past = server.with_history(job.query.tables)
        with (
            server.session() as session,
            closing(server.duckdb.cursor()) as cursor,
            server.interruptible(extraction.batch, session, cursor, doing) as stop,
            as_dvt_errors(name=server.name, doing=doing, where=job.query.about),
            extraction.stopping(stop, doing),
        ):
            sql = job.query.sql(self._tables(session, job.query.tables, past))
            return self._stage(cursor, session, sql, job, extraction)

    def _stage(self, cursor: Any, session: Session, sql: str, job: Job, extraction: Extraction) -> Dataset:
        query = job.query
        _, bucket = self._server.route(CLIENT, query.rows, query.bytes, query.bucket)
        if bucket is not None:
            return self._unload(cursor, session, job, sql, bucket)
        rows = answer_rows(session, sql, lambda: extraction.is_stopped)
        try:
            return stage_batches(cursor, job, rows.reader)
        except duckdb.Error as error:
            raise rows.error or error from None

    def _unload(self, cursor: Any, session: Session, job: Job, sql: str, bucket: TransferBucket) -> Dataset:
        query, name = job.query, self._server.name
        login, secrets = self._server.login(bucket)
        with bucket.place() as place:
            doing = f"unloading {query.about}"
            with (
                place.bucket.writing(CONSUMER, f"{place.prefix}/rows") as uri,
                as_dvt_errors(name=name, doing=doing, where=query.about, secrets=secrets),
            ):
                answer = session.rows(unload(sql, f"{uri}/", login))
                expected = int(dict(zip(session.named(), answer[0], strict=True))["rows_unloaded"])
            rows = write_answer(cursor, transferred(query, place), job)
        if rows != expected:
            raise QueryFailed(name, doing, f"{rows} rows of {expected} arrived in bucket {bucket.name!r}")
        return job.sink.commit(query.staged, rows)
