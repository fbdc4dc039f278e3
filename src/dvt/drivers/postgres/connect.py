"""Connections of psycopg2, beside the scanner's: they describe tables, hold a snapshot, cancel and load."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from dvt.drivers.postgres.errors import as_dvt_errors
from dvt.drivers.postgres.login import log_in
from dvt.drivers.postgres.names import quoted
from dvt.drivers.postgres.settings import PostgresSettings
from dvt.drivers.postgres.silence import watch_connection

SESSION_SETTINGS = (
    "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, MDY'; SET LOCAL IntervalStyle = 'postgres'; "
    "SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; "
    "SET LOCAL standard_conforming_strings = on; SET LOCAL idle_in_transaction_session_timeout = 0"
)
"""SQL: sets, until the transaction ends, all that values' texts and comparisons depend on;
`statement_timeout` stays the user's."""
CANCEL_IF_CLIENT_DIES = (
    "SELECT set_config('client_connection_check_interval', '1s', false) "
    "WHERE current_setting('server_version_num')::integer >= 140000 AND version() LIKE '%linux%'"
)
"""SQL: makes the server end a statement within a second of its client's death. Otherwise the last statement
of a killed run goes on, and holds its locks, for as long as it takes. Servers before 14 or not on Linux may
not support it."""
BACKEND = (
    "SELECT pid, to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') AS started "
    "FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()"
)
"""SQL: process id and start of the connection's backend. Run it before SET ROLE: the role may not be allowed
to see the backend."""


def connect(name: str, settings: PostgresSettings, *, is_sending: Callable[[], bool] = lambda: False) -> Any:
    """Open a psycopg2 connection in autocommit, without a role; fails within seconds, with dvt's errors.

    A statement ends with an error if the server freezes meanwhile. `is_sending` returns whether the server
    waits for this process, as COPY does for rows.
    """
    connection = log_in(name, settings)
    watch_connection(connection, name, settings, is_sending=is_sending)
    return connection


def session_statements(settings: PostgresSettings, scope: str = "") -> list[str]:
    """Return the statements that prepare a session: end with its client, set role and search path.

    `scope` is empty or LOCAL.
    """
    statements = [CANCEL_IF_CLIENT_DIES]
    if settings.role:
        statements.append(f"SET {scope} ROLE {quoted(settings.role)}")
    if settings.search_path:
        statements.append(f"SET {scope} search_path = {settings.search_path}")
    return statements


def transaction_statements(settings: PostgresSettings) -> list[str]:
    """Return the statements that prepare a transaction that moves rows."""
    return [*session_statements(settings, "LOCAL"), SESSION_SETTINGS]


@contextmanager
def open_session(name: str, settings: PostgresSettings) -> Iterator[Any]:
    """Yield a cursor of a new connection in the output's role; the connection ends with the block."""
    with closing(connect(name, settings)) as connection, connection.cursor() as cursor:
        with as_dvt_errors(name=name, doing="opening a session"):
            for statement in session_statements(settings):
                cursor.execute(statement)
        yield cursor
