"""Reads queries side by side, as of one moment: by EXPORT DATA through a bucket, or by rows of the client."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from dvt.connectors.bigquery.server import CLIENT, CONSUMER, Server
from dvt.connectors.bigquery.statements import NOW, as_of, export, with_wide_numbers
from dvt.core.errors import Cancelled, DvtError, QueryFailed
from dvt.core.names import TableRef
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Dataset
from dvt.core.ports.transfers import TransferBucket
from dvt.core.queries import SourceQuery
from dvt.drivers.bigquery import Session, as_dvt_errors, is_refused, relation
from dvt.drivers.bigquery.connect import Job as BigQueryJob
from dvt.drivers.bigquery.rows import AnswerRows
from dvt.drivers.duckdb.running import Batch
from dvt.drivers.duckdb.staging import stage_batches, write_answer
from dvt.drivers.duckdb.transferred import check_types, transferred

_POLL_SECONDS = 0.1
"""Seconds between checks of whether a query that waits for its turn was stopped."""


_FromItems = Callable[[Session, Sequence[TableRef], frozenset[TableRef]], list[str]]


class BigQuerySnapshot:
    """Implements Snapshot: tables are read as of the moment at which the first query is sent."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._moment = ""

    def extract(self, jobs: Sequence[Job], finished: Callable[[Job, Dataset], None]) -> None:
        """See Snapshot."""
        if jobs:
            _Extraction(self._server, jobs, finished, self._tables).run()

    def _tables(self, session: Session, tables: Sequence[TableRef], past: frozenset[TableRef]) -> list[str]:
        """Return the FROM items of tables; those that have a `past` are read as of one moment."""
        names = [relation(table, session.project, self._server.settings.dataset) for table in tables]
        if not past:
            return names
        with self._lock:
            if not self._moment:
                self._moment = str(session.value(NOW))
        return [
            as_of(name, self._moment) if table in past else name
            for table, name in zip(tables, names, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class _Sent:
    """A statement that is sent for a job."""

    job: Job
    batch: Batch
    session: Session
    sql: str


class _Extraction:
    """Extracts jobs that succeed or fail together: the first failure stops the others."""

    def __init__(
        self,
        server: Server,
        jobs: Sequence[Job],
        finished: Callable[[Job, Dataset], None],
        tables: _FromItems,
    ) -> None:
        self._server = server
        self._jobs = jobs
        self._finished = finished
        self._tables = tables
        self._lock = threading.Lock()
        self._under_way: set[BigQueryJob] = set()
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
                ThreadPoolExecutor(len(self._jobs), "dvt-bigquery") as pool,
            ):
                for number, job in enumerate(self._jobs):
                    pool.submit(self._extract, batch, number, job)
        finally:
            for number, job in enumerate(self._jobs):
                if number not in self._committed:
                    with suppress(DvtError, OSError):
                        job.sink.discard()
        if self._failures:
            raise self._failures[0]

    def _extract(self, batch: Batch, number: int, job: Job) -> None:
        """Extract one job; runs on a thread of its own."""
        doing = _doing(job.query)
        try:
            check_types(job.query, is_refused)
            with self._turn(batch, job.query, doing), closing(self._server.duckdb.cursor()) as cursor:
                dataset = self._stage(cursor, job, batch)
            self._committed.add(number)
            self._finished(job, dataset)
        except BaseException as error:  # noqa: BLE001  raised again by `run`, on the caller's thread
            self._fail(error)

    @contextmanager
    def _turn(self, batch: Batch, query: SourceQuery, doing: str) -> Iterator[None]:
        """Wait until no more queries read the same tables than their config allows."""
        limit = self._of_tables[query.tables]
        while not limit.acquire(timeout=_POLL_SECONDS):
            if batch.stopped or self._failures:
                raise Cancelled(doing)
        try:
            yield
        finally:
            limit.release()

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            self._failures.append(error)
            under_way = set(self._under_way)
        for job in under_way:
            job.cancel()

    def _stage(self, cursor: Any, job: Job, batch: Batch) -> Dataset:
        query = job.query
        _, bucket = self._server.routes.choose("EXPORT DATA", CLIENT, query.rows, query.bytes, query.bucket)
        has_past = self._server.settings.time_travel
        past = self._server.with_history(query.tables) if has_past else frozenset()
        about = as_dvt_errors(name=self._server.name, doing=_doing(query), where=query.about)
        with self._server.session() as session, about:
            where = tuple(map(with_wide_numbers, query.where))
            sql = replace(query, where=where).sql(self._tables(session, query.tables, past))
            if bucket is not None:
                return self._export(_Sent(job, batch, session, sql), cursor, bucket)
            with self._begun(_Sent(job, batch, session, sql)) as begun:
                answer = AnswerRows(session, begun, lambda: batch.stopped or bool(self._failures))
                try:
                    return stage_batches(cursor, job, answer.reader)
                except duckdb.Error as error:
                    raise answer.error or error from None

    def _export(self, sent: _Sent, cursor: Any, bucket: TransferBucket) -> Dataset:
        job, query, doing = sent.job, sent.job.query, _doing(sent.job.query)
        with bucket.place() as place:
            with (
                place.bucket.writing(CONSUMER, f"{place.prefix}/rows") as uri,
                self._begun(replace(sent, sql=export(sent.sql, uri)), retried=False) as begun,
            ):
                sent.session.wait(begun)
            expected = begun.statistics("query", "exportDataStatistics", "rowCount")
            with self._server.running.query(sent.batch, cursor.interrupt, doing):
                rows = write_answer(cursor, transferred(query, place), job)
        if expected is None or rows != expected:
            problem = f"{rows} rows of {expected} arrived in bucket {bucket.name!r}"
            raise QueryFailed(self._server.name, doing, problem)
        return job.sink.commit(query.staged, rows)

    @contextmanager
    def _begun(self, sent: _Sent, *, retried: bool = True) -> Iterator[BigQueryJob]:
        """Run a statement for as long as the `with` lasts."""
        doing, about = _doing(sent.job.query), sent.job.query.about
        if self._failures or sent.batch.stopped:
            raise Cancelled(doing)
        begun = sent.session.begin(sent.sql, retried=retried)
        with self._lock:
            self._under_way.add(begun)
        try:
            with self._server.under_way(sent.batch, begun, doing):
                if self._failures:
                    begun.cancel()
                with as_dvt_errors(name=self._server.name, doing=doing, where=about):
                    yield begun
        finally:
            with self._lock:
                self._under_way.discard(begun)


def _doing(query: SourceQuery) -> str:
    return f"extracting {query.about}"
