"""The login of PyMySQL's connections, and the errors of all that they do."""

from __future__ import annotations

import ssl
from typing import Any

from dvt.core.errors import (
    ConnectFailed,
    ConnectionFrozen,
    ConnectionLost,
    DriverMissing,
    DvtError,
    LoginRefused,
    QueryFailed,
)
from dvt.drivers.mysql.settings import MySQLSettings
from dvt.drivers.network.silence import seconds_of_silence

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
_READ_SESSION = "SET SESSION sql_mode = '', time_zone = '+00:00'"
"""SQL: prepares a connection that reads: UTC, and no sql_mode that changes the meaning of SQL."""


def translate(error: BaseException, connection: str, doing: str) -> DvtError:
    """Return dvt's error for what PyMySQL raised while running a statement."""
    code, message = code_and_message(error)
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
        raise DriverMissing("PyMySQL", "run `dvt sync`, or pip install 'dvt-engine[mysql]'") from error
    try:
        wire = Wire(**(_arguments(settings) | _tls(settings) | overrides))
    except (pymysql.Error, OSError, ValueError) as error:
        raise _connect_error(error, name, settings) from error
    except RuntimeError as error:  # PyMySQL's, when `cryptography` is missing
        raise DriverMissing("cryptography", "run `dvt sync`, or pip install 'dvt-engine[mysql]'") from error
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
    code, message = code_and_message(error)
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
    return code_and_message(error.__cause__ or error)


def code_and_message(error: BaseException) -> tuple[int, str]:
    """Return the server's code and message; -1 and the exception's text if it is not the server's error."""
    if len(error.args) >= 2 and isinstance(error.args[0], int):  # noqa: PLR2004
        return error.args[0], str(error.args[1])
    return -1, str(error) or type(error).__name__
