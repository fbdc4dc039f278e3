"""Maps stage types to BigQuery's: the column's type, and what is written to Parquet for it.

A load job takes each value from the type in Parquet that the documentation pairs with the column's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dvt.core.types import (
    BIGINT,
    BLOB,
    BOOLEAN,
    DATE,
    DOUBLE,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    VARCHAR,
    Kind,
    StageType,
    decimal,
)
from dvt.drivers.duckdb import refusal

_NUMERIC_SCALE, _NUMERIC_WHOLE = 9, 29
"""Digits behind and before the point that a NUMERIC has at most; a BIGNUMERIC has 38 of each."""
_JSON = "CAST(to_json({0}) AS VARCHAR)"
_TEXT = "its type; it becomes text"


_WIDE = decimal(38, 0)
"""The type that is sent of whole numbers which may have more digits."""
_FIRST, _LAST = "'0001-01-01 00:00:00+00'", "'9999-12-31 23:59:59.999999+00'"
"""The first and the last moment that BigQuery knows."""
_YEARS_HINT = "BigQuery has the years 1 to 9999: change the value in the model, or cast the column to text"
_DIGITS_HINT = "change the value in the model, or cast the column to a DOUBLE or to text"


@dataclass(frozen=True, slots=True)
class LoadType:
    """How a staged value is sent, and the type of the column that takes it."""

    native: str
    """Type of the column in BigQuery's DDL."""
    sent: StageType
    """Type that is written to the file."""
    value: str = "CAST({0} AS {1})"
    """DuckDB SQL of the value: `{0}` has the staged type, `{1}` is `sent`."""
    loses: str | None = None

    def of(self, value: str) -> str:
        """Return the DuckDB SQL of what is sent for `value`."""
        return self.value.format(value, self.sent)

    def checked(self, value: str, where: str) -> str:
        """Return the DuckDB SQL of what is sent for `value`, which stops at one that BigQuery cannot hold."""
        sent = self.of(value)
        if self.sent in (DATE, TIMESTAMP, TIMESTAMPTZ):
            first, last = f"CAST({_FIRST} AS {self.sent})", f"CAST({_LAST} AS {self.sent})"
            if self.sent == DATE:
                last = "DATE '9999-12-31'"
            stop = refusal(where, f"'holds ' || CAST({value} AS VARCHAR)", _YEARS_HINT)
            return f"CASE WHEN {sent} NOT BETWEEN {first} AND {last} THEN {stop} ELSE {sent} END"
        if self.sent == _WIDE:
            problem = f"'holds ' || CAST({value} AS VARCHAR) || ', which has more than 38 digits'"
            tried = f"TRY_CAST({value} AS {self.sent})"
            stop = refusal(where, problem, _DIGITS_HINT)
            return f"CASE WHEN {value} IS NOT NULL AND {tried} IS NULL THEN {stop} ELSE {tried} END"
        return sent


_INTEGER = LoadType("INT64", BIGINT)
_MOMENT = LoadType("DATETIME", TIMESTAMP)
_KINDS: Mapping[Kind, LoadType] = {
    **dict.fromkeys((Kind.TINYINT, Kind.SMALLINT, Kind.INTEGER, Kind.BIGINT), _INTEGER),
    **dict.fromkeys((Kind.UTINYINT, Kind.USMALLINT, Kind.UINTEGER, Kind.NULL), _INTEGER),
    **dict.fromkeys((Kind.TIMESTAMP, Kind.TIMESTAMP_S, Kind.TIMESTAMP_MS), _MOMENT),
    Kind.BOOLEAN: LoadType("BOOL", BOOLEAN),
    Kind.UBIGINT: LoadType("NUMERIC(20,0)", decimal(20, 0)),
    Kind.HUGEINT: LoadType("BIGNUMERIC(38,0)", decimal(38, 0)),
    Kind.UHUGEINT: LoadType("BIGNUMERIC(38,0)", decimal(38, 0)),
    Kind.FLOAT: LoadType("FLOAT64", DOUBLE),
    Kind.DOUBLE: LoadType("FLOAT64", DOUBLE),
    Kind.VARCHAR: LoadType("STRING", VARCHAR),
    Kind.UUID: LoadType("STRING", VARCHAR),
    Kind.BLOB: LoadType("BYTES", BLOB),
    Kind.DATE: LoadType("DATE", DATE),
    Kind.TIME: LoadType("TIME", TIME),
    Kind.TIME_NS: LoadType("TIME", TIME, loses="nanoseconds are rounded to microseconds"),
    Kind.TIMETZ: LoadType("STRING", VARCHAR, loses=_TEXT),
    Kind.TIMESTAMP_NS: LoadType("DATETIME", TIMESTAMP, loses="nanoseconds are cut to microseconds"),
    Kind.TIMESTAMPTZ: LoadType("TIMESTAMP", TIMESTAMPTZ),
    Kind.JSON: LoadType("STRING", VARCHAR, loses=_TEXT),
    Kind.ENUM: LoadType("STRING", VARCHAR, loses="the order of its values; it becomes text, ordered as text"),
    Kind.INTERVAL: LoadType("STRING", VARCHAR, loses=_TEXT),
    Kind.VARIANT: LoadType(
        "STRING", VARCHAR, "CAST(CAST({0} AS JSON) AS VARCHAR)", loses="its type; it becomes text (JSON)"
    ),
    Kind.BIT: LoadType("STRING", VARCHAR, loses=_TEXT),
    Kind.BIGNUM: LoadType("STRING", VARCHAR, loses=_TEXT),
    Kind.GEOMETRY: LoadType("STRING", VARCHAR, loses="its type; it becomes text (WKT)"),
}


def load_type(type_: StageType) -> LoadType:
    """Return how values of a type are loaded."""
    if type_.kind in _KINDS:
        return _KINDS[type_.kind]
    if type_.precision is not None and type_.scale is not None:
        is_narrow = type_.scale <= _NUMERIC_SCALE and type_.precision - type_.scale <= _NUMERIC_WHOLE
        name = "NUMERIC" if is_narrow else "BIGNUMERIC"
        return LoadType(f"{name}({type_.precision},{type_.scale})", type_)
    return LoadType("STRING", VARCHAR, _JSON, loses="its type; it becomes text (JSON)")


def field(name: str, native: str) -> Any:
    """Return a column of a table's schema, as the API takes it."""
    from google.cloud import bigquery

    kind, _, sizes = native.rstrip(")").partition("(")
    precision, _, scale = sizes.partition(",")
    return bigquery.SchemaField(
        name, kind, precision=int(precision) if precision else None, scale=int(scale) if scale else None
    )
