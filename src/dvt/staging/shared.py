"""What a run has staged: every question is asked once, however many threads want its answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from dvt.core.errors import Cancelled, DvtError
from dvt.core.ports.staging import Bucket, Dataset, Location, Sink
from dvt.staging.parquet import ParquetSink
from dvt.staging.paths import escaped

_RESULTS = "_results"
"""Folder of computed answers; no connection's folder starts with `_`."""
_POLL_SECONDS = 0.2
"""Seconds between a waiter's checks of whether its own run was stopped."""


class _Pending:
    """One question under way, or answered."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.dataset: Dataset | None = None
        self.error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A thread's part in one question: the first to ask gets the sink and answers for all."""

    _pending: _Pending
    sink: Sink | None
    """Fill it and say `done` or `failed`; None: someone else does, `wait` for them."""

    @property
    def open(self) -> bool:
        """True as long as neither `done` nor `failed` was said."""
        return not self._pending.done.is_set()

    def done(self, dataset: Dataset) -> None:
        """The answer is there; everyone who waits gets it."""
        self._pending.dataset = dataset
        self._pending.done.set()

    def failed(self, error: BaseException) -> None:
        """There is no answer; everyone who waits wakes, and whoever asks next asks anew."""
        self._pending.error = error
        self._pending.done.set()

    def joined(self) -> Claim | None:
        """A part in the same question for somebody who waits; None where it has failed."""
        return None if self._pending.error is not None else replace(self, sink=None)

    def wait(self, stopped: Callable[[], bool]) -> Dataset | None:
        """The answer; None when its owner was stopped before it had one: claim again.

        An owner's own failure is raised here too, for the same question would fail the same way.
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

    def __init__(self, bucket: Bucket, run: str, *, keep: bool = False) -> None:
        self.bucket = bucket
        self._run = run
        self._keep = keep
        self._lock = threading.Lock()
        self._questions: dict[tuple[str, str], _Pending] = {}

    def claim(self, connection: str, key: str) -> Claim:
        """Take part in the question `key` to a connection.

        Fill what you own before you wait for others': then no two threads wait for each other.
        """
        with self._lock:
            pending = self._questions.get((connection, key))
            if pending is not None and pending.error is None:
                return Claim(pending, None)
            pending = self._questions[(connection, key)] = _Pending()
            return Claim(pending, self._sink(escaped(connection), key))

    def result(self, key: str) -> Sink:
        """Where one computed answer goes; it belongs to its model alone."""
        return self._sink(_RESULTS, key)

    def used(self, result: Sink) -> None:
        """A result has been loaded and is not needed any more."""
        if not self._keep:
            result.discard()

    def close(self) -> None:
        """Remove what was staged, after failed runs too, unless it was asked to be kept."""
        if not self._keep:
            self.bucket.delete(self._run)

    def _sink(self, folder: str, key: str) -> Sink:
        return ParquetSink(Location(self.bucket, f"{self._run}/{folder}/{key}"))


def _copied(error: DvtError) -> DvtError:
    """The same error for another node: each thread adds its own node and traceback."""
    copy = type(error).__new__(type(error))
    copy.args = error.args
    copy.__dict__.update(error.__dict__)
    copy.node = copy.file = None
    return copy
