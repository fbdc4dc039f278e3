"""Translates DuckDB's errors into dvt's: what failed, on which connection, never with credentials.

DuckDB repeats connection strings and whole statements in some messages, so dvt passes text on only from
kinds of errors about values and names, and never when it looks as if a secret could be in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from dvt.core.errors import (
    Cancelled,
    DiskFull,
    DvtError,
    FileLocked,
    FileTooNew,
    FileUnreadable,
    OutOfMemory,
    QueryFailed,
    RowRefused,
    ValueLost,
)
from dvt.drivers.duckdb.file_errors import LineOf, readers_sentence, value_in_file

_REFUSAL_MARK = "\x1fdvt\x1f"
"""Begins the message of an error that our own SQL raised by `refusal`."""

_SECRET = re.compile(
    r"passw|pwd|secret|token|credential|\bkey_id\b|://[^\s/]*@|\b(?:host|hostaddr|user|dbname|port)\s*=|SharedAccess",
    re.IGNORECASE,
)
"""Matches a text that may show credentials."""
_ABOUT_VALUES = (
    duckdb.ConversionException,
    duckdb.OutOfRangeException,
    duckdb.ConstraintException,
    duckdb.TypeMismatchException,
)
"""Kinds of errors whose messages name a value."""
_ABOUT_NAMES = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ParserException,
    duckdb.SyntaxException,
    duckdb.NotImplementedException,
    duckdb.TransactionException,
)
"""Kinds of errors whose messages name tables, columns or SQL."""
_QUOTED = re.compile(r"""["']([^"']+)["']""")
"""Matches a name in quotes."""
VALUE_HINT = "change the value in its source, or cast the column in the model to a type that holds it"
_DIGITS_HINT = (
    "cast the operands to decimals of fewer digits, or let the database compute it: config(compute='target')"
)
_TOO_MANY_DIGITS = re.compile(r"Overflow in \w+ of DECIMAL|Needed scale \d+")
"""Matches messages about a result with more digits than any DECIMAL of DuckDB's."""
_LINE = re.compile(r"\nLINE (\d+):")
"""Matches the line of the statement in a message."""
_LOCK = re.compile(r'lock on file "([^"]+)": Conflicting lock is held in (.+?)\. See', re.DOTALL)
_TOO_NEW = re.compile(r"created with an? newer version|storage version greater")
_TOO_OLD = "created with an older development version"
_DISK_FULL = ("No space left on device", "max_temp_directory_size", "Disk quota exceeded", "File too large")
_FILE_MISSING = (
    "No files found that match",
    "No such file or directory",
    "Cannot open file",
    "does not exist",
)
_FILE_UNREADABLE = (
    "not a valid DuckDB database file",
    "Corrupt database file",
    "Is a directory",
    "Permission denied",
    "No magic bytes found",
    "too small to be a Parquet file",
    "file is not a database",
)


def translate(
    error: BaseException, *, connection: str, doing: str, path: str = "", where: str = ""
) -> DvtError:
    """Return dvt's error for DuckDB's: raise it `from` the original.

    `path` is the file in use, for messages that name none; `where` is the table or model with the value, for
    messages about one.
    """
    if isinstance(error, DvtError):
        return error
    text = str(error)
    failure: DvtError
    if value_lost := _from_refusal(text) or value_in_file(text):
        failure = value_lost
    elif isinstance(error, duckdb.InterruptException):
        failure = Cancelled(doing)
    elif any(mark in text for mark in _DISK_FULL):
        failure = DiskFull(_quoted_name(text) or path or "the spill directory", doing)
    elif isinstance(error, duckdb.OutOfMemoryException | MemoryError):
        failure = OutOfMemory(doing, _limit(text))
    elif isinstance(error, _ABOUT_VALUES):
        failure = _about_value(error, where or f"connection {connection!r}, {doing}")
    elif isinstance(error, duckdb.IOException | OSError) or _names_a_file(text):
        failure = _about_file(error, text, connection, doing, path)
    else:
        failure = QueryFailed(connection, doing, reason(error))
    return failure


def is_missing(error: BaseException) -> bool:
    """Return whether a file that was to be read is not there."""
    return isinstance(error, FileNotFoundError) or any(mark in str(error) for mark in _FILE_MISSING)


@contextmanager
def as_dvt_errors(*, connection: str, doing: str, path: str = "", where: str = "") -> Iterator[None]:
    """Raise DuckDB's errors within the `with` as dvt's."""
    try:
        yield
    except (duckdb.Error, MemoryError, OSError) as error:
        raise translate(error, connection=connection, doing=doing, path=path, where=where) from error


@contextmanager
def as_file_errors(*, connection: str, doing: str, line_of: LineOf) -> Iterator[None]:
    """Raise invalid input with the reader's own sentence; for files that are read without credentials."""
    try:
        yield
    except duckdb.InvalidInputException as error:
        failure = value_in_file(str(error), line_of) or translate(error, connection=connection, doing=doing)
        if isinstance(failure, QueryFailed):
            sentence, hint = readers_sentence(str(error))
            failure = QueryFailed(connection, doing, sentence, hint)
        raise failure from error


@contextmanager
def with_message(*, connection: str, doing: str) -> Iterator[None]:
    """Raise invalid input with DuckDB's own message; for statements that no credentials are in."""
    try:
        yield
    except duckdb.InvalidInputException as error:
        if _REFUSAL_MARK in str(error):
            raise
        sentence = str(error).partition("\n")[0].removeprefix("Invalid Input Error: ")
        raise QueryFailed(connection, doing, sentence) from error


def sentence(error: BaseException) -> str:
    """Return DuckDB's message; for statements that no credentials are in."""
    return _sentence(error)


def line_of(error: BaseException) -> int | None:
    """Return the line of the statement that DuckDB's message shows."""
    match = _LINE.search(str(error))
    return int(match[1]) if match else None


def reason(error: BaseException) -> str:
    """Return DuckDB's message where it is safe to show, otherwise only the kind of error."""
    kind = type(error).__name__.removesuffix("Exception")
    sentence = _sentence(error)
    if "attached in read-only mode" in sentence:
        return "the database is open read-only"
    if isinstance(error, _ABOUT_NAMES + _ABOUT_VALUES) and not _SECRET.search(sentence):
        return sentence
    return f"DuckDB's {kind} error (its text is withheld, since it may show credentials)"


def refusal(where: str, problem: str, hint: str) -> str:
    """Return DuckDB SQL that stops a query with ValueLost; `problem` is a SQL expression of text.

    Braces in names are written as chr(123) and chr(125), because the SQL may go through `str.format`.
    """
    return f"error('{_REFUSAL_MARK}' || {_text(where)} || '\x1f' || {problem} || '\x1f' || {_text(hint)})"


def _text(text: str) -> str:
    literal = text.replace("'", "''").replace("{", "' || chr(123) || '").replace("}", "' || chr(125) || '")
    return f"'{literal}'"


def _about_value(error: BaseException, where: str) -> DvtError:
    if isinstance(error, duckdb.ConstraintException):
        return RowRefused(where, reason(error))
    hint = _DIGITS_HINT if _TOO_MANY_DIGITS.search(str(error)) else VALUE_HINT
    return ValueLost(where, reason(error), hint)


def _from_refusal(text: str) -> ValueLost | None:
    """Return the error that SQL of `refusal` raised; None for other errors."""
    if _REFUSAL_MARK not in text:
        return None
    where, problem, hint = [*text.split(_REFUSAL_MARK, 1)[1].split("\x1f"), "", ""][:3]
    return ValueLost(where, problem, hint.split("\n", 1)[0])


def _names_a_file(text: str) -> bool:
    return bool(_TOO_NEW.search(text)) or any(mark in text for mark in _FILE_UNREADABLE)


def _about_file(error: BaseException, text: str, connection: str, doing: str, path: str) -> DvtError:
    named = _quoted_name(text) or path
    if lock := _LOCK.search(text):
        return FileLocked(lock.group(1), lock.group(2))
    if _TOO_NEW.search(text):
        return FileTooNew(named, duckdb.__version__, "a newer DuckDB")
    if _TOO_OLD in text:
        return FileUnreadable(connection, named, "was written by a DuckDB too old for this one")
    if any(mark in text for mark in _FILE_MISSING):
        folder = Path(named).parent
        problem = "is not there" if folder.is_dir() else f"is not there, nor is its folder {folder}"
        return FileUnreadable(connection, named, problem)
    for mark in _FILE_UNREADABLE:
        if mark in text:
            return FileUnreadable(connection, named, f"cannot be read ({mark})")
    return QueryFailed(connection, doing, reason(error))


def _limit(text: str) -> str:
    """Return the memory limit that the message names."""
    match = re.search(r"/([\d.]+ \w+) used", text)
    return match.group(1) if match else "unknown"


def _quoted_name(text: str) -> str:
    """Return what stands in quotes in the first line, which is a file's path; empty without quotes."""
    match = _QUOTED.search(text.split("\n", 1)[0])
    return match.group(1) if match else ""


def _sentence(error: BaseException) -> str:
    """Return the message's first paragraph, without the kind of error and without the statement."""
    first = re.split(r"\n\s*\n|\nLINE \d", str(error), maxsplit=1)[0].strip()
    return re.sub(r"^[A-Z][A-Za-z ]*Error: ", "", first)
