"""Limits the connections of an output; everything that opens one takes a slot first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Slots:
    """At most `limit` connections at once, unless waiting would never end. Thread-safe.

    A connection that works gives its slot back in the end. One that holds a snapshot may keep its slot until
    its owner has got another, to read with. So if only such connections are open, one more may work.
    """

    def __init__(self, limit: int) -> None:
        self._limit = max(limit, 1)
        self._changed = threading.Condition()
        self._working = 0
        self._holding = 0

    @property
    def free(self) -> int:
        """Number of free slots; at least 1, since a thread that waits always gets a slot in the end."""
        with self._changed:
            return max(1, self._limit - self._working - self._holding)

    @contextmanager
    def work(self) -> Iterator[None]:
        """Wait for a slot, and take it for a connection that works."""
        with self._changed:
            self._changed.wait_for(self._may_begin)
            self._working += 1
        try:
            yield
        finally:
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Wait for a slot, and take it for a connection that only stays open."""
        with self._changed:
            self._changed.wait_for(self._may_begin)
            self._holding += 1
        try:
            yield
        finally:
            with self._changed:
                self._holding -= 1
                self._changed.notify_all()

    def _may_begin(self) -> bool:
        return self._working + self._holding < self._limit or self._working == 0
