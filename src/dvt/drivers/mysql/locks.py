"""`consistent_reads: lock`: nobody writes while several statements begin, so that they see one moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dvt.drivers.mysql.cancel import Running
from dvt.drivers.mysql.connect import SideConnection

_DOING = "locking its tables for reading (consistent_reads: lock)"
_GLANCE = 0.02
_LONGEST_WAIT = 60
"""Seconds to wait for writers; meanwhile new ones wait behind us."""
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
_SENDING = frozenset(("sending to client", "writing to net"))
_CERTAIN = 1.0
"""A server names a statement's phase a moment before it opens its view of the data."""


@contextmanager
def read_lock(side: SideConnection, tables: Sequence[str], running: Running) -> Iterator[None]:
    """Hold a read lock on these (quoted) tables: waits for open transactions that wrote there."""
    side.rows(f"SET SESSION lock_wait_timeout = {_LONGEST_WAIT}", doing=_DOING)
    locks = ", ".join(f"{table} READ" for table in sorted(set(tables)))
    side.rows(f"/* {running.mark} */ LOCK TABLES {locks}", doing=_DOING, patience=_LONGEST_WAIT + 5)
    try:
        yield
    finally:
        side.rows("UNLOCK TABLES", doing=_DOING)


def wait_until_reading(side: SideConnection, statements: Sequence[Running], enough: threading.Event) -> None:
    """Return when each statement has ended or has its view of the data, or when `enough` is set."""
    first_seen: dict[Running, float] = {}
    waiting = list(statements)
    while waiting and not enough.wait(_GLANCE):
        states = _states(side)
        now = time.monotonic()
        waiting = [one for one in waiting if not _has_view(one, states, first_seen, now)]


def _has_view(
    one: Running, states: Sequence[tuple[str, str]], first_seen: dict[Running, float], now: float
) -> bool:
    if one.ended.is_set():
        return True
    state = next((state for state, info in states if one.mark in info), "")
    if state in _READING:
        first_seen.setdefault(one, now)
    return state in _SENDING or now - first_seen.get(one, now) >= _CERTAIN


def _states(side: SideConnection) -> list[tuple[str, str]]:
    sql = "SELECT LOWER(state), LEFT(info, 64) FROM information_schema.processlist WHERE info LIKE '%dvt %'"
    return [(str(state or ""), str(info)) for state, info in side.rows(sql, doing=_DOING)]
