"""Connections of Amazon's client, each with the session that values' texts depend on."""

from __future__ import annotations

import logging
import time
import warnings
from contextlib import suppress
from traceback import walk_tb
from typing import Any

from dvt.core.errors import DriverMissing
from dvt.drivers.redshift.errors import as_dvt_errors, client_errors, connect_error
from dvt.drivers.redshift.names import quoted
from dvt.drivers.redshift.settings import RedshiftSettings

SESSION = (
    "SET timezone TO 'UTC'",
    "SET datestyle TO 'ISO, MDY'",
    "SET extra_float_digits TO 2",
)
"""SQL: sets all that values' texts depend on; `statement_timeout` stays the user's."""

_RETRY_PAUSE = 0.5
"""Seconds between two attempts to log in."""

# At this level the client writes statements, with the credentials in them, to Python's log.
logging.getLogger("redshift_connector").setLevel(logging.INFO)


class Session:
    """An open connection in autocommit: BEGIN, COMMIT and ROLLBACK are statements."""

    def __init__(self, name: str, connection: Any) -> None:
        self.name = name
        self._connection = connection
        self._cursor = connection.cursor()
        (self.backend,) = self.rows("SELECT pg_backend_pid()")[0]
        """The session's process id."""

    def run(self, sql: str) -> None:
        """Run a statement, whose rows are of no interest; raises the client's errors."""
        self._cursor.execute(sql)
        self._connection._caches.clear()  # noqa: SLF001  the client keeps every statement's text, of 1 MB or more

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query, and return its few rows; raises the client's errors."""
        self._cursor.execute(sql)
        return [tuple(row) for row in self._cursor.fetchall()]

    @property
    def types(self) -> list[tuple[str, int]]:
        """Names of the last answer's columns, and the oids of their types."""
        return [(_text(column[0]), int(column[1])) for column in self._cursor.description]

    def close(self) -> None:
        """Close the connection."""
        _close(self._connection)


def connect(name: str, settings: RedshiftSettings) -> Session:
    """Log in, and set up the session, in the output's role."""
    try:
        import redshift_connector
    except ImportError as error:
        raise DriverMissing(
            "redshift_connector", "dvt sync, or pip install 'dvt-engine[redshift]'"
        ) from error
    connection = _logged_in(redshift_connector, name, settings)
    try:
        connection._usock.settimeout(None)  # noqa: SLF001  the client takes it for that of every answer
        connection.autocommit = True
        with as_dvt_errors(name=name, doing="opening a session"):
            session = Session(name, connection)
            for statement in SESSION:
                session.run(statement)
            if settings.role:
                session.run(f"SET ROLE {quoted(settings.role)}")
    except BaseException:
        _close(connection)
        raise
    return session


def _logged_in(client: Any, name: str, settings: RedshiftSettings) -> Any:
    """Log in, with retries; fails with dvt's errors."""
    for attempt in range(settings.retries + 1):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what the client deprecates is nobody's business here
                return client.connect(**settings.arguments())
        except Exception as error:  # noqa: BLE001  by IAM, it raises errors of boto3, too
            failure = connect_error(name, settings.where, error)
            _close_unopened(client, error)
            if attempt == settings.retries or not failure.transient:
                raise failure from None  # the client's own may show the arguments
            time.sleep(_RETRY_PAUSE)
    raise AssertionError  # the last attempt has raised


def _close(connection: Any) -> None:
    """Close a connection, and its socket where the client leaves that open after an error."""
    stream = connection._sock  # noqa: SLF001  the client forgets it, while its other attributes refer to it
    with suppress(*client_errors()):
        connection.close()
    with suppress(OSError, AttributeError):  # it may not be there yet
        stream.close()


def _close_unopened(client: Any, error: BaseException) -> None:
    """Close the socket of a login that failed: the client leaves it open, and has given it to nobody."""
    for frame, _ in walk_tb(error.__traceback__):
        connection = frame.f_locals.get("self")
        if isinstance(connection, client.Connection):
            with suppress(AttributeError):  # there is none yet
                _close(connection)
            return


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
