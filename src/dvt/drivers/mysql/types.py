"""Maps MySQL's and MariaDB's types to stage types, and says how values are read.

The scanner gets every answer over the binary protocol but guesses some types from display widths
(`DECIMAL(10,2) UNSIGNED` arrived as DECIMAL(9,2)), takes text of a `_bin` collation for bytes, and turns
zero dates into NULL. So whatever is not a plain number, text or bytes is sent as text and cast by DuckDB.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from dvt.core.names import TableRef
from dvt.core.tables import Column, TypeMapping
from dvt.core.types import (
    BIGINT,
    BLOB,
    DATE,
    DOUBLE,
    FLOAT,
    INTEGER,
    INTERVAL,
    JSON,
    MAX_DIGITS,
    SMALLINT,
    TIMESTAMP,
    TIMESTAMPTZ,
    TINYINT,
    UBIGINT,
    UINTEGER,
    USMALLINT,
    UTINYINT,
    UUID,
    VARCHAR,
    Kind,
    StageType,
    decimal,
)
from dvt.drivers.duckdb import refusal
from dvt.drivers.mysql.flavour import Flavour

AS_TEXT = "CAST({0} AS CHAR)"
"""The server's SQL that sends a value as text."""
DATES = frozenset({DATE, TIMESTAMP, TIMESTAMPTZ})
"""Stage types of columns that may hold zero dates."""
ZERO_DATES = "zero_dates"
"""Option of a table: `null` where zero dates are read as NULL; else they stop the extraction."""
_NO_DATE = (
    "MONTH({0}) = 0 OR DAYOFMONTH({0}) = 0 OR DAYOFMONTH({0}) > DAYOFMONTH(LAST_DAY({0}))"
    " OR ({0} IS NOT NULL AND LAST_DAY({0}) IS NULL)"
)
"""The server's SQL condition: the value is a zero date, or one that no calendar has."""
_WHOLE_DIGITS = 20
"""Digits of the largest 64-bit integer: a decimal that keeps that many before its point stays a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogColumn:
    """A column as the server's catalog has it."""

    name: str
    native: str
    """Its whole type, e.g. `bigint(20) unsigned`."""
    kind: str
    """Its type's name alone, e.g. `bigint`."""
    precision: int | None = None
    scale: int | None = None
    collation: str | None = None


_INTEGERS: Mapping[str, tuple[StageType, StageType]] = {
    "tinyint": (TINYINT, UTINYINT),
    "smallint": (SMALLINT, USMALLINT),
    "mediumint": (INTEGER, UINTEGER),
    "int": (INTEGER, UINTEGER),
    "bigint": (BIGINT, UBIGINT),
}
"""`data_type` → stage types of signed and of unsigned columns."""
_BITS = ((8, UTINYINT), (16, USMALLINT), (32, UINTEGER), (64, UBIGINT))
"""Bits that a stage type holds, and the type."""
_BYTEWISE = re.compile(r"_nopad_bin$|_0900_bin$|^binary$")
"""Collations that compare text as DuckDB does: byte by byte, trailing spaces too."""
_RANKED_KINDS = frozenset({"enum", "set"})
"""Types whose values the server sorts by their positions in a list."""
_KEPT = re.compile(
    r"(?:(?:tiny|small|medium|big)?int(?:\(\d+\))?|bit\(\d+\)|decimal\(\d+,\d+\)|(?:float|double)(?:\(\d+,\d+\))?|"
    r"date|year(?:\(4\))?|(?:datetime|time)(?:\(\d\))?|(?:var)?binary\(\d+\)|(?:tiny|medium|long)?blob)"
    r"(?: unsigned)?(?: zerofill)?\Z"
)
"""Matches types without a collation, as information_schema writes them, that every server has."""
_GEOMETRY = (
    *("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"),
    *("geometrycollection", "geomcollection"),
)


def map_column(column: CatalogColumn) -> Column:
    """Return how a column is read and staged."""
    mapping = _MAPPINGS.get(column.kind) or _SIZED.get(column.kind, _unknown)(column)
    collation = column.collation if mapping.stage == VARCHAR else None
    return replace(
        mapping.column(column.name, column.native),
        misfit=_misfit(column, mapping.stage),
        collation=None if collation is None or _BYTEWISE.search(collation) else collation,
        ranked=column.kind in _RANKED_KINDS,
    )


def _misfit(column: CatalogColumn, stage: StageType) -> str:
    """Return the server's SQL of a condition that a value stops the run, as `checked` makes it."""
    if stage in DATES:
        return _NO_DATE
    if stage.kind is Kind.DECIMAL and (column.precision or 0) > MAX_DIGITS:
        return f"ABS({{0}}) >= 1{'0' * (MAX_DIGITS - (stage.scale or 0))}"
    return ""


def own_type(column: Column, server: Flavour) -> str | None:
    """Return the type of a copy of a column without a collation: its own; None if a copy loses it."""
    native = column.native
    if _KEPT.match(native):
        # A decimal that is staged as text for its digits is staged exactly.
        return native if column.loses is None or native.startswith("decimal") else None
    if native.startswith("timestamp"):
        return f"{native} NULL"  # MariaDB gives a bare timestamp a default, and updates it
    kept = {
        "uuid": server.has_uuid,
        "inet4": server.has_inet4,
        "inet6": server.has_inet6,
        "year(2)": server.is_mariadb,
    }
    return native if kept.get(native) else None


def as_read(column: Column, table: TableRef) -> Column:
    """Return the column as its table's options read it: zero dates become NULL in staging alone."""
    nulls_dates = column.stage in DATES and table.option(ZERO_DATES) == "null"
    return replace(column, nulls_exact=False) if nulls_dates else column


def checked(arrived: str, column: Column, table: TableRef) -> str:
    """Return DuckDB SQL of an extracted value, which arrived as the SQL `arrived`.

    A value that its type cannot hold stops the query, or becomes NULL where the table's options say so.
    """
    where = f"{table}, column {column.name}"
    value = column.unpack.format(arrived)
    if column.stage.kind is Kind.DECIMAL:
        hint = "read a view that casts the column to a decimal of at most 38 digits"
        misfit = refusal(where, f"'holds ' || {arrived} || ', more digits than {column.stage} has'", hint)
    elif column.stage in DATES:
        misfit = _not_a_date(arrived, where, table)
    else:
        return value
    # TRY_CAST made NULL of a value that does not fit.
    return f"coalesce({value}, CAST(CASE WHEN {arrived} IS NOT NULL THEN {misfit} END AS {column.stage}))"


def _not_a_date(arrived: str, where: str, table: TableRef) -> str:
    """Return DuckDB SQL for a text that is no date: it stops the query, or gives NULL for a zero date."""
    zero = f"(substr({arrived}, 6, 2) = '00' OR substr({arrived}, 9, 2) = '00')"
    hint = 'set `zero_dates: "null"` on the source to read them as NULL, or correct them in the database'
    stop = refusal(where, f"'holds the zero date ' || {arrived}", hint)
    wrong = refusal(
        where, f"'holds ' || {arrived} || ', which no calendar has'", "correct it in the database"
    )
    return f"CASE WHEN {zero} THEN {'NULL' if table.option(ZERO_DATES) == 'null' else stop} ELSE {wrong} END"


def _integer(column: CatalogColumn) -> TypeMapping:
    signed, unsigned = _INTEGERS[column.kind]
    stage = unsigned if "unsigned" in column.native or "zerofill" in column.native else signed
    return TypeMapping(stage=stage, unpack=f"CAST({{0}} AS {stage})", exact=True)


def _decimal(column: CatalogColumn) -> TypeMapping:
    digits, scale = column.precision or 10, column.scale or 0
    if digits > MAX_DIGITS and MAX_DIGITS - scale >= _WHOLE_DIGITS:
        # What the server makes of sums: SUM(bigint) is decimal(41,0). Larger values stop the run.
        return _number(decimal(MAX_DIGITS, scale))
    if digits > MAX_DIGITS:
        loses = f"{column.native} has more digits than DuckDB's DECIMAL: it is staged as text, exactly"
        return TypeMapping(stage=VARCHAR, read=AS_TEXT, loses=loses)
    return _number(decimal(digits, scale))


def _number(stage: StageType) -> TypeMapping:
    return TypeMapping(stage=stage, read=AS_TEXT, unpack=f"TRY_CAST({{0}} AS {stage})", exact=True)


def _bit(column: CatalogColumn) -> TypeMapping:
    width = column.precision or 64
    stage = next(stage for limit, stage in _BITS if width <= limit)
    return TypeMapping(stage=stage, read="CAST({0} AS UNSIGNED)", unpack=f"CAST({{0}} AS {stage})")


def _text(column: CatalogColumn) -> TypeMapping:
    binary = (column.collation or "").endswith("_bin")
    return TypeMapping(stage=VARCHAR, read=AS_TEXT if binary else "{0}")


def _geometry(column: CatalogColumn) -> TypeMapping:
    loses = f"{column.native} is staged as WKB (binary), without its SRID"
    # The server's functions take a BLOB for its own format, of which WKB is a part, and find other points.
    return TypeMapping(
        stage=BLOB, read="HEX(ST_AsBinary({0}))", unpack="unhex({0})", loses=loses, is_misread=True
    )


def _unknown(column: CatalogColumn) -> TypeMapping:
    return TypeMapping(stage=VARCHAR, read=AS_TEXT, loses=f"{column.native} is staged as text")


_CENTURY = "CASE WHEN length({0}) > 2 THEN '' WHEN {0} < '70' THEN '20' ELSE '19' END"
"""SQL: the first two digits of the year of a `year(2)`, which has two: 00 is 2000."""
_YEAR = f"CAST({_CENTURY} || {{0}} AS SMALLINT)"
"""SQL: the year of its text. MySQL's own YEAR() makes NULL of years."""
_MAPPINGS: Mapping[str, TypeMapping] = {
    "float": TypeMapping(stage=FLOAT, read="{0} * 1e0", unpack="CAST({0} AS FLOAT)"),
    "double": TypeMapping(stage=DOUBLE, unpack="CAST({0} AS DOUBLE)"),
    "year": TypeMapping(stage=SMALLINT, read=AS_TEXT, unpack=_YEAR),
    "date": TypeMapping(stage=DATE, read=AS_TEXT, unpack="TRY_CAST({0} AS DATE)", exact=True),
    "datetime": TypeMapping(stage=TIMESTAMP, read=AS_TEXT, unpack="TRY_CAST({0} AS TIMESTAMP)", exact=True),
    # An instant: the server shows it in the session's time zone, which dvt sets to UTC.
    "timestamp": TypeMapping(
        stage=TIMESTAMPTZ,
        read=AS_TEXT,
        unpack="TRY_CAST({0} || '+00' AS TIMESTAMP WITH TIME ZONE)",
        exact=True,
    ),
    # A span of up to 838 hours, which both databases write alike.
    "time": TypeMapping(stage=INTERVAL, read=AS_TEXT, unpack="CAST({0} AS INTERVAL)"),
    "json": TypeMapping(stage=JSON, read=AS_TEXT, unpack="CAST({0} AS JSON)"),
    "uuid": TypeMapping(stage=UUID, read=AS_TEXT, unpack="CAST({0} AS UUID)"),
    **dict.fromkeys(("inet4", "inet6"), TypeMapping(stage=VARCHAR, read=AS_TEXT)),
    **dict.fromkeys(
        ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), TypeMapping(stage=BLOB)
    ),
}
"""`data_type` → the mapping, where it depends on nothing else."""
_SIZED: Mapping[str, Callable[[CatalogColumn], TypeMapping]] = {
    **dict.fromkeys(_INTEGERS, _integer),
    **dict.fromkeys(_GEOMETRY, _geometry),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"), _text),
    "decimal": _decimal,
    "bit": _bit,
}
"""`data_type` → function that gives the mapping, where it depends on size, sign or collation."""
