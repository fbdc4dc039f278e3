"""Turns PostgreSQL's errors, from psycopg2 or DuckDB's scanner, into dvt's; never with credentials."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import psycopg2

from dvt.core.errors import (
    Cancelled,
    ConnectFailed,
    ConnectionFrozen,
    ConnectionLost,
    DvtError,
    LoginRefused,
    QueryFailed,
    RowRefused,
    ValueLost,
)
from dvt.drivers.duckdb import errors as duckdb_errors
from dvt.drivers.network.silence import seconds_of_silence

MARK = "dvt134"
"""Begins the text whose conversion `types` makes fail on the server for a value that cannot be staged."""

_UNSTAGEABLE = re.compile(rf'"{MARK}\|(.*?)\|(.*?)"(?=\n[A-Z][A-Z 0-9]*:|\s*\Z)', re.DOTALL)
"""Matches the text that `MARK` begins: column and value."""
_MESSAGE = re.compile(r"(?:ERROR|FATAL|PANIC):  (?P<message>[^\n]*)")
"""Matches a message of the server's in the text of the client library or of DuckDB's scanner."""
_COLUMN = re.compile(r"(?:CONTEXT:  |\n)COPY [^\n]*?, column (?P<column>[^\n]+)")
"""Matches the column that COPY was reading when it failed."""
_BAD_TOKEN = re.compile(r"DETAIL:  (?P<detail>Token [^\n]*)")
"""Matches the server's detail on a text that is no JSON."""
_SCANNER = re.compile(r"Failed to (?:execute|prepare|fetch)|COPY data|ERROR:  |FATAL:  ")
"""Matches texts of DuckDB's that come from its PostgreSQL scanner."""
_LOGIN = re.compile(
    r"password authentication failed|no password supplied|authentication failed|pg_hba\.conf"
    r"|role .* does not exist|is not permitted to log in|certificate",
    re.IGNORECASE,
)
"""Matches messages about user, password or the way to log in."""
_CONNECTION_LOST = re.compile(
    r"terminating connection|server closed the connection|connection to server was lost|connection not open"
    r"|could not receive data|could not send data|no connection to the server|SSL SYSCALL"
    r"|SSL connection has been|the database system is|cannot connect now"
    r"|Connection refused|Connection reset|Connection timed out"
    r"|unexpected postmaster exit|Failed to execute query \"(?:BEGIN|ROLLBACK)[^\"]*\": $",
    re.IGNORECASE,
)
"""Matches messages about a connection that has ended, where there is no code."""
_FULL = re.compile(
    r"too many clients already|remaining connection slots|too many connections for", re.IGNORECASE
)
"""Matches messages of a server that takes no more connections, where there is no code."""
_CAST_HINT = "change the value there, or read a view that casts the column to a type that can be staged"
_FULL_HINT = "lower `max_connections` of this output in profiles.yml, or raise the server's"
_CHANGE_HINT = "change the value in the model, or cast the column to another type"
_UNWRITABLE = re.compile(r"NULL-byte|out of range for Postgres")
"""Matches messages of DuckDB's writer about values that PostgreSQL's binary format cannot hold."""
_VALUES = re.compile(r"numeric field overflow|out of range")
"""Matches the server's messages about values, where there is no code."""


def connect_error(name: str, where: str, error: psycopg2.Error) -> DvtError:
    """Return dvt's error for a connection that could not be opened."""
    message = _first_message(str(error))
    if _LOGIN.search(message):
        return LoginRefused(name, where, message)
    if re.search(r"database .* does not exist", message):
        hint = "check dbname of this output in profiles.yml"
        return ConnectFailed(name, where, message, hint, refused=True)
    return ConnectFailed(name, where, message, refused=bool(_MESSAGE.search(str(error))))


def translate(
    error: BaseException, *, name: str, doing: str, where: str = "", stopped: bool = False
) -> DvtError:
    """Return dvt's error for psycopg2's or DuckDB's; `stopped`: the run cancelled the query."""
    if isinstance(error, DvtError):
        return error
    text = str(error)
    if stopped:
        return Cancelled(doing)
    if isinstance(error, duckdb.InvalidInputException) and _UNWRITABLE.search(text):
        reason = text.removeprefix("Invalid Input Error: ").splitlines()[0]
        return ValueLost(where or name, reason, _CHANGE_HINT)
    if isinstance(error, psycopg2.Error):
        return _from_server(error.pgcode, text, name, doing, where)
    if isinstance(error, duckdb.Error) and _SCANNER.search(text):
        return _from_server(None, text, name, doing, where)
    return duckdb_errors.translate(error, connection=name, doing=doing, where=where)


@contextmanager
def as_dvt_errors(*, name: str, doing: str, where: str = "") -> Iterator[None]:
    """Raise errors of psycopg2 and DuckDB within the `with` as dvt's."""
    try:
        yield
    except (psycopg2.Error, duckdb.Error, OSError) as error:
        raise translate(error, name=name, doing=doing, where=where) from error


def _from_server(code: str | None, text: str, name: str, doing: str, where: str) -> DvtError:
    message = _first_message(text)
    if unstageable := _UNSTAGEABLE.search(text[text.rfind(message) :] if message else text):
        column, value = unstageable.groups()
        problem = f"{textwrap.shorten(value, 80)} cannot be staged without changing it"
        return ValueLost(f"{where or name}, column {column}", problem, _CAST_HINT)
    if _is_connection_lost(code, text):
        if (seconds := seconds_of_silence(name)) is not None:
            return ConnectionFrozen(name, doing, seconds)
        return ConnectionLost(name, doing, message or "the server closed the connection")
    return (
        _refusal(code, message, name, doing)
        or _about_values(code, text, message, name, where)
        or (QueryFailed(name, doing, message))
    )


def _refusal(code: str | None, message: str, name: str, doing: str) -> DvtError | None:
    """Return the error for a server that takes no more connections."""
    if code == "53300" or (code is None and _FULL.search(message)):
        return ConnectFailed(name, doing, message, _FULL_HINT, refused=True)
    return None


def _about_values(code: str | None, text: str, message: str, name: str, where: str) -> DvtError | None:
    """Return the error for a value or a row that the server refuses."""
    if (code or "").startswith("23"):
        return RowRefused(where or name, message)
    if (code or "").startswith("22") or _VALUES.search(message):
        column = _COLUMN.search(text)
        place = f"{where or name}, column {column['column']}" if column else (where or name)
        detail = _BAD_TOKEN.search(text)
        return ValueLost(place, f"{message}: {detail['detail']}" if detail else message, _CHANGE_HINT)
    return None


def _is_connection_lost(code: str | None, text: str) -> bool:
    if code is not None:
        return code.startswith("08") or code in {"57P01", "57P02", "57P03", "57P05", "25P03"}
    message = _MESSAGE.search(text)
    return bool(_CONNECTION_LOST.search(message["message"] if message else text)) or not message


def _first_message(text: str) -> str:
    """Return the server's last message, or else the client library's."""
    messages = list(_MESSAGE.finditer(text))
    if messages:
        return messages[-1]["message"].strip()
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if _SCANNER.search(line):
        # The client library's message comes last, after the statement if the text repeats that.
        return line.rpartition(": ")[2] if '"' not in line else ""
    return re.sub(r"^connection to server .*? failed: ", "", line)
