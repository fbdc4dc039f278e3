"""Connections of our own, beside the scanner's: preflight, types, read locks, KILL QUERY, loads."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dvt.core.errors import (
    ConnectFailed,
    ConnectionLost,
    DriverMissing,
    DvtError,
    LoginRefused,
    QueryFailed,
)
from dvt.drivers.mysql.flavour import Flavour, flavour
from dvt.drivers.mysql.losses import Warned, refused, warned
from dvt.drivers.mysql.settings import MySQLSettings

if TYPE_CHECKING:
    from dvt.drivers.mysql.wire import Sent

_LOGIN = frozenset({1045, 1130, 1251, 1275, 1524, 1698, 1862, 2059, 2061, 3118, 3159, 4151})
"""Access denied, host not allowed, authentication plugins, locked or expired accounts, TLS demanded."""
_NO_SCHEMA = frozenset({1044, 1049})
_BUSY = frozenset({1040, 1203, 1226})
_GONE = frozenset({0, 1053, 1077, 1927, 2006, 2013, 2014, 2027, 2055, 4031})
_DENIED = frozenset({1044, 1142, 1143, 1227, 1370})
_LOCAL_FILES = 128
"""The client's word, in the protocol, that it may be asked for files."""
_NO_LOCAL_FILES = frozenset({1148, 3948, 3950, 4166})
"""`local_infile` is off on the server."""
_PATIENCE = 60.0
"""Seconds a question to the catalog may take, once the server has let us in."""
LONG = 3600.0
"""Seconds for a statement that moves rows, and for each side to wait for the other meanwhile."""
_QUESTIONS = "SET SESSION sql_mode = '', time_zone = '+00:00'"
_LOADS = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,NO_ENGINE_SUBSTITUTION', "
    "time_zone = '+00:00', sql_notes = 1, max_error_count = 64, "
    f"net_read_timeout = {LONG:.0f}, net_write_timeout = {LONG:.0f}"
)
"""Whatever the server is set to: values are refused and not bent, and every warning is counted."""


class SideConnection:
    """A server connection for questions and orders. Closed at the end of its `with`."""

    def __init__(self, name: str, settings: MySQLSettings, connection: Any) -> None:
        self._name = name
        self._settings = settings
        self._connection = connection

    @property
    def flavour(self) -> Flavour:
        """What the server is."""
        return flavour(self._connection.get_server_info())

    @property
    def is_mariadb(self) -> bool:
        """False for MySQL itself."""
        return self.flavour.is_mariadb

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


@dataclass(frozen=True, slots=True)
class About:
    """What a statement that writes is for, as errors say it."""

    doing: str
    table: str
    columns: tuple[str, ...]


class LoadConnection(SideConnection):
    """One that writes rows: a statement with a warning is an error, since it changed a value."""

    def insert(self, sql: bytes, about: About) -> int:
        """Run an INSERT; how many rows it made."""
        return self._written(lambda wire: wire.send(sql), about)

    def load(self, sql: str, file: str, read: Callable[[int], bytes], about: About) -> int | None:
        """Run a LOAD DATA LOCAL INFILE of the file so named, which holds what `read` gives; the rows it made.

        None when the server takes no such files: nothing was read then.
        """
        import pymysql

        try:
            return self._written(lambda wire: wire.send_file(sql, file, read), about)
        except QueryFailed as error:
            cause = error.__cause__
            if isinstance(cause, pymysql.Error) and _said(cause)[0] in _NO_LOCAL_FILES:
                return None
            raise

    def _written(self, write: Callable[[Any], Sent], about: About) -> int:
        import pymysql

        self._connection.wait_up_to(LONG)
        try:
            rows, warnings = write(self._connection)
        except pymysql.Error as error:
            lost = refused(*_said(error), about.table, about.columns)
            raise lost or failed(error, self._name, about.doing) from error
        if warnings:
            shown = [Warned(*one) for one in self.rows("SHOW WARNINGS", doing=about.doing)]
            if lost := warned(warnings, shown, about.table, about.columns):
                raise lost
        return rows


@contextmanager
def connect(name: str, settings: MySQLSettings) -> Iterator[SideConnection]:
    """Log in; a server that is down, silent or refuses is one error within `connect_timeout`."""
    with closing(log_in(name, settings)) as opened:
        yield SideConnection(name, settings, opened)


@contextmanager
def connect_to_load(
    name: str, settings: MySQLSettings, stopped: Callable[[], bool] | None = None
) -> Iterator[LoadConnection]:
    """The same, for rows that are written; none is sent any more once `stopped` says so."""
    with closing(log_in(name, settings, init_command=_LOADS, client_flag=_LOCAL_FILES)) as opened:
        opened.stopped = stopped
        yield LoadConnection(name, settings, opened)


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

        from dvt.drivers.mysql.wire import Wire
    except ImportError as error:
        raise DriverMissing("PyMySQL", "pip install 'dvt-engine[mysql]'") from error
    try:
        return Wire(**(_words(settings) | _tls(settings) | more))
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
        "init_command": _QUESTIONS,
    }


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
