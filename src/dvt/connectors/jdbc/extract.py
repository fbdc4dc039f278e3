"""Extracts a model's queries: in one transaction one after the other, or side by side, each in its own.

Side by side, a large table is read in ranges of a column, and a query that was lost is sent again: whatever
it sees then, it is a state of its own anyway. In one transaction neither is possible.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from functools import partial

from dvt.connectors.jdbc.answering import Answering
from dvt.connectors.jdbc.reading import OpenSession, Reading
from dvt.connectors.jdbc.server import Server
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Dataset
from dvt.core.queries import SourceQuery
from dvt.drivers.jdbc import Session
from dvt.drivers.side_by_side import Extraction, together


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
        with together(server.running, jobs, finished) as extraction:
            open_session: OpenSession = partial(
                self._one_session if server.is_consistent else self._own_session, extraction
            )
            answering = Answering(server, extraction)
            readings = [Reading(answering, job, open_session) for job in jobs]
            _run_all(readings, one_after_the_other=server.is_consistent)

    def close(self) -> None:
        """End the transaction."""
        self._held.close()

    @contextmanager
    def _one_session(self, extraction: Extraction, _: SourceQuery, doing: str) -> Iterator[Session]:
        """Yield the session of the one transaction, which begins with the first query."""
        with extraction.holding(self._turn, doing):
            if self._session is None:
                extraction.acquire(self._server.slots, doing)
                self._held.callback(self._server.slots.release)
                self._session = self._server.reader()
                self._held.callback(self._session.close)
            yield self._session

    @contextmanager
    def _own_session(self, extraction: Extraction, query: SourceQuery, doing: str) -> Iterator[Session]:
        """Open a session for a query, no more at once than tables and server allow."""
        with (
            extraction.turn(query, doing),
            extraction.holding(self._server.slots, doing),
            closing(self._server.reader()) as session,
        ):
            yield session


def _run_all(readings: Sequence[Reading], *, one_after_the_other: bool) -> None:
    """Read all; return when all have ended."""
    workers = 1 if one_after_the_other else sum(reading.width for reading in readings)
    with ThreadPoolExecutor(workers, "dvt-jdbc") as pool:
        for reading in readings:
            pool.submit(reading.begin)
            for _ in range(1, reading.width):
                pool.submit(reading.help)
