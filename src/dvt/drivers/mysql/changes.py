"""Writes SQL by which MySQL and MariaDB tell which rows have changed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dvt.core.queries import ExtractedColumn
from dvt.core.tables import Column
from dvt.core.types import INTEGERS, UUID, Kind
from dvt.drivers.duckdb.sql import escape_braces
from dvt.drivers.mysql.names import quoted
from dvt.drivers.mysql.types import AS_TEXT

ALGORITHM = "sha1 of tagged texts, 2"
"""See `CanFindChanges.hash_algorithm`."""
_BARE = INTEGERS | {
    *(
        Kind.DECIMAL,
        Kind.FLOAT,
        Kind.DOUBLE,
        Kind.DATE,
        Kind.TIMESTAMP,
        Kind.TIMESTAMPTZ,
        Kind.INTERVAL,
        Kind.UUID,
    ),
}
"""Kinds whose texts contain neither | nor N, so that they need no length."""
_TEXT = re.compile(r"(?:var)?char\(|(?:tiny|medium|long)?text\Z|(?:enum|set)\(")
"""Matches types whose bytes count in a hash as they are stored."""


def selected(extracted: ExtractedColumn) -> str:
    """See CanFindChanges."""
    return f"{_value(extracted.column)} AS {quoted(extracted.name)}"


def row_hash(columns: Sequence[Column]) -> Column:
    """See CanFindChanges. It is NULL, which equals nothing, for a row longer than the server takes.

    SHA-1 takes servers with OpenSSL 3 a third of the time of MD5; it is cut to the length of one.
    """
    parts = ", ".join(map(_tagged, columns))
    read = escape_braces(f"LEFT(SHA1(CONCAT_WS('|', {parts})), 32)")
    return Column(name="", native="char(32)", stage=UUID, read=read, unpack="CAST({0} AS UUID)")


def is_among(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    """See CanFindChanges."""
    names = ", ".join(_compared(column, among=len(columns)) for column in columns)
    values = ", ".join(f"({', '.join(map(_literal, columns, row))})" for row in rows)
    return f"({names}) IN ({values})"


def is_from(column: Column, lowest: str) -> str:
    """See CanFindChanges."""
    name = quoted(column.name)
    return f"{name} >= {_literal(column, lowest)} OR {name} IS NULL"


def _value(column: Column) -> str:
    return column.read.format(quoted(column.name))


def _compared(column: Column, among: int) -> str:
    """Write a column of a key of several as what equals the texts that `_literal` writes.

    MariaDB finds no row by an index if one of several columns has another character set than its value.
    """
    name = quoted(column.name) if column.name else _value(column)
    if among == 1 or column.stage.kind is not Kind.VARCHAR:
        return name
    return f"CONVERT({name} USING utf8mb4) COLLATE utf8mb4_bin"


def _tagged(column: Column) -> str:
    """Write a column as it counts in a hash: its value, with its length where the value may contain anything.

    Neither is ever NULL, which CONCAT_WS would leave out.
    """
    name = quoted(column.name)
    if column.stage.kind in _BARE:
        return f"IFNULL({name if column.read == AS_TEXT else _value(column)}, 'N')"
    value = name if _TEXT.match(column.native) else _value(column)
    return f"IFNULL(LENGTH({value}), 'N'), IF({value} IS NULL, '', CAST({value} AS BINARY))"


def _literal(column: Column, text: str) -> str:
    """Write a value: a text is given by its bytes, which mean the same in every sql_mode."""
    kind = column.stage.kind
    if not column.name:  # a hash, which is a UUID in staging alone
        text = text.replace("-", "")
    if kind in INTEGERS or kind is Kind.DECIMAL:
        return text
    if kind is Kind.TIMESTAMPTZ:
        text = text.removesuffix("+00")  # sessions are in UTC
    return f"CONVERT(X'{text.encode('utf-8', 'surrogatepass').hex()}' USING utf8mb4)"
