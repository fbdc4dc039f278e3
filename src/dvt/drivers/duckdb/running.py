"""Queries under way, which another thread can cancel at any time, even before their first row."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import duckdb

from dvt.core.errors import Cancelled

_INTERRUPT_INTERVAL = 0.02
"""Seconds between interrupts of a query that has not ended."""
_CANCEL_TIMEOUT = 5.0
"""Seconds after which a query that ignores interrupts is abandoned."""


class Batch:
    """Queries that are cancelled together."""

    def __init__(self) -> None:
        self.stopped = False


class RunningQueries:
    """A connector's queries under way. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._batches: set[Batch] = set()
        self._queries: dict[int, tuple[Batch, Callable[[], object]]] = {}

    @contextmanager
    def batch(self) -> Iterator[Batch]:
        """Register a batch within the `with`; once it is stopped, no further query of it begins."""
        batch = Batch()
        with self._changed:
            self._batches.add(batch)
        try:
            yield batch
        finally:
            with self._changed:
                self._batches.discard(batch)

    @contextmanager
    def query(self, batch: Batch, interrupt: Callable[[], object], doing: str) -> Iterator[None]:
        """Register one query within the `with`; raise Cancelled if its batch is already stopped."""
        with self._changed:
            if batch.stopped:
                raise Cancelled(doing)
            key = max(self._queries, default=0) + 1
            self._queries[key] = (batch, interrupt)
        try:
            yield
        finally:
            with self._changed:
                del self._queries[key]
                self._changed.notify_all()

    def cancel(self) -> None:
        """Stop the batches of now; return when their queries have ended, or after `_CANCEL_TIMEOUT`."""
        deadline = time.monotonic() + _CANCEL_TIMEOUT
        with self._changed:
            stopping = set(self._batches)
            for batch in stopping:
                batch.stopped = True
            while time.monotonic() < deadline:
                left = [interrupt for batch, interrupt in self._queries.values() if batch in stopping]
                if not left:
                    return
                # DuckDB loses an interrupt that comes before the query has begun, so interrupts are repeated.
                for interrupt in left:
                    with suppress(duckdb.Error):
                        interrupt()
                self._changed.wait(_INTERRUPT_INTERVAL)
