"""Datasets of a run: every query is extracted once, however many threads need its answer."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from dvt.core.compression import SNAPPY, Compression
from dvt.core.errors import Cancelled, DvtError
from dvt.core.estimates import UNLIMITED, ExtractLimits
from dvt.core.ports.staging import Bucket, Dataset, Location, Sink
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

    def close(self) -> None:
        """Remove what was staged, after failed runs, too, unless staging is kept."""
        if not self._keep:
            self.bucket.delete(self._run)

    def _sink(self, folder: str, key: str, limits: ExtractLimits = UNLIMITED) -> Sink:
        return ParquetSink(Location(self.bucket, f"{self._run}/{folder}/{key}"), limits, self._compression)


def _copied(error: DvtError) -> DvtError:
    """Copy an error for another node: each thread adds its own node and traceback."""
    copy = type(error).__new__(type(error))
    copy.args = error.args
    copy.__dict__.update(error.__dict__)
    copy.node = copy.file = None
    return copy
