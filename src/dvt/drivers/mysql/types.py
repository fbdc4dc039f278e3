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
from dvt.core.tables import Column
from dvt.core.types import (
    BIGINT,
    BLOB,
    DATE,
    DOUBLE,
    FLOAT,
    INTEGER,
    INTERVAL,
    JSON,
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

AS_TEXT = "CAST({0} AS CHAR)"
DATES = frozenset({DATE, TIMESTAMP, TIMESTAMPTZ})
ZERO_DATES = "zero_dates"
"""Option of a table: `null` where zero dates are read as NULL; else they stop the extraction."""
_MAX_DIGITS = 38
_WHOLE_DIGITS = 20
"""Digits of the largest 64-bit integer: a decimal that keeps so many before its point stays a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A column as the server's catalog has it."""

    name: str
    native: str
    """Its whole type, e.g. `bigint(20) unsigned`."""
    kind: str
    """Its type's name alone, e.g. `bigint`."""
    precision: int | None = None
    scale: int | None = None
    collation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _TypeMapping:
    """How values of one type are read and staged; `{0}` is the column."""

    stage: StageType
    read: str = "{0}"
    unpack: str = "{0}"
    exact: bool = False
    loses: str | None = None


_INTEGERS: Mapping[str, tuple[StageType, StageType]] = {
    "tinyint": (TINYINT, UTINYINT),
    "smallint": (SMALLINT, USMALLINT),
    "mediumint": (INTEGER, UINTEGER),
    "int": (INTEGER, UINTEGER),
    "bigint": (BIGINT, UBIGINT),
}
_BITS = ((8, UTINYINT), (16, USMALLINT), (32, UINTEGER), (64, UBIGINT))
_BYTEWISE = re.compile(r"_nopad_bin$|_0900_bin$|^binary$")
"""Collations that compare text as DuckDB does: byte by byte, trailing spaces too."""
_RANKED_KINDS = frozenset({"enum", "set"})
_GEOMETRY = (
    *("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"),
    *("geometrycollection", "geomcollection"),
)


def column(described: Described) -> Column:
    """Return how a column of the catalog is staged."""
    mapping = _MAPPINGS.get(described.kind, _unknown)(described)
    is_text = mapping.stage == VARCHAR and described.collation is not None
    return Column(
        name=described.name,
        native=described.native,
        stage=mapping.stage,
        exact=mapping.exact,
        collation=described.collation
        if is_text and not _BYTEWISE.search(described.collation or "")
        else None,
        ranked=described.kind in _RANKED_KINDS,
        read=mapping.read,
        unpack=mapping.unpack,
        loses=mapping.loses,
    )


def as_read(described: Column, table: TableRef) -> Column:
    """Return the column as its table's options read it: zero dates become NULL in staging alone."""
    dated = described.stage in DATES and table.option(ZERO_DATES) == "null"
    return replace(described, nulls_exact=False) if dated else described


def checked(arrived: str, of: Column, table: TableRef) -> str:
    """Return DuckDB SQL of an extracted value.

    A value that its type cannot hold stops the query, or becomes NULL where the table's options say so.
    """
    where = f"{table}, column {of.name}"
    value = of.unpack.format(arrived)
    if of.stage.kind is Kind.DECIMAL:
        hint = "read a view that casts the column to a decimal of at most 38 digits"
        misfit = refusal(where, f"'holds ' || {arrived} || ', more digits than {of.stage} has'", hint)
    elif of.stage in DATES:
        misfit = _no_date(arrived, where, table)
    else:
        return value
    # TRY_CAST made NULL of a value that does not fit.
    return f"coalesce({value}, CAST(CASE WHEN {arrived} IS NOT NULL THEN {misfit} END AS {of.stage}))"


def _no_date(arrived: str, where: str, table: TableRef) -> str:
    zero = f"(substr({arrived}, 6, 2) = '00' OR substr({arrived}, 9, 2) = '00')"
    hint = 'set `zero_dates: "null"` on the source to read them as NULL, or correct them in the database'
    stop = refusal(where, f"'holds the zero date ' || {arrived}", hint)
    wrong = refusal(
        where, f"'holds ' || {arrived} || ', which no calendar has'", "correct it in the database"
    )
    return f"CASE WHEN {zero} THEN {'NULL' if table.option(ZERO_DATES) == 'null' else stop} ELSE {wrong} END"


def _integer(described: Described) -> _TypeMapping:
    signed, unsigned = _INTEGERS[described.kind]
    stage = unsigned if "unsigned" in described.native or "zerofill" in described.native else signed
    return _TypeMapping(stage=stage, unpack=f"CAST({{0}} AS {stage})", exact=True)


def _decimal(described: Described) -> _TypeMapping:
    digits, scale = described.precision or 10, described.scale or 0
    if digits > _MAX_DIGITS and _MAX_DIGITS - scale >= _WHOLE_DIGITS:
        # What the server makes of sums: SUM(bigint) is decimal(41,0). Larger values stop the run.
        return _number(decimal(_MAX_DIGITS, scale))
    if digits > _MAX_DIGITS:
        loses = f"{described.native} has more digits than DuckDB's DECIMAL: it is staged as text, exactly"
        return _TypeMapping(stage=VARCHAR, read=AS_TEXT, loses=loses)
    return _number(decimal(digits, scale))


def _number(stage: StageType) -> _TypeMapping:
    return _TypeMapping(stage=stage, read=AS_TEXT, unpack=f"TRY_CAST({{0}} AS {stage})", exact=True)


def _float(described: Described) -> _TypeMapping:  # noqa: ARG001
    return _TypeMapping(stage=FLOAT, read="{0} * 1e0", unpack="CAST({0} AS FLOAT)")


def _double(described: Described) -> _TypeMapping:  # noqa: ARG001
    return _TypeMapping(stage=DOUBLE, unpack="CAST({0} AS DOUBLE)")


def _bit(described: Described) -> _TypeMapping:
    width = described.precision or 64
    stage = next(stage for limit, stage in _BITS if width <= limit)
    return _TypeMapping(stage=stage, read="CAST({0} AS UNSIGNED)", unpack=f"CAST({{0}} AS {stage})")


def _year(described: Described) -> _TypeMapping:  # noqa: ARG001
    return _TypeMapping(stage=SMALLINT, unpack="CAST({0} AS SMALLINT)")


def _date(described: Described) -> _TypeMapping:  # noqa: ARG001
    return _TypeMapping(stage=DATE, read=AS_TEXT, unpack="TRY_CAST({0} AS DATE)", exact=True)


def _datetime(described: Described) -> _TypeMapping:  # noqa: ARG001
    return _TypeMapping(stage=TIMESTAMP, read=AS_TEXT, unpack="TRY_CAST({0} AS TIMESTAMP)", exact=True)


def _timestamp(described: Described) -> _TypeMapping:  # noqa: ARG001
    # An instant: the server shows it in the session's zone, which is pinned to UTC.
    unpack = "TRY_CAST({0} || '+00' AS TIMESTAMP WITH TIME ZONE)"
    return _TypeMapping(stage=TIMESTAMPTZ, read=AS_TEXT, unpack=unpack)


def _time(described: Described) -> _TypeMapping:  # noqa: ARG001
    # A span of up to 838 hours, which both databases write alike.
    return _TypeMapping(stage=INTERVAL, read=AS_TEXT, unpack="CAST({0} AS INTERVAL)")


def _text(described: Described) -> _TypeMapping:
    binary = (described.collation or "").endswith("_bin")
    return _TypeMapping(stage=VARCHAR, read=AS_TEXT if binary else "{0}")


def _bytes(described: Described) -> _TypeMapping:  # noqa: ARG001
    return _TypeMapping(stage=BLOB)


def _json(described: Described) -> _TypeMapping:  # noqa: ARG001
    return _TypeMapping(stage=JSON, read=AS_TEXT, unpack="CAST({0} AS JSON)")


def _uuid(described: Described) -> _TypeMapping:  # noqa: ARG001
    return _TypeMapping(stage=UUID, read=AS_TEXT, unpack="CAST({0} AS UUID)")


def _address(described: Described) -> _TypeMapping:  # noqa: ARG001
    return _TypeMapping(stage=VARCHAR, read=AS_TEXT)


def _geometry(described: Described) -> _TypeMapping:
    loses = f"{described.native} is staged as WKB (binary), without its SRID"
    return _TypeMapping(stage=BLOB, read="HEX(ST_AsBinary({0}))", unpack="unhex({0})", loses=loses)


def _unknown(described: Described) -> _TypeMapping:
    return _TypeMapping(stage=VARCHAR, read=AS_TEXT, loses=f"{described.native} is staged as text")


_MAPPINGS: Mapping[str, Callable[[Described], _TypeMapping]] = {
    **dict.fromkeys(_INTEGERS, _integer),
    **dict.fromkeys(_GEOMETRY, _geometry),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"), _text),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), _bytes),
    **dict.fromkeys(("inet4", "inet6"), _address),
    "decimal": _decimal,
    "float": _float,
    "double": _double,
    "bit": _bit,
    "year": _year,
    "date": _date,
    "datetime": _datetime,
    "timestamp": _timestamp,
    "time": _time,
    "json": _json,
    "uuid": _uuid,
}
