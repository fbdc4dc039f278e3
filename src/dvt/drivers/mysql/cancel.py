"""Stopping queries from the side: each carries a mark, which the server's list of processes shows."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from dvt.core.errors import QueryFailed
from dvt.drivers.mysql.connect import SideConnection, connect
from dvt.drivers.mysql.settings import MySQLSettings

_DOING = "cancelling its queries"
_GLANCE = 0.02
_PATIENCE = 5.0
"""Seconds until a query that does not end is left to the server."""


class Running:
    """One query, from before it is sent: its mark, and whether it was asked to stop."""

    def __init__(self) -> None:
        self.mark = f"dvt {secrets.token_hex(8)}"
        self.stopped = threading.Event()
        self.ended = threading.Event()
        self.cursor: Any = None
        """The DuckDB cursor that waits for its rows, or sends them."""
        self.connection: int | None = None
        """The server's number of the connection it runs on, where that is known."""


class Queries:
    """What a connector has under way on its server. Thread-safe."""

    def __init__(self, name: str, settings: MySQLSettings) -> None:
        self._name = name
        self._settings = settings
        self._lock = threading.Lock()
        self._tracked: set[Running] = set()

    @contextmanager
    def track(self, queries: Iterable[Running]) -> Iterator[None]:
        """Within it, these queries may be stopped, begun or not."""
        mine = set(queries)
        with self._lock:
            self._tracked |= mine
        try:
            yield
        finally:
            with self._lock:
                self._tracked -= mine

    def cancel(self, *only: Running) -> None:
        """Stop these queries, or all: returns when they have ended, or after a few seconds."""
        with self._lock:
            asked = set(only) or set(self._tracked)
        for one in asked:
            one.stopped.set()
            cursor = one.cursor
            if cursor is not None:
                cursor.interrupt()  # takes effect with the next rows; KILL makes them come
        if any(not one.ended.is_set() for one in asked):
            with connect(self._name, self._settings) as side:
                _stop(side, asked)


def _stop(side: SideConnection, asked: Iterable[Running]) -> None:
    """Again and again: a statement may be on its way to the server when it is first looked for."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        waiting = [one for one in asked if not one.ended.is_set()]
        if not waiting:
            return
        for one in waiting:
            _kill(side, one)
        waiting[0].ended.wait(_GLANCE)


def _kill(side: SideConnection, one: Running) -> None:
    # Its connection, not the query alone: a server that waits for a reader notices only that. None of
    # these connections is used twice, so this hits nobody else.
    for found in _connections(side, one):
        with suppress(QueryFailed):  # it has ended meanwhile
            side.rows(f"KILL CONNECTION {found}", doing=_DOING)


def _connections(side: SideConnection, one: Running) -> list[int]:
    if one.connection is not None:
        return [one.connection]
    find = "SELECT id FROM information_schema.processlist WHERE info LIKE %s AND id <> CONNECTION_ID()"
    return [int(found) for (found,) in side.rows(find, [f"%{one.mark}%"], doing=_DOING)]
