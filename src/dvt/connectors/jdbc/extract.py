"""Extracts a model's queries: in one transaction one after the other, or side by side, each in its own.

Side by side, a large table is read in ranges of a column, and a query that was lost is sent again: whatever
it sees then, it is a state of its own anyway. In one transaction neither is possible.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress

from dvt.connectors.jdbc.answering import Answering, Wait
from dvt.connectors.jdbc.reading import OpenSession, Reading
from dvt.connectors.jdbc.server import Server
from dvt.core.errors import DvtError
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Dataset
from dvt.core.queries import SourceQuery
from dvt.drivers.jdbc import Session


class JdbcSnapshot:
    """Implements Snapshot. In one transaction, threads that extract at the same time take turns."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._turn = threading.Semaphore(1)
        self._session: Session | None = None
        self._held = ExitStack()

    def extract(self, jobs: Sequence[Job], finished: Callable[[Job, Dataset], None]) -> None:
        """See Snapshot."""
        if not jobs:
            return
        server = self._server
        readings: list[Reading] = []
        try:
            with server.running.batch() as batch:
                answering = Answering(server, batch)
                open_session: OpenSession = (
                    self._one_session if server.is_consistent else _own_sessions(server, jobs)
                )
                readings += [Reading(server, answering, job, open_session, finished) for job in jobs]
                _run_all(readings, one_after_the_other=server.is_consistent)
        finally:
            for reading in readings:
                if not reading.is_committed:
                    with suppress(DvtError, OSError):
                        reading.job.sink.discard()
        if answering.failures:
            raise answering.failures[0]

    def close(self) -> None:
        """End the transaction."""
        self._held.close()

    @contextmanager
    def _one_session(self, _: SourceQuery, wait: Wait) -> Iterator[Session]:
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


def _run_all(readings: Sequence[Reading], *, one_after_the_other: bool) -> None:
    """Read all; return when all have ended."""
    workers = 1 if one_after_the_other else sum(reading.width for reading in readings)
    with ThreadPoolExecutor(workers, "dvt-jdbc") as pool:
        for reading in readings:
            pool.submit(reading.begin)
            for _ in range(1, reading.width):
                pool.submit(reading.help)


def _own_sessions(server: Server, jobs: Sequence[Job]) -> OpenSession:
    """Return what opens a session for each query, no more at once than server and tables allow."""
    of_tables = {job.query.tables: threading.Semaphore(job.query.extraction.max_parallel) for job in jobs}

    @contextmanager
    def open_session(query: SourceQuery, wait: Wait) -> Iterator[Session]:
        with ExitStack() as held:
            for limit in (of_tables[query.tables], server.slots):
                wait(limit)
                held.callback(limit.release)
            session = server.reader()
            held.callback(session.close)
            yield session

    return open_session
