"""Extracts a model's queries side by side: each is one statement that streams into one Parquet file."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress

import duckdb

from dvt.connectors.mysql.answers import COUNT_WARNINGS, WITHOUT_WARNINGS, compute_as_table, counting
from dvt.connectors.mysql.failures import explained
from dvt.connectors.mysql.server import Server
from dvt.core.errors import Cancelled, DvtError
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Dataset
from dvt.core.queries import SourceQuery
from dvt.drivers.duckdb.sql import encoded, quoted
from dvt.drivers.duckdb.staging import write_answer
from dvt.drivers.mysql import (
    RunningQuery,
    SideConnection,
    checked,
    connect_watched,
    read_lock,
    table,
    wait_until_reading,
    with_session_settings,
)

_POLL_SECONDS = 0.1
"""Seconds between checks of whether a query that waits for a connection was stopped."""
_CANCEL_TIMEOUT = 5.0
"""Seconds after which a stopped statement that has not ended is abandoned."""


class MySQLSnapshot:
    """Implements Snapshot."""

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
        self._jobs: Mapping[RunningQuery, Job] = {RunningQuery(): job for job in jobs}
        self._finished = finished
        self._lock = threading.Lock()
        self._finished_or_failed = threading.Event()
        """Set when every query has ended, or one has failed."""
        self._committed: set[RunningQuery] = set()
        self._failures: list[BaseException] = []
        self._mariadb = True
        self._of_tables = {
            job.query.tables: threading.Semaphore(job.query.extraction.max_parallel) for job in jobs
        }
        """What limits how many of the jobs read the same tables at once."""

    def run(self) -> None:
        """Extract all jobs; raise the first failure after every query has ended."""
        locks = self._server.settings.consistent_reads == "lock" and len(self._jobs) > 1
        try:
            with self._server.queries.track(self._jobs), ExitStack() as held:
                held.enter_context(self._server.locking if locks else self._server.slots)
                # A server that is down, silent or refuses the login fails here, before the scanner connects.
                side = held.enter_context(connect_watched(self._server.name, self._server.settings))
                self._mariadb = side.is_mariadb
                if locks:
                    self._read_locked(side, held)
                else:
                    held.close()
                    self._read_all(lambda: None)
        finally:
            for running in self._jobs.keys() - self._committed:
                self._jobs[running].sink.discard()
        if self._failures:
            raise self._failures[0]

    def _read_locked(self, side: SideConnection, held: ExitStack) -> None:
        """Read under a lock that keeps writers out until every statement has its read view."""
        held.enter_context(self._locked(side))

        def wait_and_unlock() -> None:
            wait_until_reading(side, list(self._jobs), self._finished_or_failed)
            held.close()

        self._read_all(wait_and_unlock)

    def _read_all(self, when_started: Callable[[], None]) -> None:
        try:
            for running in self._jobs:
                threading.Thread(target=self._read, args=(running,), daemon=True).start()
            when_started()
            self._finished_or_failed.wait()
        finally:
            self._stop()

    @contextmanager
    def _locked(self, side: SideConnection) -> Iterator[None]:
        tables = list(dict.fromkeys(name for job in self._jobs.values() for name in self._tables(job.query)))
        running = RunningQuery()
        with ExitStack() as lock, self._server.queries.track([running]):
            try:
                lock.enter_context(read_lock(side, tables, running))
            except DvtError as error:
                if running.stopped.is_set():
                    raise Cancelled("waiting for a read lock") from error
                raise
            running.ended.set()
            yield

    def _tables(self, query: SourceQuery) -> list[str]:
        return [table(ref, self._server.settings.schema_) for ref in query.tables]

    def _stop(self) -> None:
        """Cancel the queries that have not ended; return when they have, or after `_CANCEL_TIMEOUT`."""
        unfinished = [query for query in self._jobs if not query.ended.is_set()]
        if unfinished:
            with suppress(DvtError):  # a server that is gone has stopped them
                self._server.queries.cancel(*unfinished)
            deadline = time.monotonic() + _CANCEL_TIMEOUT
            for query in unfinished:
                query.ended.wait(max(0.0, deadline - time.monotonic()))

    def _read(self, running: RunningQuery) -> None:
        """Extract one job; runs on a thread of its own."""
        job = self._jobs[running]
        try:
            with self._slot(running, job.query):
                dataset = self._copy(running, job)
            with self._lock:
                self._committed.add(running)
            self._finished(job, dataset)
        except BaseException as error:  # noqa: BLE001  raised again by `run`, on the caller's thread
            with self._lock:
                self._failures.append(error)
            self._finished_or_failed.set()
        finally:
            running.ended.set()
            if all(query.ended.is_set() for query in self._jobs):
                self._finished_or_failed.set()

    @contextmanager
    def _slot(self, running: RunningQuery, query: SourceQuery) -> Iterator[None]:
        """Wait until the query may have a connection, and keep it for as long as the `with` lasts."""
        with ExitStack() as held:
            for limit in (self._of_tables[query.tables], self._server.slots):
                while not limit.acquire(timeout=_POLL_SECONDS):
                    _check_stopped(running, query)
                held.callback(limit.release)
            yield

    def _copy(self, running: RunningQuery, job: Job) -> Dataset:
        query = job.query
        tables, settings = self._tables(query), dict(query.settings)
        if not query.model:
            rows = self._write(running, job, query.sql(tables), settings)
            return job.sink.commit(query.staged, rows)
        sql = counting(query, tables, job.sink.limits)
        rows = self._write(running, job, sql, settings | COUNT_WARNINGS, WITHOUT_WARNINGS)
        if not rows and self._has_rows(running, query):
            rows = self._write(running, job, query.sql(tables), settings)
        return job.sink.commit(query.staged, rows)

    def _has_rows(self, running: RunningQuery, query: SourceQuery) -> bool:
        """Return whether a table made of a model has rows; raise the server's error if it makes none."""
        with connect_watched(self._server.name, self._server.settings) as side:
            try:
                return compute_as_table(side, query, self._tables(query), running)
            except DvtError as error:
                if running.stopped.is_set():
                    raise Cancelled(f"extracting {query.about}") from error
                raise

    def _write(
        self, running: RunningQuery, job: Job, sql: str, settings: Mapping[str, str], where: str = ""
    ) -> int:
        """Write the rows of a SELECT for which `where` holds into the job's sink; return their number."""
        query = job.query
        sent = with_session_settings(sql, running.mark, mariadb=self._mariadb, settings=settings)
        columns = ", ".join(_column(query, number) for number in range(len(query.columns)))
        with self._server.scanner.cursor() as cursor:
            running.cursor = cursor
            _check_stopped(running, query)
            select = f"SELECT {columns} FROM {self._server.scanner.relation(sent)}{where}"
            try:
                with self._server.scanner.noticing_silence(running.mark):
                    return write_answer(cursor, select, job)
            except duckdb.Error as error:
                raise explained(
                    error,
                    name=self._server.name,
                    settings=self._server.settings,
                    query=query,
                    running=running,
                    sent=sent,
                ) from error
            finally:
                running.cursor = None


def _check_stopped(running: RunningQuery, query: SourceQuery) -> None:
    if running.stopped.is_set():
        raise Cancelled(f"extracting {query.about}")


def _column(query: SourceQuery, number: int) -> str:
    """Return DuckDB SQL of a column of the answer, checked and as it is held in Parquet."""
    extracted = query.columns[number]
    name = quoted(extracted.name)
    value = checked(name, extracted.column, query.tables[extracted.table])
    return f"{encoded(value, extracted.column.stage)} AS {name}"
