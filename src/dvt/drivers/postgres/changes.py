"""Writes SQL by which PostgreSQL tells which rows have changed."""

from __future__ import annotations

from collections.abc import Sequence

from dvt.core.queries import ExtractedColumn
from dvt.core.tables import Column
from dvt.core.types import UUID
from dvt.drivers.duckdb.sql import escape_braces
from dvt.drivers.postgres.names import literal, quoted

ALGORITHM = "md5 of tagged texts, 1"
"""See `CanFindChanges.hash_algorithm`."""


def selected(extracted: ExtractedColumn) -> str:
    """See CanFindChanges."""
    return f"{_value(extracted.column)} AS {quoted(extracted.name)}"


def row_hash(columns: Sequence[Column]) -> Column:
    """See CanFindChanges. Sessions are set to write numbers as texts without rounding them."""
    parts = " || ".join(_tagged(_text(column)) for column in columns)
    return Column(name="", native="uuid", stage=UUID, read=escape_braces(f"md5({parts})::uuid"))


def is_among(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    """See CanFindChanges."""
    names = ", ".join(quoted(column.name) for column in columns)
    values = ", ".join(f"({', '.join(map(_literal, columns, row))})" for row in rows)
    return f"({names}) IN (VALUES {values})"


def is_from(column: Column, lowest: str) -> str:
    """See CanFindChanges."""
    name = quoted(column.name)
    return f"{name} >= {_literal(column, lowest)} OR {name} IS NULL"


def _value(column: Column) -> str:
    return column.read.format(quoted(column.name))


def _text(column: Column) -> str:
    return f"({_value(column)})::text"


def _tagged(text: str) -> str:
    return f"coalesce('V' || octet_length({text}) || ':' || {text}, 'N')"


def _literal(column: Column, text: str) -> str:
    return f"{literal(text)}::{column.native}"
