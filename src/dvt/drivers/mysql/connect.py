"""Connections of PyMySQL, beside the scanner's: describe tables, hold read locks, kill, load."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from dvt.core.errors import (
    ConnectFailed,
    ConnectionFrozen,
    ConnectionLost,
    DriverMissing,
    DvtError,
    LoginRefused,
    QueryFailed,
)
from dvt.drivers.mysql.flavour import Flavour, flavour_of
from dvt.drivers.mysql.losses import ServerWarning, error_for_code, error_for_warnings
from dvt.drivers.mysql.settings import MySQLSettings
from dvt.drivers.mysql.silence import Processes, line_of_wire
from dvt.drivers.network.silence import seconds_of_silence, watch

if TYPE_CHECKING:
    from dvt.drivers.mysql.wire import Sent, Wire

_LOGIN = frozenset({1045, 1130, 1251, 1275, 1524, 1698, 1862, 2059, 2061, 3118, 3159, 4151})
"""Codes: access denied, host not allowed, authentication plugin, locked or expired account, TLS required."""
_NO_SCHEMA = frozenset({1044, 1049})
"""Codes: no access to the schema, or there is none of that name."""
_TOO_MANY_CONNECTIONS = frozenset({1040, 1203, 1226})
"""Codes: the server's or the user's limit of connections is reached."""
_CONNECTION_LOST = frozenset({0, 1053, 1077, 1927, 2006, 2013, 2014, 2027, 2055, 4031})
"""Codes: the connection has ended."""
_DENIED = frozenset({1044, 1142, 1143, 1227, 1370})
"""Codes: the user lacks a grant."""
_LOCAL_FILES = 128
"""Flag of the protocol: the server may ask the client for files."""
_NO_LOCAL_FILES = frozenset({1148, 3948, 3950, 4166})
"""Codes: `local_infile` is off on the server."""
_CATALOG_TIMEOUT = 60.0
"""Seconds that a query of the catalog may take, once logged in."""
LOAD_TIMEOUT = 3600.0
"""Seconds that a statement which moves rows may take, and that client and server then wait for each other."""
_READ_SESSION = "SET SESSION sql_mode = '', time_zone = '+00:00'"
"""SQL: prepares a connection that reads: UTC, and no sql_mode that changes the meaning of SQL."""
_LOAD_SESSION = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,NO_ENGINE_SUBSTITUTION', "
    "time_zone = '+00:00', sql_notes = 1, max_error_count = 64, "
    f"net_read_timeout = {LOAD_TIMEOUT:.0f}, net_write_timeout = {LOAD_TIMEOUT:.0f}"
)
"""SQL: prepares a connection that writes: the server refuses values that do not fit, and counts warnings."""


class SideConnection:
    """A server connection for small queries and commands. Closed at the end of its `with`."""

    def __init__(self, name: str, settings: MySQLSettings, connection: Any) -> None:
        self._name = name
        self._settings = settings
        self._connection = connection

    @property
    def number(self) -> int:
        """The server's number of this connection, as it said at the login."""
        return int(self._connection.thread_id())

    @property
    def connect_timeout(self) -> float:
        """Seconds in which this server should answer what costs it nothing."""
        return self._settings.connect_timeout

    @property
    def flavour(self) -> Flavour:
        """The server's product, version and what follows from them."""
        return flavour_of(self._connection.get_server_info())

    @property
    def is_mariadb(self) -> bool:
        """True for MariaDB, False for MySQL."""
        return self.flavour.is_mariadb

    def rows(
        self, sql: str, values: Sequence[Any] = (), *, doing: str, timeout: float = _CATALOG_TIMEOUT
    ) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows; raise after `timeout` seconds without an answer."""
        import pymysql

        self._connection.set_timeout(timeout)
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql, tuple(values) or None)
                return list(cursor.fetchall())
        except (pymysql.Error, OSError) as error:
            raise translate(error, self._name, doing) from error


@dataclass(frozen=True, slots=True)
class LoadStatement:
    """A statement that writes rows, as errors describe it."""

    doing: str
    table: str
    columns: tuple[str, ...]


class LoadConnection(SideConnection):
    """A connection that writes rows. A statement with a warning raises: the server has changed a value."""

    def insert(self, sql: bytes, statement: LoadStatement) -> int:
        """Run an INSERT and return the number of rows it inserted."""
        return self._write(lambda wire: wire.send(sql), statement)

    def load(self, sql: str, file: str, read: Callable[[int], bytes], statement: LoadStatement) -> int | None:
        """Run a LOAD DATA LOCAL INFILE whose file is named `file` and holds what `read` returns.

        Return the number of rows loaded, or None if the server accepts no local files; nothing is read then.
        """
        import pymysql

        try:
            return self._write(lambda wire: wire.send_file(sql, file, read), statement)
        except QueryFailed as error:
            cause = error.__cause__
            if isinstance(cause, pymysql.Error) and _code_and_message(cause)[0] in _NO_LOCAL_FILES:
                return None
            raise

    def _write(self, send: Callable[[Any], Sent], statement: LoadStatement) -> int:
        """Send a statement and return its rows; raise dvt's error for an error or a warning about values."""
        import pymysql

        self._connection.set_timeout(LOAD_TIMEOUT)
        try:
            rows, warnings = send(self._connection)
        except pymysql.Error as error:
            value_error = error_for_code(*_code_and_message(error), statement.table, statement.columns)
            raise value_error or translate(error, self._name, statement.doing) from error
        if warnings:
            shown = [ServerWarning(*row) for row in self.rows("SHOW WARNINGS", doing=statement.doing)]
            if value_error := error_for_warnings(warnings, shown, statement.table, statement.columns):
                raise value_error
        return rows


@contextmanager
def connect(name: str, settings: MySQLSettings) -> Iterator[SideConnection]:
    """Log in. Raise within `connect_timeout` if the server is down, does not answer or refuses.

    For short questions: after that, statements may wait for their own time limits.
    """
    with closing(log_in(name, settings)) as connection:
        yield SideConnection(name, settings, connection)


@contextmanager
def connect_watched(name: str, settings: MySQLSettings) -> Iterator[SideConnection]:
    """Log in as `connect` does; the connection is ended if the server freezes while it owes an answer."""
    with closing(log_in(name, settings)) as connection:
        watch_wire(name, settings, connection)
        yield SideConnection(name, settings, connection)


@contextmanager
def connect_to_load(
    name: str, settings: MySQLSettings, stopped: Callable[[], bool] | None = None
) -> Iterator[LoadConnection]:
    """Log in to write rows; sending ends once `stopped` returns True."""
    with closing(log_in(name, settings, init_command=_LOAD_SESSION, client_flag=_LOCAL_FILES)) as connection:
        connection.stopped = stopped
        watch_wire(name, settings, connection)
        yield LoadConnection(name, settings, connection)


def watch_wire(name: str, settings: MySQLSettings, wire: Wire) -> None:
    """Watch a connection of PyMySQL until it is closed: end it if the server freezes."""
    watch(line_of_wire(name, settings, wire, Processes(partial(connect, name, settings))))


def translate(error: BaseException, connection: str, doing: str) -> DvtError:
    """Return dvt's error for what PyMySQL raised while running a statement."""
    code, message = _code_and_message(error)
    if code in _CONNECTION_LOST or isinstance(error, OSError):
        if (seconds := seconds_of_silence(connection)) is not None:
            return ConnectionFrozen(connection, doing, seconds)
        return ConnectionLost(connection, doing, message)
    hint = f"its user lacks a grant for {doing}" if code in _DENIED else ""
    return QueryFailed(connection, doing, message, hint)


def log_in(name: str, settings: MySQLSettings, **overrides: Any) -> Any:
    """Open a connection of PyMySQL; `overrides` replace arguments that a side connection has."""
    try:
        import pymysql

        from dvt.drivers.mysql.wire import Wire
    except ImportError as error:
        raise DriverMissing("PyMySQL", "pip install 'dvt-engine[mysql]'") from error
    try:
        wire = Wire(**(_arguments(settings) | _tls(settings) | overrides))
    except (pymysql.Error, OSError, ValueError) as error:
        raise _connect_error(error, name, settings) from error
    except RuntimeError as error:  # PyMySQL's, when `cryptography` is missing
        raise DriverMissing("cryptography", "pip install 'dvt-engine[mysql]'") from error
    wire.keep_alive()
    return wire


def _arguments(settings: MySQLSettings) -> dict[str, Any]:
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
        "init_command": _READ_SESSION,
    }


def _tls(settings: MySQLSettings) -> dict[str, Any]:
    """Return PyMySQL's arguments for what `ssl_mode` means to the scanner."""
    if settings.ssl_ca:
        return {"ssl": _verifying_context(settings)}
    if settings.ssl_disabled is None:
        return {}  # encrypted if the server can
    return {"ssl_disabled": True} if settings.ssl_disabled else {"ssl": {"verify_mode": False}}


def _verifying_context(settings: MySQLSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ssl_ca)
    # Certificates that MySQL generates for itself lack extensions that Python demands since 3.13.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if settings.ssl_cert:
        # With an empty password, an encrypted key raises instead of prompting on the terminal.
        context.load_cert_chain(settings.ssl_cert, settings.ssl_key, password="")
    return context


def _connect_error(error: BaseException, name: str, settings: MySQLSettings) -> DvtError:
    """Return dvt's error for a connection that could not be opened."""
    code, message = _code_and_message(error)
    if code in _LOGIN:
        return LoginRefused(name, settings.where, message)
    if code in _NO_SCHEMA:
        hint = "is `schema` of this output right, and granted?"
        return ConnectFailed(name, settings.where, message, hint, refused=True)
    if code in _TOO_MANY_CONNECTIONS:
        hint = "run fewer --threads, or let the user connect more often"
        return ConnectFailed(name, settings.where, message, hint, refused=True)
    cause = getattr(error, "original_exception", None) or error
    if isinstance(cause, ssl.SSLError):
        return ConnectFailed(name, settings.where, _tls_problem(cause), "check ssl_ca, ssl_cert and ssl_key")
    if isinstance(cause, TimeoutError):
        reason = f"no answer within {settings.connect_timeout:g} s"
        return ConnectFailed(name, settings.where, reason)
    return ConnectFailed(name, settings.where, message)


def _tls_problem(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate was refused: {error.verify_message}"
    return f"no TLS with it: {error.reason or error}"


def code_of(error: DvtError) -> tuple[int, str]:
    """Return the server's code and message of an error that `translate` made; -1 without a code."""
    return _code_and_message(error.__cause__ or error)


def _code_and_message(error: BaseException) -> tuple[int, str]:
    """Return the server's code and message; -1 and the exception's text if it is not the server's error."""
    if len(error.args) >= 2 and isinstance(error.args[0], int):  # noqa: PLR2004
        return error.args[0], str(error.args[1])
    return -1, str(error) or type(error).__name__
