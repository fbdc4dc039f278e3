"""`consistent_reads: lock`: read locks while several statements begin, so that all see the same snapshot."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dvt.drivers.mysql.cancel import RunningQuery
from dvt.drivers.mysql.side_connection import SideConnection

_DOING = "locking its tables for reading (consistent_reads: lock)"
_POLL_SECONDS = 0.02
"""Seconds between two looks at the server's process list."""
_LOCK_TIMEOUT = 60
"""Seconds to wait for open writes to end; new writers queue behind the lock meanwhile."""
_READING = frozenset(
    (
        "executing",
        "sending data",
        "sending to client",
        "writing to net",
        "creating tmp table",
        "copying to tmp table",
        "creating sort index",
        "sorting result",
        "sorting for group",
        "sorting for order",
        "removing duplicates",
    )
)
"""States, in the process list, of a statement that reads or is about to."""
_SENDING = frozenset(("sending to client", "writing to net"))
"""States of a statement that has its read view for certain, because it returns rows."""
_READ_VIEW_SECONDS = 1.0
"""Seconds in a `_READING` state after which a statement has its read view: the server sets the state a moment
before it opens the view."""


@contextmanager
def read_lock(side: SideConnection, tables: Sequence[str], running: RunningQuery) -> Iterator[None]:
    """Hold a read lock on tables (quoted names), once open transactions that wrote to them have ended."""
    side.rows(f"SET SESSION lock_wait_timeout = {_LOCK_TIMEOUT}", doing=_DOING)
    locks = ", ".join(f"{table} READ" for table in sorted(set(tables)))
    side.rows(f"/* {running.mark} */ LOCK TABLES {locks}", doing=_DOING, timeout=_LOCK_TIMEOUT + 5)
    try:
        yield
    finally:
        side.rows("UNLOCK TABLES", doing=_DOING)


def wait_until_reading(
    side: SideConnection, statements: Sequence[RunningQuery], given_up: threading.Event
) -> None:
    """Return when every statement has ended or has its read view, or when `given_up` is set."""
    first_reading: dict[RunningQuery, float] = {}
    waiting = list(statements)
    while waiting and not given_up.wait(_POLL_SECONDS):
        states = _states(side)
        now = time.monotonic()
        waiting = [query for query in waiting if not _has_read_view(query, states, first_reading, now)]


def _has_read_view(
    query: RunningQuery,
    states: Sequence[tuple[str, str]],
    first_reading: dict[RunningQuery, float],
    now: float,
) -> bool:
    if query.ended.is_set():
        return True
    state = next((state for state, info in states if query.mark in info), "")
    if state in _READING:
        first_reading.setdefault(query, now)
    return state in _SENDING or now - first_reading.get(query, now) >= _READ_VIEW_SECONDS


def _states(side: SideConnection) -> list[tuple[str, str]]:
    sql = "SELECT LOWER(state), LEFT(info, 64) FROM information_schema.processlist WHERE info LIKE '%dvt %'"
    return [(str(state or ""), str(info)) for state, info in side.rows(sql, doing=_DOING)]
