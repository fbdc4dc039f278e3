"""Turns the errors of Amazon's client into dvt's; never with credentials."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb

from dvt.core.errors import (
    Cancelled,
    ConnectFailed,
    ConnectionLost,
    DvtError,
    LoginRefused,
    QueryFailed,
    RowRefused,
    ValueLost,
)
from dvt.drivers.duckdb import errors as duckdb_errors

_CHANGE_HINT = "change the value in the model, or cast the column to another type"
_LOST = ("57P01", "57P02", "57P03", "08")
"""Beginnings of SQLSTATEs of a session that the server has ended."""
_LOGIN = re.compile(r"password|authenticat|does not exist|not permitted|credential", re.IGNORECASE)
"""Matches messages about user, password or the way to log in."""
_VALUE = re.compile(r"value too long|out of range|overflow|invalid input syntax|invalid digit", re.IGNORECASE)
"""Matches messages about a value, where the SQLSTATE says nothing."""


def client_errors() -> tuple[type[BaseException], ...]:
    """Return the classes of what the client raises: its own, and those of a socket that ends."""
    import redshift_connector

    return (redshift_connector.Error, OSError, struct.error)


def connect_error(name: str, where: str, error: BaseException) -> DvtError:
    """Return dvt's error for a connection that could not be opened."""
    code, message = _parts(error)
    if code.startswith("28") or (code and _LOGIN.search(message) and not code.startswith("3D")):
        return LoginRefused(name, where, message)
    hint = "check dbname of this output in profiles.yml" if code.startswith("3D") else ""
    return ConnectFailed(name, where, message, hint, refused=bool(code))


def translate(
    error: BaseException,
    *,
    name: str,
    doing: str,
    where: str = "",
    stopped: bool = False,
    secrets: Sequence[str] = (),
) -> DvtError:
    """Return dvt's error for the client's or DuckDB's; `stopped`: the run cancelled the query."""
    if isinstance(error, DvtError):
        return error
    if stopped:
        return Cancelled(doing)
    if isinstance(error, duckdb.Error):
        return duckdb_errors.translate(error, connection=name, doing=doing, where=where)
    code, message = _parts(error)
    for secret in secrets:
        message = message.replace(secret, "***")
    return _from_server(code, message, name, doing, where)


@contextmanager
def as_dvt_errors(*, name: str, doing: str, where: str = "", secrets: Sequence[str] = ()) -> Iterator[None]:
    """Raise errors of the client and of DuckDB within the `with` as dvt's."""
    try:
        yield
    except DvtError:
        raise
    except (duckdb.Error, *client_errors()) as error:
        # The client's own error may show the statement, with the credentials in it.
        raise translate(error, name=name, doing=doing, where=where, secrets=secrets) from None


def _from_server(code: str, message: str, name: str, doing: str, where: str) -> DvtError:
    if code.startswith(_LOST) or not code:
        return ConnectionLost(name, doing, message or "the server closed the connection")
    if code == "57014":
        return Cancelled(doing)
    if code.startswith("23"):
        return RowRefused(where or name, message)
    if code.startswith("22") or _VALUE.search(message):
        return ValueLost(where or name, message, _CHANGE_HINT)
    return QueryFailed(name, doing, message)


def _parts(error: BaseException) -> tuple[str, str]:
    """Return SQLSTATE and message of the server's error; no SQLSTATE for one of the client's own."""
    details: Any = error.args[0] if error.args else ""
    if isinstance(details, dict):
        return str(details.get("C", "")), str(details.get("M", "")).strip()
    lines = str(details).strip().splitlines()
    return "", lines[0] if lines else type(error).__name__
