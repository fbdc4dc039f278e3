"""Reads queries side by side: by COPY INTO through a bucket, or little by rows of the client.

Each statement of Snowflake sees the state of its own beginning, also within a transaction, so one session for
all would gain nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import duckdb

from dvt.connectors.snowflake.server import CLIENT, CONSUMER, Server
from dvt.connectors.snowflake.statements import unload
from dvt.core.errors import QueryFailed
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Dataset
from dvt.core.ports.transfers import TransferBucket
from dvt.drivers.duckdb.staging import stage_batches, write_answer
from dvt.drivers.duckdb.transferred import check_types, transferred
from dvt.drivers.side_by_side import Extraction, extract_side_by_side
from dvt.drivers.snowflake import Session, answer_rows, as_dvt_errors, is_refused


class SnowflakeSnapshot:
    """Implements Snapshot: each query reads the state of the moment in which it begins."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def extract(self, jobs: Sequence[Job], finished: Callable[[Job, Dataset], None]) -> None:
        """See Snapshot."""
        extract_side_by_side(self._server.running, jobs, finished, _Reader(self._server).extract)


class _Reader:
    """Extracts jobs, each on the thread that asks for it."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def extract(self, job: Job, extraction: Extraction) -> Dataset:
        """Extract one job, over a session of its own."""
        check_types(job.query, is_refused)
        server, doing = self._server, f"extracting {job.query.about}"
        with (
            server.session() as session,
            closing(server.duckdb.cursor()) as cursor,
            server.interruptible(extraction.batch, session, cursor, doing) as stop,
            as_dvt_errors(name=server.name, doing=doing, where=job.query.about),
            extraction.stopping(stop, doing),
        ):
            return self._stage(cursor, session, job, extraction)

    def _stage(self, cursor: Any, session: Session, job: Job, extraction: Extraction) -> Dataset:
        query = job.query
        sql = query.sql([self._server.relation(table) for table in query.tables])
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
