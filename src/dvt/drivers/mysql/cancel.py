"""Cancels queries from a second connection, which finds them by a mark in the server's process list."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from dvt.core.errors import QueryFailed
from dvt.drivers.mysql.settings import MySQLSettings
from dvt.drivers.mysql.side_connection import SideConnection, connect
from dvt.drivers.network.silence import hang_up

_DOING = "cancelling its queries"
_POLL_SECONDS = 0.02
"""Seconds between two KILLs of a query that has not ended."""
_CANCEL_TIMEOUT = 5.0
"""Seconds after which a query that does not end is left to the server."""


class RunningQuery:
    """One query, registered before it is sent: its mark, and whether it is to stop and has ended."""

    def __init__(self) -> None:
        self.mark = f"dvt {secrets.token_hex(8)}"
        self.stopped = threading.Event()
        self.ended = threading.Event()
        self.cursor: Any = None
        """The DuckDB cursor that waits for the query's rows, or sends them."""
        self.connection: int | None = None
        """The server's id of the connection that runs the query; None if only the mark identifies it."""


class RunningQueries:
    """All queries that a connector has under way on its server. Thread-safe."""

    def __init__(self, name: str, settings: MySQLSettings) -> None:
        self._name = name
        self._settings = settings
        self._lock = threading.Lock()
        self._tracked: set[RunningQuery] = set()

    @contextmanager
    def track(self, queries: Iterable[RunningQuery]) -> Iterator[None]:
        """Let `cancel` stop these queries within the block, whether or not they have begun."""
        tracked = set(queries)
        with self._lock:
            self._tracked |= tracked
        try:
            yield
        finally:
            with self._lock:
                self._tracked -= tracked

    def cancel(self, *only: RunningQuery) -> None:
        """Stop the given queries, or all; return when they have ended, or after `_CANCEL_TIMEOUT`."""
        with self._lock:
            queries = set(only) or set(self._tracked)
        for query in queries:
            query.stopped.set()
            cursor = query.cursor
            if cursor is not None:
                cursor.interrupt()  # takes effect with the next rows; KILL makes them come
        if any(not query.ended.is_set() for query in queries):
            try:
                with connect(self._name, self._settings) as side:
                    _stop(side, queries)
            finally:
                if any(not query.ended.is_set() for query in queries):
                    hang_up(self._name)  # no KILL has reached the server, or its end does not arrive


def _stop(side: SideConnection, queries: Iterable[RunningQuery]) -> None:
    """Kill the queries until all have ended.

    One KILL is not enough: a statement may still be on its way to the server when it is first looked for.
    """
    deadline = time.monotonic() + _CANCEL_TIMEOUT
    while time.monotonic() < deadline:
        unfinished = [query for query in queries if not query.ended.is_set()]
        if not unfinished:
            return
        for query in unfinished:
            _kill(side, query)
        unfinished[0].ended.wait(_POLL_SECONDS)


def _kill(side: SideConnection, query: RunningQuery) -> None:
    # KILL CONNECTION, not KILL QUERY: a server that waits for its client to read notices only the former.
    # Every query has a connection of its own, so no other query is hit.
    for connection_id in _connections(side, query):
        with suppress(QueryFailed):  # the connection has ended meanwhile
            side.rows(f"KILL CONNECTION {connection_id}", doing=_DOING)


def _connections(side: SideConnection, query: RunningQuery) -> list[int]:
    if query.connection is not None:
        return [query.connection]
    sql = "SELECT id FROM information_schema.processlist WHERE info LIKE %s AND id <> CONNECTION_ID()"
    return [int(connection_id) for (connection_id,) in side.rows(sql, [f"%{query.mark}%"], doing=_DOING)]
