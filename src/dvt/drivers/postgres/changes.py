"""Writes SQL by which PostgreSQL tells which rows have changed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dvt.core.queries import ExtractedColumn
from dvt.core.tables import Column
from dvt.core.types import BIGINT
from dvt.drivers.duckdb.sql import escape_braces
from dvt.drivers.postgres.names import literal, quoted

ALGORITHM = "lookup3 of binary values, 2"
"""See `CanFindChanges.hash_algorithm`."""
_BINARY = {
    "smallint": "int2send({0})",
    "integer": "int4send({0})",
    "bigint": "int8send({0})",
    "real": "float4send({0})",
    "double precision": "float8send({0})",
    "numeric": "numeric_send({0})",
    "boolean": "boolsend({0})",
    "text": "textsend({0})",
    "character varying": "textsend({0})",
    "character": "textsend({0})",
    "bytea": "{0}",
    "uuid": "uuid_send({0})",
    "date": "date_send({0})",
    "json": "json_send({0})",
    "jsonb": "jsonb_send({0})",
    "oid": "oidsend({0})",
    "interval": "interval_send({0})",
    "time without time zone": "time_send({0})",
    "time with time zone": "timetz_send({0})",
    "timestamp without time zone": "timestamp_send({0})",
    "timestamp with time zone": "timestamptz_send({0})",
}
"""Types, as `format_type` writes them, whose values differ in binary wherever they differ in staging, and the
SQL of a value `{0}` in binary.

Not among them: `regclass` and `money`, whose texts depend on other things than their values; types of
extensions, which may have no binary form; those that users make, whose OIDs count in arrays, and are others
in a restored database.
"""
_SIZE = re.compile(r"\(-?\d+(?:,-?\d+)?\)")
"""Matches the size in the name of a type."""


def selected(extracted: ExtractedColumn) -> str:
    """See CanFindChanges."""
    return f"{_value(extracted.column)} AS {quoted(extracted.name)}"


def row_hash(columns: Sequence[Column]) -> Column:
    """See CanFindChanges.

    The hash of an array is the only one of 64 bits that SQL has for bytes, and costs a tenth of MD5. It is
    made of a hash of each value, into which its length goes, and of zero for NULL.
    """
    read = escape_braces(f"hash_array_extended(ARRAY[{', '.join(map(_hashed, columns))}], 0)")
    return Column(name="", native="bigint", stage=BIGINT, read=read)


def is_among(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    """See CanFindChanges."""
    names = ", ".join(quoted(column.name) if column.name else _value(column) for column in columns)
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
    name, native = quoted(column.name), _SIZE.sub("", column.native)
    if native in _BINARY:
        return _BINARY[native].format(name)
    if native.endswith("[]") and native.rstrip("[]") in _BINARY:
        return f"array_send({name})"
    return f"textsend(({_value(column)})::text)"


def _literal(column: Column, text: str) -> str:
    return f"{literal(text)}::{column.native}"
