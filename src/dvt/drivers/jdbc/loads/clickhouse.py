"""Maps stage types to ClickHouse's, as its documentation describes them.

Rows are sent as one literal of JSON in each INSERT, which `format` reads. Every column is Nullable: a column
is made before it is known whether there are NULLs. ClickHouse clips dates beyond its own: they are refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from dvt.core.types import Kind
from dvt.drivers.jdbc.loads.load_types import JsonRows, Loads, LoadType

_STATEMENT = 150_000
"""ClickHouse takes statements of 262,144 bytes, unless its setting `max_query_size` is another. The rest is
for the columns' names and types."""
_VALUE = 100_000
"""Bytes of a value that a statement has room for."""
_TOO_LONG = ", which is longer than a statement of ClickHouse may be"
_LONG_HINT = f"shorten the value in the model to {_VALUE:,} bytes, or leave it out"
_LOSES_TYPE = "its type; it becomes a String"
_YEARS: Any = {
    "why": ", and ClickHouse has the years 1900 to 2299",
    "hint": "change the value in the model, or cast the column to text",
}


def _of(type_: str, **more: Any) -> LoadType:
    return LoadType(native=f"Nullable({type_})", **more)


def _text(loses: str | None = None, sent: str = "CAST({0} AS VARCHAR)") -> LoadType:
    return _of(
        "String",
        sent=sent,
        arrives="{0}",
        loses=loses,
        impossible=f"strlen({sent}) > {_VALUE}",
        why=_TOO_LONG,
        hint=_LONG_HINT,
    )


def _moment(digits: int, sent: str, cast: str, loses: str | None = None) -> LoadType:
    """Return how a timestamp is loaded; `sent` is DuckDB's SQL of its parts of a second since 1970."""
    unit = "Micro" if digits == 6 else "Nano"  # noqa: PLR2004  microseconds, or nanoseconds
    return _of(
        f"DateTime64({digits}, 'UTC')",
        sent=f"CAST({sent} AS VARCHAR)",
        arrives=f"fromUnixTimestamp64{unit}(toInt64({{0}}), 'UTC')",
        loses=loses,
        impossible=f"CAST({{0}} AS {cast}) < CAST('1900-01-01 00:00:00+00' AS {cast}) "
        f"OR CAST({{0}} AS {cast}) >= CAST('2300-01-01 00:00:00+00' AS {cast})",
        **_YEARS,
    )


def _rows(columns: Sequence[str]) -> tuple[str, str]:
    types = ", ".join(f"{column} Nullable(String)" for column in columns)
    return f"format(JSONCompactEachRow, '{types}', '", "')"


def _literal(text: str) -> str:
    return rf"replace(replace({text}, '\', '\\'), '''', '\''')"


_LOCAL = "that it is a time of the day: ClickHouse's are instants, and it is taken for one in UTC"
_NUMBERS = {
    Kind.NULL: "Int32",
    Kind.BOOLEAN: "Bool",
    Kind.TINYINT: "Int8",
    Kind.SMALLINT: "Int16",
    Kind.INTEGER: "Int32",
    Kind.BIGINT: "Int64",
    Kind.HUGEINT: "Int128",
    Kind.UTINYINT: "UInt8",
    Kind.USMALLINT: "UInt16",
    Kind.UINTEGER: "UInt32",
    Kind.UBIGINT: "UInt64",
    Kind.UHUGEINT: "UInt128",
    Kind.FLOAT: "Float32",
    Kind.DOUBLE: "Float64",
    Kind.UUID: "UUID",
}
CLICKHOUSE = Loads(
    types={
        **{kind: _of(type_) for kind, type_ in _NUMBERS.items()},
        Kind.VARCHAR: _text(),
        Kind.BLOB: _of(
            "String",
            sent="hex({0})",
            arrives="unhex({0})",
            loses="its type; it becomes a String of the same bytes",
            impossible=f"octet_length({{0}}) * 2 > {_VALUE}",
            why=_TOO_LONG,
            hint=_LONG_HINT,
        ),
        Kind.DATE: _of(
            "Date32",
            sent="CAST({0} - DATE '1970-01-01' AS VARCHAR)",
            arrives="addDays(toDate32('1970-01-01'), toInt32({0}))",
            impossible="{0} NOT BETWEEN DATE '1900-01-01' AND DATE '2299-12-31'",
            **_YEARS,
        ),
        **dict.fromkeys(
            (Kind.TIMESTAMP, Kind.TIMESTAMP_S, Kind.TIMESTAMP_MS),
            _moment(6, "epoch_us(CAST({0} AS TIMESTAMP))", "TIMESTAMP", _LOCAL),
        ),
        Kind.TIMESTAMP_NS: _moment(9, "epoch_ns({0})", "TIMESTAMP", _LOCAL),
        Kind.TIMESTAMPTZ: _moment(6, "epoch_us({0})", "TIMESTAMP WITH TIME ZONE"),
        Kind.ENUM: _text("the order of its values; it becomes text, ordered as text"),
        Kind.GEOMETRY: _text("its type; it becomes text (WKT)"),
        Kind.VARIANT: _text("its type; it becomes text (JSON)", "CAST(CAST({0} AS JSON) AS VARCHAR)"),
        **dict.fromkeys(
            (Kind.JSON, Kind.TIME, Kind.TIME_NS, Kind.TIMETZ, Kind.INTERVAL, Kind.BIT, Kind.BIGNUM),
            _text(_LOSES_TYPE),
        ),
    },
    decimals=lambda precision, scale: _of(f"Decimal({precision},{scale})"),
    others=_text("its type; it becomes text (JSON)", "CAST(to_json({0}) AS VARCHAR)"),
    json=JsonRows(around=_rows, longest=_STATEMENT, literal=_literal),
    options=" ENGINE = MergeTree ORDER BY tuple()",
    converts_silently=True,
    refuses=re.compile(r"VIOLATED_CONSTRAINT|Cannot convert NULL value", re.IGNORECASE),
)
