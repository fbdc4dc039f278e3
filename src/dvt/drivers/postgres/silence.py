"""Asks a silent server whether it still computes, which tells a long query from a frozen connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any
from weakref import WeakSet

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_ACTIVE

from dvt.core.errors import ConnectFailed, DvtError
from dvt.drivers.network.silence import Line, watch
from dvt.drivers.network.sockets import Socket, socket_of
from dvt.drivers.postgres.login import log_in
from dvt.drivers.postgres.settings import PostgresSettings

_ATTEMPTS = 2
"""How often the server is tried before it counts as out of reach."""
_PAUSE = 1.0
"""Seconds between two attempts."""
_STATE = (
    "SELECT pg_catalog.pg_backend_pid(), (SELECT state IS NULL OR"
    " (state NOT LIKE 'idle%%' AND wait_event_type IS DISTINCT FROM 'Client')"
    " FROM pg_catalog.pg_stat_activity WHERE pid = %s)"
)
"""SQL: this session's process id; whether the backend works, without waiting for its client; NULL if it has
ended."""

_CONNECTIONS: WeakSet[Any] = WeakSet()
"""All psycopg2 connections that are watched, and may be open."""


def connection_sockets() -> list[Socket]:
    """Return the sockets of all watched psycopg2 connections."""
    numbers = [connection.fileno() for connection in list(_CONNECTIONS) if not connection.closed]
    return [found for number in numbers if (found := socket_of(number)) is not None]


def computes(name: str, settings: PostgresSettings, backend: int) -> bool:
    """Whether a backend works on an answer, or cannot be asked because a pooler stands between.

    False for a backend that has nothing to do, has ended, or waits for its client, and for a server that is
    out of reach.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return _computes(name, settings, backend)
        except (psycopg2.Error, DvtError) as error:
            if _answered(error):
                return True
            if attempt < _ATTEMPTS - 1:
                time.sleep(_PAUSE)
    return False


def _computes(name: str, settings: PostgresSettings, backend: int) -> bool:
    with closing(log_in(name, settings)) as connection, bounded(connection, settings.connect_timeout):
        with connection.cursor() as cursor:
            cursor.execute(_STATE, (backend,))
            own, working = cursor.fetchone()
        return bool(working) or own != connection.info.backend_pid


def _answered(error: Exception) -> bool:
    """Whether it was the server that refused: it is alive, and may compute."""
    if isinstance(error, psycopg2.Error):
        return error.pgcode is not None
    return not isinstance(error, ConnectFailed) or error.refused


@contextmanager
def bounded(connection: Any, seconds: float) -> Iterator[None]:
    """Hang up after some seconds: a server may freeze once more while it is asked."""
    own = socket_of(connection.fileno())
    timer = threading.Timer(seconds, own.hang_up if own else connection.cancel)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def watch_connection(
    connection: Any,
    name: str,
    settings: PostgresSettings,
    *,
    is_sending: Callable[[], bool] = lambda: False,
    keep_alive: bool = False,
) -> None:
    """Watch a psycopg2 connection until it is closed; an answer is owed while it runs a statement.

    `keep_alive`: also set TCP keepalive, as `PostgresSettings.options` does for dvt's own.
    """
    own = socket_of(connection.fileno())
    if own is None:
        return
    _CONNECTIONS.add(connection)
    if keep_alive and settings.keepalives_idle:
        own.keep_alive(settings.keepalives_idle)
    backend = connection.info.backend_pid

    def is_owed() -> bool:
        return connection.info.transaction_status == TRANSACTION_STATUS_ACTIVE and not is_sending()

    def frozen(silent: Sequence[Socket]) -> Sequence[Socket]:
        return () if computes(name, settings, backend) else silent

    watch(
        Line(
            output=name,
            timeout=settings.read_timeout,
            sockets=lambda: (own,),
            is_owed=is_owed,
            frozen=frozen,
            is_over=lambda: bool(connection.closed),
        )
    )
