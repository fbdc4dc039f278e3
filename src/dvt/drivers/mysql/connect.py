"""Connections of our own, beside the scanner's: preflight, types, read locks, KILL QUERY. Few rows."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from dvt.core.errors import (
    ConnectFailed,
    ConnectionLost,
    DriverMissing,
    DvtError,
    LoginRefused,
    QueryFailed,
)
from dvt.drivers.mysql.settings import MySQLSettings

_LOGIN = frozenset({1045, 1130, 1251, 1275, 1524, 1698, 1862, 2059, 2061, 3118, 3159, 4151})
"""Access denied, host not allowed, authentication plugins, locked or expired accounts, TLS demanded."""
_NO_SCHEMA = frozenset({1044, 1049})
_BUSY = frozenset({1040, 1203, 1226})
_GONE = frozenset({0, 1053, 1077, 1927, 2006, 2013, 2014, 2027, 2055, 4031})
_DENIED = frozenset({1044, 1142, 1143, 1227, 1370})
_PATIENCE = 60.0
"""Seconds a question to the catalog may take, once the server has let us in."""


class SideConnection:
    """A server connection for questions and orders. Closed at the end of its `with`."""

    def __init__(self, name: str, settings: MySQLSettings, connection: Any) -> None:
        self._name = name
        self._settings = settings
        self._connection = connection

    @property
    def version(self) -> str:
        """As the server says it, e.g. `10.11.19-MariaDB-…`."""
        return str(self._connection.get_server_info())

    @property
    def is_mariadb(self) -> bool:
        """False for MySQL itself."""
        return "mariadb" in self.version.lower()

    def rows(
        self, sql: str, values: Sequence[Any] = (), *, doing: str, patience: float = _PATIENCE
    ) -> list[tuple[Any, ...]]:
        """Run one statement; all of its rows. No answer within `patience` seconds is an error."""
        import pymysql

        self._connection.wait_up_to(patience)
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql, tuple(values) or None)
                return list(cursor.fetchall())
        except (pymysql.Error, OSError) as error:
            raise failed(error, self._name, doing) from error


@contextmanager
def connect(name: str, settings: MySQLSettings) -> Iterator[SideConnection]:
    """Log in; a server that is down, silent or refuses is one error within `connect_timeout`."""
    opened = log_in(name, settings)
    with closing(opened):
        yield SideConnection(name, settings, opened)


def failed(error: BaseException, connection: str, doing: str) -> DvtError:
    """Our error for what PyMySQL raised while running a statement."""
    code, said = _said(error)
    if code in _GONE or isinstance(error, OSError):
        return ConnectionLost(connection, doing, said)
    hint = f"its user lacks a grant for {doing}" if code in _DENIED else ""
    return QueryFailed(connection, doing, said, hint)


def log_in(name: str, settings: MySQLSettings, **more: Any) -> Any:
    """PyMySQL's connection; `more` are words of PyMySQL's for other purposes than a side connection's."""
    try:
        import pymysql
    except ImportError as error:
        raise DriverMissing("PyMySQL", "pip install 'dvt-engine[mysql]'") from error
    try:
        return _patient()(**(_words(settings) | _tls(settings) | more))
    except (pymysql.Error, OSError, ValueError) as error:
        raise _refused(error, name, settings) from error
    except RuntimeError as error:  # PyMySQL's, when `cryptography` is missing
        raise DriverMissing("cryptography", "pip install 'dvt-engine[mysql]'") from error


def _words(settings: MySQLSettings) -> dict[str, Any]:
    return {
        "host": settings.host,
        "port": settings.port,
        "user": settings.user,
        # As bytes: PyMySQL would encode text as latin1, other clients send UTF-8.
        "password": settings.password.get_secret_value().encode(),
        "database": settings.schema_,
        "charset": "utf8mb4",
        "autocommit": True,
        "program_name": "dvt",
        "connect_timeout": settings.connect_timeout,
        "read_timeout": settings.connect_timeout,
        "write_timeout": settings.connect_timeout,
        "init_command": "SET SESSION sql_mode = '', time_zone = '+00:00'",
    }


def _patient() -> Any:
    """PyMySQL's connection, whose patience can change: little to log in, more for answers."""
    import pymysql.connections

    class Patient(pymysql.connections.Connection):  # type: ignore[type-arg,unused-ignore]
        def wait_up_to(self, seconds: float | None) -> None:
            self._read_timeout = self._write_timeout = seconds

    return Patient


def _tls(settings: MySQLSettings) -> dict[str, Any]:
    """PyMySQL's words for what `ssl_mode` says to the scanner."""
    if settings.ssl_ca:
        return {"ssl": _verifying(settings)}
    if settings.ssl_disabled is None:
        return {}  # encrypted if the server can
    return {"ssl_disabled": True} if settings.ssl_disabled else {"ssl": {"verify_mode": False}}


def _verifying(settings: MySQLSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ssl_ca)
    # Certificates that MySQL makes for itself lack what Python 3.13 has come to demand.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if settings.ssl_cert:
        # An empty password: a key that has one is an error instead of a question on the terminal.
        context.load_cert_chain(settings.ssl_cert, settings.ssl_key, password="")
    return context


def _refused(error: BaseException, name: str, settings: MySQLSettings) -> DvtError:
    code, said = _said(error)
    if code in _LOGIN:
        return LoginRefused(name, settings.where, said)
    if code in _NO_SCHEMA:
        return ConnectFailed(name, settings.where, said, "is `schema` of this output right, and granted?")
    if code in _BUSY:
        return ConnectFailed(
            name, settings.where, said, "run fewer --threads, or let the user connect more often"
        )
    cause = getattr(error, "original_exception", None) or error
    if isinstance(cause, ssl.SSLError):
        return ConnectFailed(name, settings.where, _tls_problem(cause), "check ssl_ca, ssl_cert and ssl_key")
    if isinstance(cause, TimeoutError):
        waited = f"no answer within {settings.connect_timeout:g} s"
        return ConnectFailed(name, settings.where, waited)
    return ConnectFailed(name, settings.where, said)


def _tls_problem(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate was refused: {error.verify_message}"
    return f"no TLS with it: {error.reason or error}"


def _said(error: BaseException) -> tuple[int, str]:
    """The server's code and words; our own for what is no server's."""
    if len(error.args) >= 2 and isinstance(error.args[0], int):  # noqa: PLR2004
        return error.args[0], str(error.args[1])
    return -1, str(error) or type(error).__name__
