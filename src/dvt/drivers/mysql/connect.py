"""Connections beside the scanner's, through PyMySQL: preflight, types, read locks, KILL, loads."""

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
"""Codes: access denied, host not allowed, authentication plugin, locked or expired account, TLS demanded."""
_NO_SCHEMA = frozenset({1044, 1049})
"""Codes: no access to the schema, or there is none of that name."""
_TOO_MANY_CONNECTIONS = frozenset({1040, 1203, 1226})
"""Codes: the server's or the user's limit of connections is reached."""
_CONNECTION_LOST = frozenset({0, 1053, 1077, 1927, 2006, 2013, 2014, 2027, 2055, 4031})
"""Codes: the connection has ended."""
_DENIED = frozenset({1044, 1142, 1143, 1227, 1370})
"""Codes: the user lacks a grant."""
_LOCAL_FILES = 128
"""The protocol's flag by which a client says that the server may ask it for files."""
_NO_LOCAL_FILES = frozenset({1148, 3948, 3950, 4166})
"""Codes: `local_infile` is off on the server."""
_CATALOG_TIMEOUT = 60.0
"""Seconds that a query of the catalog may take, once logged in."""
LONG = 3600.0
"""Seconds for a statement that moves rows, and for each side to wait for the other meanwhile."""
_READ_SESSION = "SET SESSION sql_mode = '', time_zone = '+00:00'"
"""The statement that prepares a connection that reads: UTC, and no sql_mode that changes SQL's meaning."""
_LOAD_SESSION = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,NO_ENGINE_SUBSTITUTION', "
    "time_zone = '+00:00', sql_notes = 1, max_error_count = 64, "
    f"net_read_timeout = {LONG:.0f}, net_write_timeout = {LONG:.0f}"
)
"""The statement that prepares a connection that writes: refuse values that do not fit, count warnings."""


class SideConnection:
    """A server connection for small queries and commands. Closed at the end of its `with`."""

    def __init__(self, name: str, settings: MySQLSettings, connection: Any) -> None:
        self._name = name
        self._settings = settings
        self._connection = connection

    @property
    def flavour(self) -> Flavour:
        """The server's product, version and what follows from them."""
        return flavour(self._connection.get_server_info())

    @property
    def is_mariadb(self) -> bool:
        """False for MySQL itself."""
        return self.flavour.is_mariadb

    def rows(
        self, sql: str, values: Sequence[Any] = (), *, doing: str, patience: float = _CATALOG_TIMEOUT
    ) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows; raise after `patience` seconds without an answer."""
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
    """What a statement writes, for errors."""

    doing: str
    table: str
    columns: tuple[str, ...]


class LoadConnection(SideConnection):
    """A connection that writes rows. A statement with a warning raises: the server has changed a value."""

    def insert(self, sql: bytes, about: About) -> int:
        """Run an INSERT and return the number of rows it inserted."""
        return self._written(lambda wire: wire.send(sql), about)

    def load(self, sql: str, file: str, read: Callable[[int], bytes], about: About) -> int | None:
        """Run a LOAD DATA LOCAL INFILE whose file is named `file` and holds what `read` returns.

        Return the number of rows loaded, or None if the server accepts no local files; nothing is read then.
        """
        import pymysql

        try:
            return self._written(lambda wire: wire.send_file(sql, file, read), about)
        except QueryFailed as error:
            cause = error.__cause__
            if isinstance(cause, pymysql.Error) and _code_and_message(cause)[0] in _NO_LOCAL_FILES:
                return None
            raise

    def _written(self, write: Callable[[Any], Sent], about: About) -> int:
        import pymysql

        self._connection.wait_up_to(LONG)
        try:
            rows, warnings = write(self._connection)
        except pymysql.Error as error:
            value_error = refused(*_code_and_message(error), about.table, about.columns)
            raise value_error or failed(error, self._name, about.doing) from error
        if warnings:
            shown = [Warned(*row) for row in self.rows("SHOW WARNINGS", doing=about.doing)]
            if value_error := warned(warnings, shown, about.table, about.columns):
                raise value_error
        return rows


@contextmanager
def connect(name: str, settings: MySQLSettings) -> Iterator[SideConnection]:
    """Log in. Raise within `connect_timeout` if the server is down, does not answer or refuses."""
    with closing(log_in(name, settings)) as connection:
        yield SideConnection(name, settings, connection)


@contextmanager
def connect_to_load(
    name: str, settings: MySQLSettings, stopped: Callable[[], bool] | None = None
) -> Iterator[LoadConnection]:
    """Log in to write rows; sending ends once `stopped` returns True."""
    with closing(log_in(name, settings, init_command=_LOAD_SESSION, client_flag=_LOCAL_FILES)) as connection:
        connection.stopped = stopped
        yield LoadConnection(name, settings, connection)


def failed(error: BaseException, connection: str, doing: str) -> DvtError:
    """Return dvt's error for what PyMySQL raised while running a statement."""
    code, message = _code_and_message(error)
    if code in _CONNECTION_LOST or isinstance(error, OSError):
        return ConnectionLost(connection, doing, message)
    hint = f"its user lacks a grant for {doing}" if code in _DENIED else ""
    return QueryFailed(connection, doing, message, hint)


def log_in(name: str, settings: MySQLSettings, **overrides: Any) -> Any:
    """Open a connection of PyMySQL's; `overrides` replace the arguments that a side connection has."""
    try:
        import pymysql

        from dvt.drivers.mysql.wire import Wire
    except ImportError as error:
        raise DriverMissing("PyMySQL", "pip install 'dvt-engine[mysql]'") from error
    try:
        return Wire(**(_arguments(settings) | _tls(settings) | overrides))
    except (pymysql.Error, OSError, ValueError) as error:
        raise _refused(error, name, settings) from error
    except RuntimeError as error:  # PyMySQL's, when `cryptography` is missing
        raise DriverMissing("cryptography", "pip install 'dvt-engine[mysql]'") from error


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


def _refused(error: BaseException, name: str, settings: MySQLSettings) -> DvtError:
    code, message = _code_and_message(error)
    if code in _LOGIN:
        return LoginRefused(name, settings.where, message)
    if code in _NO_SCHEMA:
        return ConnectFailed(name, settings.where, message, "is `schema` of this output right, and granted?")
    if code in _TOO_MANY_CONNECTIONS:
        return ConnectFailed(
            name, settings.where, message, "run fewer --threads, or let the user connect more often"
        )
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


def _code_and_message(error: BaseException) -> tuple[int, str]:
    """Return the server's code and message; -1 and the exception's text if it is not the server's error."""
    if len(error.args) >= 2 and isinstance(error.args[0], int):  # noqa: PLR2004
        return error.args[0], str(error.args[1])
    return -1, str(error) or type(error).__name__
