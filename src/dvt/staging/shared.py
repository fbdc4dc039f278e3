"""Datasets of a run: every query is extracted once, however many threads need its answer."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime

from dvt.core.compression import SNAPPY, Compression
from dvt.core.errors import Cancelled, DvtError
from dvt.core.estimates import UNLIMITED, ExtractLimits
from dvt.core.ports.staging import Bucket, Dataset, Location, Sink
from dvt.staging.deletion import Deletions, may_read
from dvt.staging.leases import Lease
from dvt.staging.parquet import ParquetSink
from dvt.staging.paths import escaped

_RESULTS = "_results"
"""Folder of computed answers; no connection's folder starts with `_`."""
_POLL_SECONDS = 0.2
"""Seconds between two checks of a waiting thread whether its run was stopped."""


class _Pending:
    """A query under way, or answered."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.dataset: Dataset | None = None
        self.error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A thread's claim to one query: the first thread gets the sink, and fills it for all."""

    _pending: _Pending
    sink: Sink | None
    """The owner fills it and calls `done` or `failed`. None: another thread is the owner, call `wait`."""

    @property
    def open(self) -> bool:
        """True until `done` or `failed` is called."""
        return not self._pending.done.is_set()

    def done(self, dataset: Dataset) -> None:
        """Give the answer to every thread that waits for it."""
        self._pending.dataset = dataset
        self._pending.done.set()

    def failed(self, error: BaseException) -> None:
        """Wake every thread that waits, without an answer; the next claim owns the query again."""
        self._pending.error = error
        self._pending.done.set()

    def joined(self) -> Claim | None:
        """Return a claim that waits for the same answer; None if the query has failed."""
        return None if self._pending.error is not None else replace(self, sink=None)

    def wait(self, stopped: Callable[[], bool]) -> Dataset | None:
        """Wait for the answer and return it; None if the owner was stopped before it had one: claim again.

        The owner's failure is raised here, too: the same query would fail in the same way.
        """
        while not self._pending.done.wait(_POLL_SECONDS):
            if stopped():
                raise Cancelled("waiting for another model's extraction")
        error = self._pending.error
        if isinstance(error, DvtError) and not isinstance(error, Cancelled):
            raise _copied(error) from error
        return self._pending.dataset


class Staging:
    """The datasets of one run in one bucket, under `<run>/`."""

    def __init__(
        self, bucket: Bucket, run: str, *, keep: bool = False, compression: Compression = SNAPPY
    ) -> None:
        self.bucket = bucket
        self._run = run
        self._compression = compression
        self._keep = keep
        self._lock = threading.Lock()
        self._results = itertools.count()
        self._pending: dict[tuple[str, str], _Pending] = {}
        self._leasing = threading.Lock()
        self._lease: Lease | None = None
        self._outliving: set[str] = set()
        """Folders of this run's datasets that later runs may read."""
        self._superseded: set[str] = set()
        """Folders of earlier runs' datasets that no later run needs."""

    def claim(self, connection: str, key: str, limits: ExtractLimits = UNLIMITED) -> Claim:
        """Claim the query `key` to a connection; its answer may be as large as `limits` allow.

        The caller fills the sinks that it owns before it waits for others, so that no two threads wait for
        each other.
        """
        with self._lock:
            pending = self._pending.get((connection, key))
            if pending is not None and pending.error is None:
                return Claim(pending, None)
            pending = self._pending[(connection, key)] = _Pending()
            return Claim(pending, self._sink(escaped(connection), key, limits))

    def result(self, key: str) -> Sink:
        """Return the sink of a computed answer; a model that is run again gets another."""
        return self._sink(_RESULTS, f"{key}-{next(self._results)}")

    def used(self, result: Sink) -> None:
        """Discard a result that has been loaded, unless staging is kept."""
        if not self._keep:
            result.discard()

    def now(self) -> datetime:
        """Return the time by the store's clock."""
        return self._leased().now()

    def may_read(self, folder: str) -> bool:
        """Return whether a dataset of another run is there to be read; it stays until this run ends."""
        return may_read(self.bucket, self._leased(), folder)

    def keep(self, folder: str) -> None:
        """Leave a dataset of this run where it is when the run ends."""
        with self._lock:
            self._outliving.add(folder)

    def supersede(self, folder: str) -> None:
        """Delete a dataset of another run when this run ends, unless somebody reads it then."""
        with self._lock:
            self._superseded.add(folder)

    def close(self) -> None:
        """Remove what was staged, after failed runs, too, unless it is kept."""
        try:
            if not self._keep:
                remove_run(self.bucket, self._run, self._outliving)
                for folder in sorted(self._superseded):
                    Deletions(self.bucket, self._leased()).delete(folder)
        finally:
            if self._lease is not None:
                self._lease.close()

    def _leased(self) -> Lease:
        """Return the run's lease, which is put when it is first needed."""
        with self._leasing:
            if self._lease is None:
                self._lease = Lease(self.bucket, self._run)
            return self._lease

    def _sink(self, folder: str, key: str, limits: ExtractLimits = UNLIMITED) -> Sink:
        return ParquetSink(Location(self.bucket, f"{self._run}/{folder}/{key}"), limits, self._compression)


def remove_run(bucket: Bucket, run: str, kept: Collection[str]) -> None:
    """Remove what a run has staged, but for the datasets in the folders `kept`."""
    if not any(folder.startswith(f"{run}/") for folder in kept):
        bucket.delete(run)
        return
    folders = {key.rpartition("/")[0] for key, _ in bucket.list(run)}
    for folder in sorted(folders - set(kept)):
        bucket.delete(folder)


def _copied(error: DvtError) -> DvtError:
    """Copy an error for another node: each thread adds its own node and traceback."""
    copy = type(error).__new__(type(error))
    copy.args = error.args
    copy.__dict__.update(error.__dict__)
    copy.node = copy.file = None
    return copy
