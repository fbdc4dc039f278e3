"""Extracts a model's queries side by side: each is one statement that streams into one Parquet file.

Statements that begin under one read lock see one state. So with `consistent_reads: lock` a large table may be
read by several, for ranges of its key; without it, each would see a state of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace

import duckdb

from dvt.connectors.mysql.answers import COUNT_WARNINGS, WITHOUT_WARNINGS, compute_as_table, counting
from dvt.connectors.mysql.failures import explained
from dvt.connectors.mysql.ranges import most_ranges, ranges
from dvt.connectors.mysql.server import Server
from dvt.core.errors import Cancelled, DvtError, QueryFailed
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Dataset
from dvt.core.queries import SourceQuery
from dvt.core.reports import Notice
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


@dataclass(slots=True)
class _Progress:
    """What is left of a job, and what has arrived."""

    job: Job
    left: int = 1
    """Number of statements that have not ended."""
    rows: int = 0
    committed: bool = False


@dataclass(frozen=True, slots=True)
class _Part:
    """A statement that reads a job's rows, or a part of them."""

    of: _Progress
    query: SourceQuery


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
        self._progress = [_Progress(job) for job in jobs]
        self._parts: dict[RunningQuery, _Part] = {
            RunningQuery(): _Part(item, item.job.query) for item in self._progress
        }
        self._finished = finished
        self._lock = threading.Lock()
        self._finished_or_failed = threading.Event()
        """Set when every query has ended, or one has failed."""
        self._failures: list[BaseException] = []
        self._mariadb = True
        self._of_tables = {
            job.query.tables: threading.Semaphore(job.query.extraction.max_parallel) for job in jobs
        }
        """What limits how many of the jobs read the same tables at once."""

    def run(self) -> None:
        """Extract all jobs; raise the first failure after every query has ended."""
        may_lock = self._server.settings.consistent_reads == "lock"
        try:
            with self._server.queries.track(self._parts), ExitStack() as held:
                held.enter_context(self._server.locking if may_lock else self._server.slots)
                # A server that is down, silent or refuses the login fails here, before the scanner connects.
                side = held.enter_context(connect_watched(self._server.name, self._server.settings))
                self._mariadb = side.is_mariadb
                if may_lock:
                    held.enter_context(self._split(side))
                if may_lock and len(self._parts) > 1:
                    self._read_locked(side, held)
                else:
                    held.close()
                    self._read_all(lambda: None)
        finally:
            for item in self._progress:
                if not item.committed:
                    item.job.sink.discard()
        if self._failures:
            raise self._failures[0]

    @contextmanager
    def _split(self, side: SideConnection) -> Iterator[None]:
        """Read large tables by several statements each, if there are connections for all to begin at once."""
        parts = list(self._parts.values())
        most = most_ranges([part.query for part in parts], self._server.width)
        added: list[RunningQuery] = []
        for part, number in zip(parts, most, strict=True):
            query = part.query
            first, *others = ranges(side, query, self._server.settings.schema_, number)
            if others:
                running = next(key for key, each in self._parts.items() if each is part)
                self._parts[running] = _Part(part.of, _within(query, first))
                for condition in others:
                    added.append(RunningQuery())
                    self._parts[added[-1]] = _Part(part.of, _within(query, condition))
                part.of.left += len(others)
        with self._server.queries.track(added):
            yield

    def _read_locked(self, side: SideConnection, held: ExitStack) -> None:
        """Read under a lock that keeps writers out until every statement has its read view."""
        try:
            held.enter_context(self._locked(side))
        except QueryFailed as error:
            if len(self._progress) > 1:
                raise
            self._unsplit(error)
            held.close()
            self._read_all(lambda: None)
            return

        def wait_and_unlock() -> None:
            wait_until_reading(side, list(self._parts), self._finished_or_failed)
            held.close()

        self._read_all(wait_and_unlock)

    def _unsplit(self, refusal: QueryFailed) -> None:
        """Read the only job by one statement, which needs no lock."""
        (item,) = self._progress
        first, *others = self._parts
        for running in others:
            running.ended.set()
            del self._parts[running]
        self._parts[first] = _Part(item, item.job.query)
        item.left = 1
        message = f"{refusal.message}; {item.job.query.about} is read over one connection"
        self._server.warn(Notice("DVT034", message, "grant LOCK TABLES to the output's user"))

    def _read_all(self, when_started: Callable[[], None]) -> None:
        try:
            for running in self._parts:
                threading.Thread(target=self._read, args=(running,), daemon=True).start()
            when_started()
            self._finished_or_failed.wait()
        finally:
            self._stop()

    @contextmanager
    def _locked(self, side: SideConnection) -> Iterator[None]:
        tables = list(
            dict.fromkeys(name for part in self._parts.values() for name in self._tables(part.query))
        )
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
        unfinished = [query for query in self._parts if not query.ended.is_set()]
        if unfinished:
            with suppress(DvtError):  # a server that is gone has stopped them
                self._server.queries.cancel(*unfinished)
            deadline = time.monotonic() + _CANCEL_TIMEOUT
            for query in unfinished:
                query.ended.wait(max(0.0, deadline - time.monotonic()))

    def _read(self, running: RunningQuery) -> None:
        """Run one statement; runs on a thread of its own."""
        part = self._parts[running]
        try:
            with self._slot(running, part.query):
                self._copy(running, part)
            self._commit_when_done(part.of)
        except BaseException as error:  # noqa: BLE001  raised again by `run`, on the caller's thread
            with self._lock:
                self._failures.append(error)
            self._finished_or_failed.set()
        finally:
            running.ended.set()
            if all(query.ended.is_set() for query in self._parts):
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

    def _copy(self, running: RunningQuery, part: _Part) -> None:
        query = part.query
        tables, settings = self._tables(query), dict(query.settings)
        if not query.model:
            self._write(running, part, query.sql(tables), settings)
            return
        sql = counting(query, tables, part.of.job.sink.limits)
        rows = self._write(running, part, sql, settings | COUNT_WARNINGS, WITHOUT_WARNINGS)
        if not rows and self._has_rows(running, query):
            self._write(running, part, query.sql(tables), settings)

    def _commit_when_done(self, item: _Progress) -> None:
        """Commit a job's dataset once all its statements have ended."""
        with self._lock:
            item.left -= 1
            if item.left:
                return
            dataset = item.job.sink.commit(item.job.query.staged, item.rows)
            item.committed = True
        self._finished(item.job, dataset)

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
        self, running: RunningQuery, part: _Part, sql: str, settings: Mapping[str, str], where: str = ""
    ) -> int:
        """Write the rows of a SELECT for which `where` holds into the job's sink; return their number."""
        query = part.query
        sent = with_session_settings(sql, running.mark, mariadb=self._mariadb, settings=settings)
        columns = ", ".join(_column(query, number) for number in range(len(query.columns)))
        with self._server.scanner.cursor() as cursor:
            running.cursor = cursor
            _check_stopped(running, query)
            select = f"SELECT {columns} FROM {self._server.scanner.relation(sent)}{where}"
            try:
                with self._server.scanner.noticing_silence(running.mark):
                    rows = write_answer(cursor, select, part.of.job)
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
        with self._lock:
            part.of.rows += rows
        return rows


def _within(query: SourceQuery, condition: str) -> SourceQuery:
    return replace(query, where=(condition, *query.where))


def _check_stopped(running: RunningQuery, query: SourceQuery) -> None:
    if running.stopped.is_set():
        raise Cancelled(f"extracting {query.about}")


def _column(query: SourceQuery, number: int) -> str:
    """Return DuckDB SQL of a column of the answer, checked and as it is held in Parquet."""
    extracted = query.columns[number]
    name = quoted(extracted.name)
    value = checked(name, extracted.column, query.tables[extracted.table])
    return f"{encoded(value, extracted.column.stage)} AS {name}"
