"""Writes SQL by which MySQL and MariaDB tell which rows have changed."""

from __future__ import annotations

from collections.abc import Sequence

from dvt.core.queries import ExtractedColumn
from dvt.core.tables import Column
from dvt.core.types import INTEGERS, UUID, Kind
from dvt.drivers.duckdb.sql import escape_braces
from dvt.drivers.mysql.names import quoted

ALGORITHM = "md5 of tagged texts, 1"
"""See `CanFindChanges.hash_algorithm`."""


def selected(extracted: ExtractedColumn) -> str:
    """See CanFindChanges."""
    return f"{_value(extracted.column)} AS {quoted(extracted.name)}"


def row_hash(columns: Sequence[Column]) -> Column:
    """See CanFindChanges. It is NULL, which equals nothing, for a row longer than the server takes."""
    parts = ", ".join(_tagged(f"CAST({_value(column)} AS BINARY)") for column in columns)
    read = escape_braces(f"MD5(CONCAT({parts}))")
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
    name = quoted(column.name)
    if among == 1 or column.stage.kind is not Kind.VARCHAR:
        return name
    return f"CONVERT({name} USING utf8mb4) COLLATE utf8mb4_bin"


def _tagged(value: str) -> str:
    return f"IF({value} IS NULL, 'N', CONCAT('V', LENGTH({value}), ':', {value}))"


def _literal(column: Column, text: str) -> str:
    """Write a value: a text is given by its bytes, which mean the same in every sql_mode."""
    kind = column.stage.kind
    if kind in INTEGERS or kind is Kind.DECIMAL:
        return text
    if kind is Kind.TIMESTAMPTZ:
        text = text.removesuffix("+00")  # sessions are in UTC
    return f"CONVERT(X'{text.encode('utf-8', 'surrogatepass').hex()}' USING utf8mb4)"
