"""Extracts a model's queries side by side, from services that run each query by themselves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from dvt.core.errors import Cancelled, DvtError
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Dataset
from dvt.core.queries import SourceQuery
from dvt.drivers.duckdb.running import Batch, RunningQueries

_POLL_SECONDS = 0.1
"""Seconds between checks of whether a query that waits for its turn was stopped."""


class Extraction:
    """Jobs that succeed or fail together: the first failure stops the others. Thread-safe."""

    def __init__(self, batch: Batch, jobs: Sequence[Job]) -> None:
        self.batch = batch
        self.failures: list[BaseException] = []
        self._lock = threading.Lock()
        self._stops: set[Callable[[], None]] = set()
        """What stops each of the queries under way."""
        self._of_tables = {
            job.query.tables: threading.Semaphore(job.query.extraction.max_parallel) for job in jobs
        }
        """What limits how many of the jobs read the same tables at once."""

    @property
    def is_stopped(self) -> bool:
        """Whether the run was cancelled, or one of the jobs has failed."""
        return self.batch.stopped or bool(self.failures)

    def check(self, doing: str) -> None:
        """Raise Cancelled if nothing more should begin."""
        if self.is_stopped:
            raise Cancelled(doing)

    @contextmanager
    def turn(self, query: SourceQuery, doing: str) -> Iterator[None]:
        """Wait until no more queries read the same tables than their config allows."""
        limit = self._of_tables[query.tables]
        while not limit.acquire(timeout=_POLL_SECONDS):
            self.check(doing)
        try:
            self.check(doing)
            yield
        finally:
            limit.release()

    @contextmanager
    def stopping(self, stop: Callable[[], None], doing: str) -> Iterator[None]:
        """Have `stop` called, from another thread, if another job fails within the `with`."""
        with self._lock:
            is_late = self.is_stopped
            if not is_late:
                self._stops.add(stop)
        if is_late:
            stop()
            raise Cancelled(doing)
        try:
            yield
        finally:
            with self._lock:
                self._stops.discard(stop)

    def fail(self, error: BaseException) -> None:
        """Note a failure, and stop the queries of the other jobs."""
        with self._lock:
            self.failures.append(error)
            stops = set(self._stops)
        for stop in stops:
            stop()


def extract_side_by_side(
    running: RunningQueries,
    jobs: Sequence[Job],
    finished: Callable[[Job, Dataset], None],
    extract: Callable[[Job, Extraction], Dataset],
) -> None:
    """Extract all jobs, each on a thread of its own; raise the first failure after every query has ended."""
    committed: set[int] = set()

    def read(extraction: Extraction, number: int, job: Job) -> None:
        try:
            with extraction.turn(job.query, f"extracting {job.query.about}"):
                dataset = extract(job, extraction)
            committed.add(number)
            finished(job, dataset)
        except BaseException as error:  # noqa: BLE001  raised again below, on the caller's thread
            extraction.fail(error)

    if not jobs:
        return
    try:
        with running.batch() as batch:
            extraction = Extraction(batch, jobs)
            with ThreadPoolExecutor(len(jobs), thread_name_prefix="dvt-extract") as pool:
                for number, job in enumerate(jobs):
                    pool.submit(read, extraction, number, job)
    finally:
        for number, job in enumerate(jobs):
            if number not in committed:
                with suppress(DvtError, OSError):
                    job.sink.discard()
    if extraction.failures:
        raise extraction.failures[0]
