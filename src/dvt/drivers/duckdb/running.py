"""Queries under way, stoppable from the side at any moment, before their first row too."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import duckdb

from dvt.core.errors import Cancelled

_AGAIN = 0.02
_GIVE_UP = 5.0
"""Seconds: between interrupts, and until a query that does not heed them is left alone."""


class Batch:
    """Queries that were asked for together, and end together when stopped."""

    def __init__(self) -> None:
        self.stopped = False


class Running:
    """A connector's queries under way. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._batches: set[Batch] = set()
        self._queries: dict[int, tuple[Batch, Callable[[], object]]] = {}

    @contextmanager
    def batch(self) -> Iterator[Batch]:
        """A batch: when it is stopped, no further query of it begins."""
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
        """Around one query; Cancelled if its batch was stopped before it could begin."""
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

    def stop(self) -> None:
        """Stop every batch that exists now, and wait until its queries have ended."""
        until = time.monotonic() + _GIVE_UP
        with self._changed:
            stopping = set(self._batches)
            for batch in stopping:
                batch.stopped = True
            while time.monotonic() < until:
                left = [interrupt for batch, interrupt in self._queries.values() if batch in stopping]
                if not left:
                    return
                # DuckDB forgets an interrupt that comes before the query has begun: hence again.
                for interrupt in left:
                    with suppress(duckdb.Error):
                        interrupt()
                self._changed.wait(_AGAIN)
