"""Extracts a model's queries: in one transaction one after the other, or side by side, each in its own."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace

from dvt.connectors.jdbc.server import Server
from dvt.core.errors import Cancelled, DvtError
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Dataset
from dvt.core.queries import SourceQuery, Sql, TablePlace
from dvt.drivers.duckdb import as_dvt_errors
from dvt.drivers.duckdb.running import Batch
from dvt.drivers.duckdb.staging import stage_batches
from dvt.drivers.jdbc import Answer, Facts, Session

_Wait = Callable[[threading.Semaphore], None]
"""Function that acquires a semaphore, or raises Cancelled."""
_POLL_SECONDS = 0.1
"""Seconds between checks of whether a query that waits for a connection was stopped."""
_NAME_OR_NUMBER = re.compile(r""" "(?:[^"]|"")*" | '(?:[^']|'')*' | [\d.]+ """, re.VERBOSE)
"""Matches a quoted name, a text, or a number."""
_HIGHEST = 2**63 - 1


class JdbcSnapshot:
    """Implements Snapshot. In one transaction, threads that extract at the same time take turns."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._turn = threading.Semaphore(1)
        self._session: Session | None = None
        self._held = ExitStack()

    def extract(self, jobs: Sequence[Job], finished: Callable[[Job, Dataset], None]) -> None:
        """See Snapshot."""
        if jobs:
            _Extraction(self._server, jobs, finished, self._one_session).run()

    def close(self) -> None:
        """End the transaction."""
        self._held.close()

    @contextmanager
    def _one_session(self, wait: _Wait) -> Iterator[Session]:
        """Yield the session of the one transaction, which begins with the first query."""
        wait(self._turn)
        try:
            if self._session is None:
                wait(self._server.slots)
                self._held.callback(self._server.slots.release)
                self._session = self._server.reader()
                self._held.callback(self._session.close)
            yield self._session
        finally:
            self._turn.release()


class _Extraction:
    """Extracts jobs that succeed or fail together: the first failure stops the others."""

    def __init__(
        self,
        server: Server,
        jobs: Sequence[Job],
        finished: Callable[[Job, Dataset], None],
        one_session: Callable[[_Wait], AbstractContextManager[Session]],
    ) -> None:
        self._server = server
        self._jobs = jobs
        self._finished = finished
        self._one_session = one_session
        self._lock = threading.Lock()
        self._answers: set[Answer] = set()
        self._failures: list[BaseException] = []
        self._committed: set[int] = set()
        self._of_tables = {
            job.query.tables: threading.Semaphore(job.query.extraction.max_parallel) for job in jobs
        }
        """What limits how many of the jobs read the same tables at once."""

    def run(self) -> None:
        """Extract all jobs; raise the first failure after every query has ended."""
        workers = 1 if self._server.is_consistent else len(self._jobs)
        try:
            with self._server.running.batch() as batch, ThreadPoolExecutor(workers, "dvt-jdbc") as pool:
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
        if self._failures:
            return
        doing = f"reading {job.query.about}"

        def wait(semaphore: threading.Semaphore) -> None:
            while not semaphore.acquire(timeout=_POLL_SECONDS):
                if batch.stopped or self._failures:
                    raise Cancelled(doing)

        try:
            with self._session(job.query, wait) as session:
                dataset = self._stage(batch, session, job, doing)
            self._committed.add(number)
            self._finished(job, dataset)
        except BaseException as error:  # noqa: BLE001  raised again by `run`, on the caller's thread
            self._fail(error)

    def _session(self, query: SourceQuery, wait: _Wait) -> AbstractContextManager[Session]:
        return self._one_session(wait) if self._server.is_consistent else self._own_session(query, wait)

    @contextmanager
    def _own_session(self, query: SourceQuery, wait: _Wait) -> Iterator[Session]:
        with ExitStack() as held:
            for limit in (self._of_tables[query.tables], self._server.slots):
                wait(limit)
                held.callback(limit.release)
            session = self._server.reader()
            held.callback(session.close)
            yield session

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            self._failures.append(error)
            answers = set(self._answers)
        for answer in answers:
            answer.stop()

    def _stage(self, batch: Batch, session: Session, job: Job, doing: str) -> Dataset:
        query = job.query
        if self._failures:
            raise Cancelled(doing)
        tables = [self._server.names[ref] for ref in query.tables]
        sql = _sql(query, tables, session.facts, self._server.product.wide_number)
        cursor = self._server.duckdb.cursor()
        answer = Answer(
            session, sql, columns=query.columns, tables=query.tables, limit=query.limit, doing=doing
        )
        with self._lock:
            self._answers.add(answer)
        try:
            with (
                answer,
                self._server.running.query(batch, answer.stop, doing),
                as_dvt_errors(connection=query.connection, doing=doing, where=query.about),
            ):
                return stage_batches(cursor, job, answer.reader())
        except Exception as error:
            if answer.error is not None:
                raise answer.error from error
            raise
        finally:
            with self._lock:
                self._answers.discard(answer)
            cursor.close()


def _sql(query: SourceQuery, tables: Sequence[str], facts: Facts, wide_number: str) -> str:
    """Return the query as its database writes it; its driver limits the rows, not the SQL."""
    if query.source == (TablePlace(0),) and query.group_by is None:
        names = (
            extracted.column.read.format(facts.quoted(extracted.column.name)) for extracted in query.columns
        )
        query = replace(query, select=tuple(names))
    if wide_number:
        query = replace(query, where=tuple(_with_wide(part, wide_number) for part in query.where))
    return replace(query, limit=None).sql(tables)


def _with_wide(condition: Sql, template: str) -> Sql:
    """Return a condition with its numbers of more than 64 bits as `template` writes them."""

    def written(found: re.Match[str]) -> str:
        text = found[0]
        return template.format(text) if text.isdigit() and int(text) > _HIGHEST else text

    if isinstance(condition, str):
        return _NAME_OR_NUMBER.sub(written, condition)
    return tuple(_NAME_OR_NUMBER.sub(written, part) if isinstance(part, str) else part for part in condition)
