"""PostgreSQL's errors as ours, whether psycopg2 or DuckDB's scanner brought them; never with credentials."""

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
    ConnectionLost,
    DvtError,
    LoginRefused,
    QueryFailed,
    RowRefused,
    ValueLost,
)
from dvt.drivers.duckdb import errors as duckdb_errors

MARK = "dvt134"
"""Begins the text that `types` has the server fail to convert, where a value cannot be staged."""

_REFUSED = re.compile(rf'"{MARK}\|(.*?)\|(.*)"', re.DOTALL)
_SAID = re.compile(r"(?:ERROR|FATAL|PANIC):  (?P<said>[^\n]*)")
_COLUMN = re.compile(r"CONTEXT:  COPY .*?, column (?P<column>[^\n]+)")
_SCANNER = re.compile(r"Failed to (?:execute|prepare|fetch)|COPY data|ERROR:  |FATAL:  ")
_LOGIN = re.compile(
    r"password authentication failed|no password supplied|authentication failed|pg_hba\.conf"
    r"|role .* does not exist|is not permitted to log in|certificate",
    re.IGNORECASE,
)
_GONE = re.compile(
    r"terminating connection|server closed the connection|connection to server was lost|connection not open"
    r"|could not receive data|could not send data|no connection to the server|SSL SYSCALL"
    r"|SSL connection has been|the database system is|cannot connect now"
    r"|Connection refused|Connection reset|Connection timed out"
    r"|unexpected postmaster exit|Failed to execute query \"(?:BEGIN|ROLLBACK)[^\"]*\": $",
    re.IGNORECASE,
)
_CAST = "change the value there, or read a view that casts the column to a type that can be staged"
_CHANGE = "change the value in the model, or cast the column to another type"
_UNWRITABLE = re.compile(r"NULL-byte|out of range for Postgres")
_VALUES = re.compile(r"numeric field overflow|out of range")


def connecting(name: str, where: str, error: psycopg2.Error) -> DvtError:
    """Why no connection could be opened."""
    said = _first(str(error))
    if _LOGIN.search(said):
        return LoginRefused(name, where, said)
    if re.search(r"database .* does not exist", said):
        return ConnectFailed(name, where, said, "check dbname of this output in profiles.yml")
    return ConnectFailed(name, where, said)


def translate(
    error: BaseException, *, name: str, doing: str, where: str = "", stopped: bool = False
) -> DvtError:
    """Our error for psycopg2's or DuckDB's; `where` is the table, `stopped` whether the run asked for it."""
    if isinstance(error, DvtError):
        return error
    text = str(error)
    if stopped:
        return Cancelled(doing)
    if isinstance(error, duckdb.InvalidInputException) and _UNWRITABLE.search(text):
        said = text.removeprefix("Invalid Input Error: ").splitlines()[0]
        return ValueLost(where or name, said, _CHANGE)
    if isinstance(error, psycopg2.Error):
        return _from_server(error.pgcode, text, name, doing, where)
    if isinstance(error, duckdb.Error) and _SCANNER.search(text):
        return _from_server(None, text, name, doing, where)
    return duckdb_errors.translate(error, connection=name, doing=doing, where=where)


@contextmanager
def translated(*, name: str, doing: str, where: str = "") -> Iterator[None]:
    """Within it, errors of psycopg2 and DuckDB are raised as ours."""
    try:
        yield
    except (psycopg2.Error, duckdb.Error, OSError) as error:
        raise translate(error, name=name, doing=doing, where=where) from error


def _from_server(code: str | None, text: str, name: str, doing: str, where: str) -> DvtError:
    said = _first(text)
    if refused := _REFUSED.search(text[text.rfind(said) :] if said else text):
        column, value = refused.groups()
        return ValueLost(f"{where or name}, column {column}", _problem(value), _CAST)
    if _lost(code, text):
        return ConnectionLost(name, doing, said or "the server closed the connection")
    if (code or "").startswith("23"):
        return RowRefused(where or name, said)
    if (code or "").startswith("22") or _VALUES.search(said):
        column = _COLUMN.search(text)
        place = f"{where or name}, column {column['column']}" if column else (where or name)
        return ValueLost(place, said, _CHANGE)
    return QueryFailed(name, doing, said)


def _lost(code: str | None, text: str) -> bool:
    if code is not None:
        return code.startswith("08") or code in {"57P01", "57P02", "57P03", "57P05", "25P03"}
    said = _SAID.search(text)
    return bool(_GONE.search(said["said"] if said else text)) or not said


def _problem(value: str) -> str:
    shown = textwrap.shorten(value, 80)
    return f"{shown} cannot be staged without changing it"


def _first(text: str) -> str:
    """The server's own sentence, or the client library's."""
    said = list(_SAID.finditer(text))
    if said:
        return said[-1]["said"].strip()
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if _SCANNER.search(line):
        # What the client library says comes last, after the statement if that is repeated.
        return line.rpartition(": ")[2] if '"' not in line else ""
    return re.sub(r"^connection to server .*? failed: ", "", line)
