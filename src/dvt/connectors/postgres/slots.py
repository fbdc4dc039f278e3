"""Limits the connections of an output; everything that opens one takes a slot first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Slots:
    """At most `limit` connections at once, except where waiting would never end. Thread-safe.

    A working connection gives its slot back by itself; one that only holds a snapshot does not. When all
    open connections are of that second kind, one more is allowed, so that the snapshot's owner can go on.
    """

    def __init__(self, limit: int) -> None:
        self._limit = max(limit, 1)
        self._changed = threading.Condition()
        self._working = 0
        self._holding = 0

    @property
    def free(self) -> int:
        """Slots that are free now; at least 1, since a waiting thread always gets one in the end."""
        with self._changed:
            return max(1, self._limit - self._working - self._holding)

    @contextmanager
    def work(self) -> Iterator[None]:
        """Wait for a connection to work with."""
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
        """Wait for a connection that only has to stay open."""
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
