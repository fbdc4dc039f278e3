"""Turns the errors of Snowflake's client into dvt's; never with credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

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
MISSING = 2003
"""Number of the error that there is no such object, or that the role may not see it."""
MISSING_DATABASE = 2043
"""Number of the error that the object is not there, or that the operation cannot be performed on it."""
_CANCELLED = 604
_NULL_REFUSED = 100072
_VALUES = frozenset({100035, 100037, 100038, 100039, 100040, 100051, 100071, 100078, 100080, 100096, 100132})
"""Numbers of errors about one value: not recognized, out of range, too long."""
_CLIENT = range(240_000, 300_000)
"""Numbers of errors of the client itself and of HTTP: the service was not reached, or has not answered."""
_SESSION_GONE = frozenset({390_111, 390_112, 390_114})
"""Numbers of errors of a session that the service has ended."""
_PAST = re.compile(r"time travel", re.IGNORECASE)
"""Matches messages about a moment at which a table cannot be read."""
_PAST_HINT = (
    "the table may have been replaced meanwhile: run again, or set time_travel: false on this output, which"
    " reads each table as it is when its query begins"
)
_LOGIN = re.compile(
    r"incorrect username|password|authenticat|JWT|token|locked|not authorized|denied|private key",
    re.IGNORECASE,
)
"""Matches messages about user, password or the way to log in."""


def client_errors() -> tuple[type[BaseException], ...]:
    """Return the classes of what the client raises."""
    from snowflake.connector.errors import Error

    return (Error, OSError)


def connect_error(name: str, where: str, error: BaseException) -> DvtError:
    """Return dvt's error for a connection that could not be opened."""
    number, message = _parts(error)
    if number in range(390_100, 390_500) or (number and _LOGIN.search(message)):
        return LoginRefused(name, where, message)
    hint = "are account, host and proxy of this output right in profiles.yml, and can this machine reach it?"
    return ConnectFailed(name, where, message, hint, refused=number not in _CLIENT)


def translate(
    error: BaseException, *, name: str, doing: str, where: str = "", secrets: Sequence[str] = ()
) -> DvtError:
    """Return dvt's error for the client's or DuckDB's."""
    if isinstance(error, duckdb.Error):
        return duckdb_errors.translate(error, connection=name, doing=doing, where=where)
    number, message = _parts(error)
    for secret in secrets:
        message = message.replace(secret, "***")
    return _from_service(number, message, name, doing, where)


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


def is_refusal(error: BaseException) -> bool:
    """Return whether an error is the service's own answer that a statement cannot be run."""
    number = number_of(error)
    return bool(number) and number not in _CLIENT and number not in _SESSION_GONE and number != _CANCELLED


def number_of(error: BaseException) -> int:
    """Return the service's number of an error; 0 if it has none."""
    return _parts(error)[0]


def _from_service(number: int, message: str, name: str, doing: str, where: str) -> DvtError:
    if number in _CLIENT or number in _SESSION_GONE or not number:
        return ConnectionLost(name, doing, message or "the service did not answer")
    if number == _CANCELLED:
        return Cancelled(doing)
    if number == _NULL_REFUSED:
        return RowRefused(where or name, message)
    if number in _VALUES:
        return ValueLost(where or name, message, _CHANGE_HINT)
    return QueryFailed(name, doing, message, _PAST_HINT if _PAST.search(message) else "")


def _parts(error: BaseException) -> tuple[int, str]:
    """Return number and message of the service's error; 0 for one that is not the client's."""
    number = getattr(error, "errno", None)
    message = str(getattr(error, "raw_msg", None) or getattr(error, "msg", None) or error)
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    is_clients = hasattr(error, "sfqid")
    return (int(number) if is_clients and number and number > 0 else 0), " ".join(lines) or type(
        error
    ).__name__
