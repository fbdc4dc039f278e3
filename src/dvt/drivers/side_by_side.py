"""Extracts a model's queries side by side: they succeed or fail together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from dvt.core.errors import Cancelled, DvtError
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Dataset
from dvt.core.queries import SourceQuery
from dvt.drivers.duckdb.running import Batch, RunningQueries

_POLL_SECONDS = 0.1
"""Seconds between checks of whether what waits was stopped."""


class Extraction:
    """Jobs that succeed or fail together: the first failure stops the others. Thread-safe."""

    def __init__(self, batch: Batch, jobs: Sequence[Job], finished: Callable[[Job, Dataset], None]) -> None:
        self.batch = batch
        self.failures: list[BaseException] = []
        """Why it ends early; the first is the reason of the others."""
        self._finished = finished
        self._lock = threading.Lock()
        self._stops: set[Callable[[], None]] = set()
        """What stops each of the queries under way."""
        self._left = list(jobs)
        """Those that are not committed."""
        self._of_tables = {
            job.query.tables: threading.Semaphore(job.query.extraction.max_parallel) for job in jobs
        }
        """What limits how many queries read the same tables at once."""

    @property
    def is_stopped(self) -> bool:
        """Whether the run was cancelled, or one of the jobs has failed."""
        return self.batch.stopped or bool(self.failures)

    def check(self, doing: str) -> None:
        """Raise Cancelled if nothing more should begin."""
        if self.is_stopped:
            raise Cancelled(doing)

    def acquire(self, limit: threading.Semaphore, doing: str) -> None:
        """Acquire a semaphore; raise Cancelled instead if nothing more should begin."""
        while not limit.acquire(timeout=_POLL_SECONDS):
            self.check(doing)
        if self.is_stopped:
            limit.release()
            raise Cancelled(doing)

    @contextmanager
    def holding(self, limit: threading.Semaphore, doing: str) -> Iterator[None]:
        """Hold a semaphore within the `with`."""
        self.acquire(limit, doing)
        try:
            yield
        finally:
            limit.release()

    @contextmanager
    def turn(self, query: SourceQuery, doing: str) -> Iterator[None]:
        """Wait until no more queries read the same tables than their config allows."""
        with self.holding(self._of_tables[query.tables], doing):
            yield

    def pause(self, seconds: float, doing: str) -> None:
        """Wait so long; raise Cancelled once nothing more should begin."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(min(_POLL_SECONDS, seconds))
            self.check(doing)

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

    def commit(self, job: Job, dataset: Dataset) -> None:
        """Note that a job's sink is committed, and tell so."""
        with self._lock:
            self._left = [other for other in self._left if other is not job]
        self._finished(job, dataset)

    def fail(self, error: BaseException) -> None:
        """Note a failure, and stop the queries of the other jobs."""
        with self._lock:
            self.failures.append(error)
            stops = set(self._stops)
        for stop in stops:
            stop()

    def discard(self) -> None:
        """Discard what jobs have staged that are not committed."""
        for job in self._left:
            with suppress(DvtError, OSError):
                job.sink.discard()


@contextmanager
def together(
    running: RunningQueries, jobs: Sequence[Job], finished: Callable[[Job, Dataset], None]
) -> Iterator[Extraction]:
    """Yield what jobs have in common that are extracted within the `with`; raise the first failure after it.

    What is extracted must have ended with the `with`. What is not committed then is discarded.
    """
    with running.batch() as batch:
        extraction = Extraction(batch, jobs, finished)
        try:
            yield extraction
        finally:
            extraction.discard()
    if extraction.failures:
        raise extraction.failures[0]


def extract_side_by_side(
    running: RunningQueries,
    jobs: Sequence[Job],
    finished: Callable[[Job, Dataset], None],
    extract: Callable[[Job, Extraction], Dataset],
) -> None:
    """Extract all jobs, each on a thread of its own; raise the first failure after every query has ended."""

    def read(extraction: Extraction, job: Job) -> None:
        try:
            with extraction.turn(job.query, f"extracting {job.query.about}"):
                dataset = extract(job, extraction)
            extraction.commit(job, dataset)
        except BaseException as error:  # noqa: BLE001  raised again on the caller's thread
            extraction.fail(error)

    if not jobs:
        return
    with (
        together(running, jobs, finished) as extraction,
        ThreadPoolExecutor(len(jobs), thread_name_prefix="dvt-extract") as pool,
    ):
        for job in jobs:
            pool.submit(read, extraction, job)
