"""Extractions of one model: side by side, each one statement that streams into one Parquet file."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress

import duckdb

from dvt.connectors.mysql.failures import explained
from dvt.connectors.mysql.server import Server
from dvt.core.errors import Cancelled, DvtError
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Dataset
from dvt.core.queries import SourceQuery
from dvt.drivers.duckdb.sql import encoded, quoted
from dvt.drivers.duckdb.staging import write
from dvt.drivers.mysql import (
    Running,
    SideConnection,
    checked,
    connect,
    pinned,
    read_lock,
    table,
    wait_until_reading,
)

_GLANCE = 0.1
_PATIENCE = 5.0
"""Seconds until a statement that a server neither answers nor ends is left alone."""


class Reading:
    """Implements Snapshot."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def extract(self, jobs: Sequence[Job], finished: Callable[[Job, Dataset], None]) -> None:
        """See Snapshot."""
        if jobs:
            _Group(self._server, jobs, finished).run()


class _Group:
    """Jobs that succeed together: the first failure stops the others."""

    def __init__(self, server: Server, jobs: Sequence[Job], finished: Callable[[Job, Dataset], None]) -> None:
        self._server = server
        self._jobs: Mapping[Running, Job] = {Running(): job for job in jobs}
        self._finished = finished
        self._lock = threading.Lock()
        self._over = threading.Event()
        """Set when all have ended, or one has failed."""
        self._committed: set[Running] = set()
        self._failures: list[BaseException] = []
        self._mariadb = True

    def run(self) -> None:
        """All of them; raises the first failure when nothing of the group runs any more."""
        locks = self._server.settings.consistent_reads == "lock" and len(self._jobs) > 1
        try:
            with self._server.queries.track(self._jobs), ExitStack() as held:
                held.enter_context(self._server.locking if locks else self._server.slots)
                # A server that is down, silent or refuses is known here, before the scanner asks it.
                side = held.enter_context(connect(self._server.name, self._server.settings))
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
        """Nobody writes until each statement has its view of the data."""
        held.enter_context(self._locked(side))

        def wait_and_unlock() -> None:
            wait_until_reading(side, list(self._jobs), self._over)
            held.close()

        self._read_all(wait_and_unlock)

    def _read_all(self, then: Callable[[], None]) -> None:
        try:
            for running in self._jobs:
                threading.Thread(target=self._read, args=(running,), daemon=True).start()
            then()
            self._over.wait()
        finally:
            self._stop()

    @contextmanager
    def _locked(self, side: SideConnection) -> Iterator[None]:
        asked = [one for job in self._jobs.values() for one in self._tables(job.query)]
        tables = list(dict.fromkeys(asked))
        running = Running()
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
        return [table(one, self._server.settings.schema_) for one in query.tables]

    def _stop(self) -> None:
        left = [one for one in self._jobs if not one.ended.is_set()]
        if left:
            with suppress(DvtError):  # a server that is gone has stopped them
                self._server.queries.cancel(*left)
            deadline = time.monotonic() + _PATIENCE
            for one in left:
                one.ended.wait(max(0.0, deadline - time.monotonic()))

    def _read(self, running: Running) -> None:
        """One job, on its own thread."""
        job = self._jobs[running]
        try:
            with self._slot(running, job.query):
                dataset = self._copied(running, job)
            with self._lock:
                self._committed.add(running)
            self._finished(job, dataset)
        except BaseException as error:  # noqa: BLE001  raised again by `run`, on the caller's thread
            with self._lock:
                self._failures.append(error)
            self._over.set()
        finally:
            running.ended.set()
            if all(one.ended.is_set() for one in self._jobs):
                self._over.set()

    @contextmanager
    def _slot(self, running: Running, query: SourceQuery) -> Iterator[None]:
        while not self._server.slots.acquire(timeout=_GLANCE):
            _go_on(running, query)
        try:
            yield
        finally:
            self._server.slots.release()

    def _copied(self, running: Running, job: Job) -> Dataset:
        query = job.query
        sent = pinned(query.sql(self._tables(query)), running.mark, mariadb=self._mariadb)
        columns = ", ".join(_column(query, number) for number in range(len(query.columns)))
        with self._server.scanner.cursor() as cursor:
            running.cursor = cursor
            _go_on(running, query)
            select = f"SELECT {columns} FROM {self._server.scanner.relation(sent)}"
            try:
                rows = write(cursor, select, job.sink)
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
        return job.sink.commit(query.staged, rows)


def _go_on(running: Running, query: SourceQuery) -> None:
    if running.stopped.is_set():
        raise Cancelled(f"extracting {query.about}")


def _column(query: SourceQuery, number: int) -> str:
    one = query.columns[number]
    name = quoted(one.name)
    value = checked(name, one.column, query.tables[one.table])
    return f"{encoded(value, one.column.stage)} AS {name}"
