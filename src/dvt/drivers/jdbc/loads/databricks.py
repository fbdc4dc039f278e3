"""Maps stage types to Databricks', as its documentation describes them; its SQL is that of Spark.

Rows are sent as one literal of JSON in each INSERT, which `from_json` reads. Days and parts of a second are
counted from 1970. Sessions are in UTC, so that a timestamp without a zone is the instant's time of the day.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from dvt.core.types import MAX_DIGITS, Kind
from dvt.drivers.jdbc.loads.load_types import JsonRows, Loads, LoadType
from dvt.drivers.jdbc.loads.parameters import AS_JSON, AS_TEXT, UNORDERED

_STATEMENT = 2_000_000
"""Characters of the rows in a statement; Databricks takes 16 MB."""
_VALUE = 5_000_000
"""Bytes of a value that a statement has room for, however many characters of it are escaped."""
_FLOAT = (
    "CASE WHEN isnan({0}) THEN 'NaN' WHEN isinf({0}) THEN if({0} > 0, 'Infinity', '-Infinity') "
    "ELSE CAST({0} AS VARCHAR) END"
)
_YEARS: Any = {"why": ", and Databricks has the years 1 to 9999"}


def _beyond(local: str) -> str:
    """Return which days cannot arrive; `local` is DuckDB's SQL of a date or a timestamp without a zone."""
    day = f"CAST({local} AS DATE)"
    return f"isinf({{0}}) OR {day} NOT BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'"


def _text(loses: str | None = None, sent: str = "CAST({0} AS VARCHAR)") -> LoadType:
    return LoadType(native="string", sent=sent, arrives="{0}", loses=loses, longest=_VALUE, is_in_bytes=True)


def _rows(columns: Sequence[str]) -> tuple[str, str]:
    fields = ", ".join(f"dvt_row[{place}] AS {column}" for place, column in enumerate(columns))
    return (
        f"(SELECT {fields} FROM (SELECT explode(from_json('[",
        "]', 'array<array<string>>')) AS dvt_row))",
    )


def _literal(text: str) -> str:
    """Return DuckDB's SQL of a text in JSON as it stands in a literal.

    A $ is written by its number: Spark replaces `${…}` in a statement, within literals too.
    """
    return rf"replace(replace(replace({text}, '\', '\\'), '''', '\'''), '$', '\\u0024')"


_INSTANT = "timestamp_micros(CAST({0} AS bigint))"
_LOCAL = LoadType(
    native="timestamp_ntz",
    sent="CAST(epoch_us(CAST({0} AS TIMESTAMP)) AS VARCHAR)",
    arrives=f"CAST({_INSTANT} AS timestamp_ntz)",
    impossible=_beyond("{0}"),
    **_YEARS,
)
DATABRICKS = Loads(
    types={
        Kind.BOOLEAN: LoadType(native="boolean"),
        Kind.TINYINT: LoadType(native="tinyint"),
        **dict.fromkeys((Kind.UTINYINT, Kind.SMALLINT), LoadType(native="smallint")),
        **dict.fromkeys((Kind.NULL, Kind.USMALLINT, Kind.INTEGER), LoadType(native="int")),
        **dict.fromkeys((Kind.UINTEGER, Kind.BIGINT), LoadType(native="bigint")),
        Kind.UBIGINT: LoadType(native="decimal(20,0)"),
        **dict.fromkeys(
            (Kind.HUGEINT, Kind.UHUGEINT),
            LoadType(
                native=f"decimal({MAX_DIGITS},0)",
                impossible=f"{{0}} IS NOT NULL AND TRY_CAST({{0}} AS DECIMAL({MAX_DIGITS},0)) IS NULL",
                why=f", which has more than {MAX_DIGITS} digits",
                hint="change the value in the model, or cast the column to a DOUBLE or to text",
            ),
        ),
        Kind.FLOAT: LoadType(native="float", sent=_FLOAT),
        Kind.DOUBLE: LoadType(native="double", sent=_FLOAT),
        Kind.VARCHAR: _text(),
        Kind.BLOB: LoadType(
            native="binary", sent="hex({0})", arrives="unhex({0})", longest=_VALUE, is_in_bytes=True
        ),
        Kind.DATE: LoadType(
            native="date",
            sent="CAST({0} - DATE '1970-01-01' AS VARCHAR)",
            arrives="date_from_unix_date(CAST({0} AS int))",
            impossible=_beyond("{0}"),
            **_YEARS,
        ),
        **dict.fromkeys((Kind.TIMESTAMP, Kind.TIMESTAMP_S, Kind.TIMESTAMP_MS), _LOCAL),
        Kind.TIMESTAMP_NS: LoadType(
            native="timestamp_ntz",
            sent="CAST(epoch_us(CAST({0} AS TIMESTAMP)) AS VARCHAR)",
            arrives=_LOCAL.arrives,
            impossible="isinf({0}) OR epoch_ns({0}) % 1000 <> 0",
            why=", and timestamps of Databricks have six digits of a second",
        ),
        Kind.TIMESTAMPTZ: LoadType(
            native="timestamp",
            sent="CAST(epoch_us({0}) AS VARCHAR)",
            arrives=_INSTANT,
            impossible=_beyond("({0} AT TIME ZONE 'UTC')"),
            **_YEARS,
        ),
        Kind.ENUM: _text(UNORDERED),
        Kind.GEOMETRY: _text("its type; it becomes text (WKT)"),
        Kind.VARIANT: _text(AS_JSON, "CAST(CAST({0} AS JSON) AS VARCHAR)"),
        **dict.fromkeys(
            (
                Kind.UUID,
                Kind.JSON,
                Kind.TIME,
                Kind.TIME_NS,
                Kind.TIMETZ,
                Kind.INTERVAL,
                Kind.BIT,
                Kind.BIGNUM,
            ),
            _text(AS_TEXT),
        ),
    },
    decimals=lambda precision, scale: LoadType(native=f"decimal({precision},{scale})"),
    others=_text(AS_JSON, "CAST(to_json({0}) AS VARCHAR)"),
    json=JsonRows(around=_rows, longest=_STATEMENT, literal=_literal),
    refuses=re.compile("NOT_NULL_CONSTRAINT_VIOLATED|CHECK_CONSTRAINT|DELTA_VIOLATE_CONSTRAINT"),
    converts_silently=True,
)
