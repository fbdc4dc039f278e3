"""Writes SQL by which PostgreSQL tells which rows have changed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dvt.core.queries import ExtractedColumn
from dvt.core.tables import Column
from dvt.core.types import BIGINT
from dvt.drivers.duckdb.sql import escape_braces
from dvt.drivers.postgres.names import literal, quoted

ALGORITHM = "lookup3 of binary rows, 2"
"""See `CanFindChanges.hash_algorithm`."""
_BINARY = re.compile(
    r"(?:smallint|integer|bigint|real|double precision|numeric|boolean|text|character varying|character|"
    r"bpchar|bytea|uuid|date|json|jsonb|oid|"
    r"(?:time|timestamp)(?:\(\d\))? with(?:out)? time zone|interval(?: [a-z ]+)?(?:\(\d\))?)"
    r"(?:\(-?\d+(?:,-?\d+)?\))?(?:\[\])*\Z"
)
"""Matches types, as `format_type` writes them, whose values differ in binary wherever they differ in staging.

Not among them: `regclass` and `money`, whose texts depend on other things than their values; types of
extensions, which may have no binary form; those that users make, whose OIDs count in it and are others in a
restored database.
"""


def selected(extracted: ExtractedColumn) -> str:
    """See CanFindChanges."""
    return f"{_value(extracted.column)} AS {quoted(extracted.name)}"


def row_hash(columns: Sequence[Column]) -> Column:
    """See CanFindChanges.

    The binary form of a record has the length of each value, and -1 for NULL. The hash of an array of one
    such form is the only hash of 64 bits that SQL has for bytes; it costs a tenth of MD5.
    """
    row = f"ROW({', '.join(map(_hashed, columns))})"
    read = escape_braces(f"hash_array_extended(ARRAY[record_send({row})], 0)")
    return Column(name="", native="bigint", stage=BIGINT, read=read)


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


def _hashed(column: Column) -> str:
    """Write a column as it counts in a hash: texts depend on the session, which is set to round no number."""
    return quoted(column.name) if _BINARY.match(column.native) else f"({_value(column)})::text"


def _literal(column: Column, text: str) -> str:
    return f"{literal(text)}::{column.native}"
