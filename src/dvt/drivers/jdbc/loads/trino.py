"""Maps stage types to Trino's.

Trino takes the rows of clients in statements alone. They are sent as one literal of JSON, which it reads
fifty times as fast as VALUES of as many expressions. Days and parts of a second are counted from 1970, so
that no calendar and no time zone is between. A smallint becomes an integer, since not every catalog of
Trino's has it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from dvt.core.types import MAX_DIGITS, Kind
from dvt.drivers.jdbc.loads.load_types import JsonRows, Loads, LoadType

_STATEMENT = 900_000
"""Trino takes statements of 1,000,000 characters, unless its setting `query.max-length` is another."""
_VALUE = 800_000
"""Characters of a value that a statement has room for."""
_TOO_LONG = ", which is longer than a statement of Trino may be"
_LONG_HINT = f"shorten the value in the model to {_VALUE:,} characters, or leave it out"
_LOSES_TYPE = "its type; it becomes text"
_FLOAT = (
    "CASE WHEN isnan({0}) THEN 'NaN' WHEN isinf({0}) THEN if({0} > 0, 'Infinity', '-Infinity') "
    "ELSE CAST({0} AS VARCHAR) END"
)
_NO_DATE: Any = {"impossible": "isinf({0})", "why": ", which is no date"}
_NO_TIME: Any = {
    "impossible": "CAST({0} AS VARCHAR) LIKE '24%'",
    "why": ", which is no time of the day in Trino",
}


def _moment(native: str, sent: str) -> LoadType:
    """Return how a timestamp is loaded; `sent` is DuckDB's SQL of its nanoseconds, as text."""
    instant = "from_unixtime_nanos(CAST({0} AS decimal(38,0))) AT TIME ZONE 'UTC'"
    return LoadType(native=native, sent=sent, arrives=f"CAST({instant} AS {native})", **_NO_DATE)


def _text(loses: str | None = None, sent: str = "CAST({0} AS VARCHAR)") -> LoadType:
    return LoadType(
        native="varchar",
        sent=sent,
        loses=loses,
        impossible=f"length({sent}) > {_VALUE}",
        why=_TOO_LONG,
        hint=_LONG_HINT,
    )


def _rows(columns: Sequence[str]) -> tuple[str, str]:
    types = ", ".join("varchar" for _ in columns)
    return (
        "UNNEST(CAST(json_parse('[",
        f"]') AS array(row({types})))) AS dvt_rows ({', '.join(columns)})",
    )


_INTEGER = LoadType(native="integer")
_WIDE = LoadType(
    native=f"decimal({MAX_DIGITS},0)",
    impossible="{0} IS NOT NULL AND TRY_CAST({0} AS DECIMAL(38,0)) IS NULL",
    why=", which has more than 38 digits",
    hint="change the value in the model, or cast the column to a DOUBLE or to text",
)
_LOCAL = _moment("timestamp(6)", "CAST(epoch_us(CAST({0} AS TIMESTAMP)) AS VARCHAR) || '000'")
TRINO = Loads(
    types={
        Kind.BOOLEAN: LoadType(native="boolean"),
        **dict.fromkeys(
            (Kind.NULL, Kind.TINYINT, Kind.UTINYINT, Kind.SMALLINT, Kind.USMALLINT, Kind.INTEGER), _INTEGER
        ),
        **dict.fromkeys((Kind.UINTEGER, Kind.BIGINT), LoadType(native="bigint")),
        Kind.UBIGINT: LoadType(native="decimal(20,0)"),
        **dict.fromkeys((Kind.HUGEINT, Kind.UHUGEINT), _WIDE),
        Kind.FLOAT: LoadType(native="real", sent=_FLOAT),
        Kind.DOUBLE: LoadType(native="double", sent=_FLOAT),
        Kind.VARCHAR: _text(),
        Kind.UUID: LoadType(native="uuid"),
        Kind.BLOB: LoadType(
            native="varbinary",
            sent="hex({0})",
            arrives="from_hex(CAST({0} AS varchar))",
            impossible=f"octet_length({{0}}) * 2 > {_VALUE}",
            why=_TOO_LONG,
            hint=_LONG_HINT,
        ),
        Kind.DATE: LoadType(
            native="date",
            sent="CAST({0} - DATE '1970-01-01' AS VARCHAR)",
            arrives="date_add('day', CAST({0} AS bigint), DATE '1970-01-01')",
            **_NO_DATE,
        ),
        Kind.TIME: LoadType(native="time(6)", **_NO_TIME),
        Kind.TIME_NS: LoadType(native="time(9)", **_NO_TIME),
        **dict.fromkeys((Kind.TIMESTAMP, Kind.TIMESTAMP_S, Kind.TIMESTAMP_MS), _LOCAL),
        Kind.TIMESTAMP_NS: _moment("timestamp(9)", "CAST(epoch_ns({0}) AS VARCHAR)"),
        Kind.TIMESTAMPTZ: _moment("timestamp(6) with time zone", "CAST(epoch_us({0}) AS VARCHAR) || '000'"),
        Kind.ENUM: _text("the order of its values; it becomes text, ordered as text"),
        Kind.GEOMETRY: _text("its type; it becomes text (WKT)"),
        Kind.VARIANT: _text("its type; it becomes text (JSON)", "CAST(CAST({0} AS JSON) AS VARCHAR)"),
        **dict.fromkeys((Kind.JSON, Kind.TIMETZ, Kind.INTERVAL, Kind.BIT, Kind.BIGNUM), _text(_LOSES_TYPE)),
    },
    decimals=lambda precision, scale: LoadType(native=f"decimal({precision},{scale})"),
    others=_text("its type; it becomes text (JSON)", "CAST(to_json({0}) AS VARCHAR)"),
    json=JsonRows(around=_rows, longest=_STATEMENT, literal=lambda text: f"replace({text}, '''', '''''')"),
    refuses=re.compile("NULL value not allowed for NOT NULL column", re.IGNORECASE),
)
