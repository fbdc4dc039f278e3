"""A session of dbt's: statements one after the other, answers as Python's values, transactions, stop."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from dvt.core.errors import Cancelled
from dvt.core.names import TableRef
from dvt.core.queries import ExtractedColumn
from dvt.core.tables import Column
from dvt.core.types import Kind
from dvt.drivers.jdbc import Answer, JdbcColumn, Session, mapping

_DOING = "running a statement"
"""What a session does, in errors."""
_PART = re.compile(
    r"""(?P<semicolon>;) | (?P<comment>--[^\n]*|/\*.*?\*/) | '(?:[^']|'')*' | "(?:[^"]|"")*" | \$\$.*?\$\$
    | \s+ | .""",
    re.DOTALL | re.VERBOSE,
)
"""Matches a semicolon, a comment, a text, a quoted name, blanks, or any other character."""
_ANSWERS = re.compile(r"[\s(]*(select|with|values|table|show|explain|call|script)\b", re.IGNORECASE)
"""Matches the beginning of statements that may answer rows."""
_BEGINS = frozenset({"select 1", "select 1 as begun"})
"""What dvt's macros send to begin a transaction: HSQLDB and Derby do not select from nothing."""
_CREATES_TABLE = re.compile(r"\s*create\s+table\b", re.IGNORECASE)
_WORD = re.compile(r"[\s(]*(\w+)")


class Handle:
    """One connection, for one thread; only `stop` may be called from another."""

    def __init__(self, session: Session, *, takes_comments: bool = True) -> None:
        self._session = session
        self._takes_comments = takes_comments
        self._in_transaction = False
        self._is_stopped = False

    def cursor(self) -> Cursor:
        """Return a cursor like DB-API's."""
        return Cursor(self)

    def begin(self) -> None:
        """Begin a transaction."""
        self._session.transact("begin")
        self._in_transaction = True

    def commit(self) -> None:
        """Commit the transaction, if one is open."""
        self._end("commit")

    def rollback(self) -> None:
        """Roll the transaction back, if one is open."""
        self._end("rollback")

    def close(self) -> None:
        """Close the connection. May be called twice."""
        self._session.close()

    def stop(self) -> None:
        """Cancel the running statement and refuse all later ones. Called from another thread."""
        self._is_stopped = True
        self._session.cancel().wait()

    def run(self, sql: str) -> Result:
        """Run one statement."""
        if self._is_stopped:
            raise Cancelled(_DOING)
        sql = sql if self._takes_comments else without_comments(sql)
        bare = without_comments(sql).strip().lower()
        if bare in {"commit", "rollback"}:  # dbt sends it before a hook; Derby has no such statement
            return self._transacted(bare)
        if bare in _BEGINS:
            sql = bare = "values (1)"
        columns = self._session.prepared(sql, _DOING) if _ANSWERS.match(bare) else []
        if columns:
            return Result(sql, columns, rows=list(self._rows(sql, columns)))
        result = Result(sql, [], count=self._session.update(sql, _DOING))
        if self._in_transaction and _CREATES_TABLE.match(bare):
            # The rows that follow may take long; a database with transactions around DDL would meanwhile have
            # its catalog locked.
            self._transacted("commit")
        return result

    def _transacted(self, what: str) -> Result:
        """Commit or roll back, and go on as before: in a new transaction, or in none."""
        if self._in_transaction:
            self._session.transact(what)
            self._session.transact("begin")
        return Result(what, [], count=-1)

    @property
    def session(self) -> Session:
        """The driver's session, for what it tells of tables."""
        return self._session

    def _rows(self, sql: str, columns: Sequence[JdbcColumn]) -> Iterator[tuple[Any, ...]]:
        product = self._session.product
        mapped = [mapping(column, product, f"column {column.name}") for column in columns]
        extracted = [ExtractedColumn(name=f"c{place}", column=column) for place, column in enumerate(mapped)]
        where = TableRef(connection="", identifier="the query")
        with Answer(
            self._session, sql, columns=extracted, tables=[where], limit=None, doing=_DOING
        ) as answer:
            for batch in answer.reader():
                yield from zip(*map(_values, mapped, batch.columns), strict=True)

    def _end(self, what: str) -> None:
        if self._in_transaction:
            self._in_transaction = False
            self._session.transact(what)


class Result:
    """What a statement answered: rows, or how many it changed."""

    def __init__(
        self,
        sql: str,
        columns: Sequence[JdbcColumn],
        *,
        rows: Sequence[tuple[Any, ...]] = (),
        count: int | None = None,
    ) -> None:
        self.columns, self.rows = columns, rows
        self.count = len(rows) if count is None else count
        word = _WORD.match(without_comments(sql))
        self.word = word[1].upper() if word else ""
        """The statement's first word."""


class Cursor:
    """The results of a text of one or more statements, like DB-API's cursor."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._result: Result | None = None

    def execute(self, sql: str, bindings: Any = None) -> None:
        """Run the text's statements one after the other; the last one's result is the cursor's."""
        del bindings  # the adapter's macros write values as literals
        for statement in statements(sql):
            self._result = self._handle.run(statement)

    @property
    def result(self) -> Result | None:
        """The last statement's result; None of a text without statements."""
        return self._result

    @property
    def description(self) -> Sequence[tuple[str, str]] | None:
        """Name and type of each column; None for a statement without rows."""
        if self._result is None or not self._result.columns:
            return None
        return [(column.name, column.native) for column in self._result.columns]

    def fetchall(self) -> Sequence[tuple[Any, ...]]:
        """Return the rows."""
        return self._result.rows if self._result else ()

    def fetchmany(self, size: int) -> Sequence[tuple[Any, ...]]:
        """Return the first rows."""
        return self.fetchall()[:size]

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the first row; None if there is none."""
        return next(iter(self.fetchall()), None)


def statements(text: str) -> Iterator[str]:
    r"""Yield the statements of a text, each with the comments before it; what has only comments is left out.

    Example:
        >>> list(statements("select ';' ; -- a;b\n drop table a;"))
        ["select ';' ", ' -- a;b\n drop table a']
    """
    parts: list[str] = []
    says_anything = False
    for match in _PART.finditer(text):
        if match["semicolon"]:
            if says_anything:
                yield "".join(parts)
            parts, says_anything = [], False
            continue
        parts.append(match[0])
        says_anything = says_anything or not (match["comment"] or match[0].isspace())
    if says_anything:
        yield "".join(parts)


def without_comments(sql: str) -> str:
    """Return the statement with a blank in the place of each comment."""
    return "".join(" " if match["comment"] else match[0] for match in _PART.finditer(sql))


def _values(column: Column, array: Any) -> list[Any]:
    """Return a column's values as dbt's tables hold them."""
    kind = column.stage.kind
    if kind is Kind.TIMESTAMP_NS:
        array = array.cast("timestamp[us]", safe=False) if not _has_nanos(array) else array.cast("string")
    values: list[Any] = array.to_pylist()
    convert: Callable[[Any], Any] | None = Decimal if column.as_digits else _CONVERT.get(kind)
    return values if convert is None else [None if value is None else convert(value) for value in values]


def _has_nanos(array: Any) -> bool:
    return any(value % 1000 for value in array.cast("int64").to_pylist() if value is not None)


def _text_of_bytes(value: bytes) -> str:
    """Return bytes as text; in hexadecimal if they are no UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return f"0x{value.hex()}"


_CONVERT: Mapping[Kind, Callable[[Any], Any]] = {Kind.BOOLEAN: bool, Kind.BLOB: _text_of_bytes}
"""Kind of a stage type → conversion of its values."""
