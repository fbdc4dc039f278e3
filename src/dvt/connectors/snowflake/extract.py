"""Reads queries side by side: by COPY INTO through a bucket, or little by rows of the client.

Each statement of Snowflake sees the state of its own beginning, also within a transaction, so one session for
all would gain nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from typing import Any

import duckdb

from dvt.connectors.snowflake.server import CLIENT, CONSUMER, Server
from dvt.connectors.snowflake.statements import unload
from dvt.core.errors import Cancelled, DvtError, QueryFailed
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Dataset
from dvt.core.ports.transfers import TransferBucket
from dvt.drivers.duckdb.running import Batch
from dvt.drivers.duckdb.staging import stage_batches, write_answer
from dvt.drivers.duckdb.transferred import check_types, transferred
from dvt.drivers.snowflake import Session, answer_rows, as_dvt_errors, is_refused

_POLL_SECONDS = 0.1
"""Seconds between checks of whether a query that waits for its turn was stopped."""


class SnowflakeSnapshot:
    """Implements Snapshot: each query reads the state of the moment in which it begins."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def extract(self, jobs: Sequence[Job], finished: Callable[[Job, Dataset], None]) -> None:
        """See Snapshot."""
        if jobs:
            _Extraction(self._server, jobs, finished).run()


class _Extraction:
    """Extracts jobs that succeed or fail together: the first failure stops the others."""

    def __init__(self, server: Server, jobs: Sequence[Job], finished: Callable[[Job, Dataset], None]) -> None:
        self._server = server
        self._jobs = jobs
        self._finished = finished
        self._lock = threading.Lock()
        self._stops: set[Callable[[], None]] = set()
        """What stops each of the queries under way."""
        self._failures: list[BaseException] = []
        self._committed: set[int] = set()
        self._of_tables = {
            job.query.tables: threading.Semaphore(job.query.extraction.max_parallel) for job in jobs
        }
        """What limits how many of the jobs read the same tables at once."""

    def run(self) -> None:
        """Extract all jobs; raise the first failure after every query has ended."""
        try:
            with (
                self._server.running.batch() as batch,
                ThreadPoolExecutor(len(self._jobs), thread_name_prefix="dvt-snowflake") as pool,
            ):
                for number, job in enumerate(self._jobs):
                    pool.submit(self._read, batch, number, job)
        finally:
            for number, job in enumerate(self._jobs):
                if number not in self._committed:
                    with suppress(DvtError, OSError):
                        job.sink.discard()
        if self._failures:
            raise self._failures[0]

    def _read(self, batch: Batch, number: int, job: Job) -> None:
        """Extract one job; runs on a thread of its own."""
        doing = f"extracting {job.query.about}"
        try:
            check_types(job.query, is_refused)
            with self._turn(batch, job, doing), self._server.session() as session:
                dataset = self._extract(session, job, batch, doing)
            self._committed.add(number)
            self._finished(job, dataset)
        except BaseException as error:  # noqa: BLE001  raised again by `run`, on the caller's thread
            self._fail(error)

    @contextmanager
    def _turn(self, batch: Batch, job: Job, doing: str) -> Iterator[None]:
        """Wait until one more query may read the job's tables."""
        limit = self._of_tables[job.query.tables]
        while not limit.acquire(timeout=_POLL_SECONDS):
            self._check(batch, doing)
        try:
            self._check(batch, doing)
            yield
        finally:
            limit.release()

    def _check(self, batch: Batch, doing: str) -> None:
        if batch.stopped or self._failures:
            raise Cancelled(doing)

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            self._failures.append(error)
            stops = set(self._stops)
        for stop in stops:
            stop()

    def _extract(self, session: Session, job: Job, batch: Batch, doing: str) -> Dataset:
        server = self._server
        with (
            closing(server.duckdb.cursor()) as cursor,
            server.interruptible(batch, session, cursor, doing) as stop,
            as_dvt_errors(name=server.name, doing=doing, where=job.query.about),
        ):
            with self._lock:
                self._check(batch, doing)
                self._stops.add(stop)
            try:
                return self._stage(cursor, session, job, batch)
            finally:
                with self._lock:
                    self._stops.discard(stop)

    def _stage(self, cursor: Any, session: Session, job: Job, batch: Batch) -> Dataset:
        query = job.query
        sql = query.sql([self._server.relation(table) for table in query.tables])
        _, bucket = self._server.route(CLIENT, query.rows, query.bytes, query.bucket)
        if bucket is not None:
            return self._unload(cursor, session, job, sql, bucket)
        rows = answer_rows(session, sql, lambda: batch.stopped or bool(self._failures))
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
