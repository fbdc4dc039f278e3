"""Logs in by psycopg2, with retries."""

from __future__ import annotations

import time
from typing import Any

import psycopg2

from dvt.drivers.postgres.errors import connect_error
from dvt.drivers.postgres.settings import PostgresSettings

_RETRY_TIMEOUT = 4.0
"""Seconds after which a failed login is not tried again."""
_RETRY_PAUSE = 0.5
"""Seconds between two attempts to log in."""


def log_in(name: str, settings: PostgresSettings) -> Any:
    """Open a psycopg2 connection in autocommit, without a role; fails within seconds, with dvt's errors."""
    arguments: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "user": settings.user,
        "password": settings.password.get_secret_value() if settings.password else None,
        "dbname": settings.dbname,
        **settings.options(),
    }
    started = time.monotonic()
    for attempt in range(settings.retries + 1):
        try:
            connection: Any = psycopg2.connect(**arguments)
        except psycopg2.Error as error:
            failure = connect_error(name, settings.where, error)
            late = time.monotonic() - started + _RETRY_PAUSE > _RETRY_TIMEOUT
            if attempt == settings.retries or late or not failure.transient:
                raise failure from error
            time.sleep(_RETRY_PAUSE)
            continue
        connection.autocommit = True
        return connection
    raise AssertionError  # the last attempt has raised
