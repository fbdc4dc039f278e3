"""Datasets of a run: every query is extracted once, however many threads need its answer."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from dvt.core.compression import SNAPPY, Compression
from dvt.core.errors import Cancelled, DvtError
from dvt.core.estimates import UNLIMITED, ExtractLimits
from dvt.core.keeping import REMOVED, Keep, Keeping
from dvt.core.ports.staging import Added, Bucket, Dataset, Location, Sink
from dvt.core.tables import StageColumn
from dvt.staging.deletion import Deletions, may_read
from dvt.staging.earlier_runs import Committed, EarlierRuns, remove_run, resumable
from dvt.staging.leases import Lease
from dvt.staging.parquet import AddedParts, ParquetSink
from dvt.staging.paths import escaped

_RESULTS = "_results"
"""Folder of computed answers; no connection's folder starts with `_`."""
_TRANSFERS = "_transfers"
"""Folder of what is on its way between a warehouse and a dataset or a table."""
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
    facts: dict[str, Any] = field(default_factory=dict)
    """What the owner notes of the query before it fills the sink, so that later runs may take its answer."""

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
    """The datasets of one run in one bucket, under `<run>/`, and those of earlier runs that it may take."""

    def __init__(
        self,
        bucket: Bucket,
        run: str,
        *,
        keep: bool = False,
        keeping: Keeping = REMOVED,
        compression: Compression = SNAPPY,
    ) -> None:
        """Begin to stage in a bucket: put the run's lease there.

        Args:
            bucket: the project's folder.
            run: the run's id.
            keep: everything stays when the run ends, however it ends, until the user removes it.
            keeping: what stays otherwise.
            compression: that of all files.
        """
        self.bucket = bucket
        self._run = run
        self._compression = compression
        self._keep = keep
        self._keeping = keeping
        self._lock = threading.Lock()
        self._results = itertools.count()
        self._pending: dict[tuple[str, str], _Pending] = {}
        self._outliving: set[str] = set()
        """Folders of this run's datasets that later runs may read."""
        self._superseded: set[str] = set()
        """Folders of earlier runs' datasets that no later run needs."""
        self.lease = Lease(bucket, run)
        self._earlier = EarlierRuns(bucket, self.lease)
        self._looking = threading.Lock()
        self._committed: list[Committed] | None = None

    def claim(self, connection: str, key: str, limits: ExtractLimits = UNLIMITED) -> Claim:
        """Claim the query `key` to a connection; its answer may be as large as `limits` allow.

        The caller fills the sinks that it owns before it waits for others, so that no two threads wait for
        each other.
        """
        self.lease.check()
        with self._lock:
            pending = self._pending.get((connection, key))
            if pending is not None and pending.error is None:
                return Claim(pending, None)
            pending = self._pending[(connection, key)] = _Pending()
            sink = self._sink(escaped(connection), key, limits)
            return Claim(pending, sink, sink.facts)

    def result(self, key: str) -> Sink:
        """Return the sink of a computed answer; a model that is run again gets another."""
        self.lease.check()
        return self._sink(_RESULTS, f"{key}-{next(self._results)}")

    def added(self, dataset: Dataset) -> Added:
        """Return a place for files of another version of a dataset that this run may read."""
        self.lease.check()
        return AddedParts(dataset.at, self._run, self._compression, self.lease.check)

    @contextmanager
    def temporary(self) -> Iterator[Location]:
        """Give a folder of this run's for files of one transfer, and remove it when the `with` ends.

        If the process dies before, the next run or `dvt clean` removes it with the run's others.
        """
        self.lease.check()
        place = Location(self.bucket, f"{self._run}/{_TRANSFERS}/{next(self._results)}")
        try:
            yield place
        finally:
            self.bucket.delete(place.prefix)

    def used(self, result: Sink) -> None:
        """Discard a result that has been loaded, unless staging is kept."""
        if not self._stays:
            result.discard()

    def now(self) -> datetime:
        """Return the time by the store's clock."""
        return self.lease.now()

    def may_read(self, folder: str) -> bool:
        """Return whether a dataset of another run is there to be read; it stays until this run ends."""
        return may_read(self.bucket, self.lease, folder)

    def keep(self, folder: str) -> None:
        """Leave a dataset of this run where it is when the run ends."""
        with self._lock:
            self._outliving.add(folder)

    def supersede(self, folder: str) -> None:
        """Delete a dataset of another run when this run ends, unless somebody reads it then."""
        with self._lock:
            self._superseded.add(folder)

    def earlier(self) -> list[Committed]:
        """Return the datasets of earlier runs that this one may take: the latest first."""
        with self._looking:
            if self._committed is None:
                is_over = self._earlier.committed(self._keeping.resume_within)
                self._committed = is_over if self._keeping.for_later_runs else []
            return self._committed

    def take(self, committed: Committed, columns: tuple[StageColumn, ...]) -> Dataset | None:
        """Return an earlier run's dataset, which stays until this run ends; None if it is not there now."""
        if not self.may_read(committed.folder):
            return None
        return committed.dataset(self.bucket, columns)

    def close(self, *, failed: bool = False, removes_earlier: bool = False) -> bool:
        """Remove what was staged, unless it is to stay.

        A run that `failed` leaves what later runs may take. Another one removes what earlier ones have left,
        if `removes_earlier`; in any case it removes what is too old to be taken.

        Returns:
            Whether nothing is left that a later run has to remove.
        """
        left: set[str] = set()
        try:
            if failed and not self._keep and self._keeping.for_later_runs:
                left = {committed.folder for committed in resumable(self.bucket, self._run)} - self._outliving
            self._remove_earlier(timedelta(0) if removes_earlier else self._keeping.resume_within)
            if not self._stays:
                self._remove(left)
        finally:
            self.lease.close(leaves=bool(left))
        return not left or self._stays

    def _remove_earlier(self, older_than: timedelta) -> None:
        """Remove what earlier runs have left for so long; where all is kept, no run may take it any more."""
        if self._keeping.keep is Keep.ALWAYS:
            self._earlier.forget(older_than)
        else:
            self._earlier.remove(older_than)

    def _remove(self, left: set[str]) -> None:
        """Remove what this run need not leave."""
        remove_run(self.bucket, self.lease, self._run, left | self._outliving)
        for folder in sorted(self._superseded):
            Deletions(self.bucket, self.lease).delete(folder)

    @property
    def _stays(self) -> bool:
        """Whether everything stays when the run ends."""
        return self._keep or self._keeping.keep is Keep.ALWAYS

    def _sink(self, folder: str, key: str, limits: ExtractLimits = UNLIMITED) -> ParquetSink:
        location = Location(self.bucket, f"{self._run}/{folder}/{key}")
        return ParquetSink(location, limits, self._compression, self.lease.check)


def _copied(error: DvtError) -> DvtError:
    """Copy an error for another node: each thread adds its own node and traceback."""
    copy = type(error).__new__(type(error))
    copy.args = error.args
    copy.__dict__.update(error.__dict__)
    copy.node = copy.file = None
    return copy
