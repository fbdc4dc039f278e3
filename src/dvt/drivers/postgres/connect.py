"""Small connections of our own: looking at tables, holding a snapshot, cancelling, loading."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2

from dvt.drivers.postgres import errors
from dvt.drivers.postgres.names import quoted
from dvt.drivers.postgres.settings import PostgresSettings

PINNED = (
    "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, MDY'; SET LOCAL IntervalStyle = 'postgres'; "
    "SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; "
    "SET LOCAL standard_conforming_strings = on; SET LOCAL idle_in_transaction_session_timeout = 0"
)
"""What a text or a comparison could depend on; `statement_timeout` stays the user's."""
ENDS_WITH_ITS_CLIENT = (
    "SELECT set_config('client_connection_check_interval', '1s', false) "
    "WHERE current_setting('server_version_num')::integer >= 140000 AND version() LIKE '%linux%'"
)
"""Lets the server notice in the middle of a statement that who asked for it is dead: a killed run's last
statement would go on, and hold its locks, for as long as it takes. Servers elsewhere may not know how."""
_ENOUGH = 4.0
_PAUSE = 0.5


def connect(name: str, settings: PostgresSettings) -> Any:
    """A psycopg2 connection in autocommit, as who logs in; fails within seconds, with our errors."""
    words: dict[str, Any] = {
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
            connection: Any = psycopg2.connect(**words)
        except psycopg2.Error as error:
            found = errors.connecting(name, settings.where, error)
            late = time.monotonic() - started + _PAUSE > _ENOUGH
            if attempt == settings.retries or late or not found.transient:
                raise found from error
            time.sleep(_PAUSE)
            continue
        connection.autocommit = True
        return connection
    raise AssertionError  # the last attempt has raised


BACKEND = (
    "SELECT pid, to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') AS started "
    "FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()"
)
"""Who is at the other end; to be asked before a role is taken, which may not see it."""


def session(settings: PostgresSettings, scope: str = "") -> list[str]:
    """Statements that make a session the user's own; `scope` is empty or LOCAL."""
    statements = [ENDS_WITH_ITS_CLIENT]
    if settings.role:
        statements.append(f"SET {scope} ROLE {quoted(settings.role)}")
    if settings.search_path:
        statements.append(f"SET {scope} search_path = {settings.search_path}")
    return statements


@contextmanager
def session_of(name: str, settings: PostgresSettings) -> Iterator[Any]:
    """A cursor of a connection that ends with the block, in the user's role."""
    with closing(connect(name, settings)) as connection, connection.cursor() as cursor:
        with errors.translated(name=name, doing="opening a session"):
            for statement in session(settings):
                cursor.execute(statement)
        yield cursor
