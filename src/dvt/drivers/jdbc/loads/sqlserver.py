"""Maps stage types to SQL Server's, as its documentation describes them.

Texts become nvarchar: a varchar has the characters of its collation's code page alone, and others would
become question marks. Dates and times are sent as ISO 8601 writes them, which no setting of a session
changes.
"""

from __future__ import annotations

from dvt.core.types import MAX_DIGITS, Kind
from dvt.drivers.jdbc.loads.load_types import Loads, LoadType
from dvt.drivers.jdbc.loads.parameters import (
    AS_TEXT,
    NO_TIME,
    VIOLATED,
    as_json,
    blob,
    decimals,
    floating,
    huge,
    made,
    text,
    texts,
    whole,
)

_TEXT = "nvarchar(max)"
_CODE_PAGE = frozenset({1, 12, -1})
"""Codes of CHAR, VARCHAR and LONGVARCHAR in java.sql.Types: columns of a code page."""
_SMALLEST = {"real": "1.17549435e-38", "float": "2.2250738585072014e-308"}
"""Type → its smallest number above 0 with all of its digits."""
_ISO = "replace(CAST({} AS VARCHAR), ' ', 'T')"
"""DuckDB's SQL of a timestamp without a zone, as ISO 8601 writes it."""


def _floating(native: str) -> LoadType:
    smallest = _SMALLEST[native]
    return floating(
        native,
        impossible=f"isnan({{0}}) OR isinf({{0}}) OR ({{0}} <> 0 AND abs({{0}}) < {smallest})",
        why=", which SQL Server does not have",
    )


def _years(local: str, also: str = "") -> dict[str, str]:
    """Return which days cannot arrive; `local` is DuckDB's SQL of a date or a timestamp without a zone."""
    day = f"CAST({local} AS DATE)"
    return {
        "impossible": f"isinf({{0}}) OR {day} NOT BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'{also}",
        "why": ", which SQL Server cannot hold",
    }


_LOCAL = made("datetime2(6)", sent=_ISO.format("{0}"), **_years("{0}"))
_UTC = "({0} AT TIME ZONE 'UTC')"
SQLSERVER = Loads(
    types={
        Kind.BOOLEAN: made("bit"),
        Kind.UTINYINT: whole("tinyint"),
        **dict.fromkeys((Kind.TINYINT, Kind.SMALLINT), whole("smallint")),
        **dict.fromkeys((Kind.NULL, Kind.USMALLINT, Kind.INTEGER), whole("int")),
        **dict.fromkeys((Kind.UINTEGER, Kind.BIGINT), whole("bigint")),
        Kind.UBIGINT: decimals("decimal(20,0)", 0),
        **dict.fromkeys((Kind.HUGEINT, Kind.UHUGEINT), huge(f"decimal({MAX_DIGITS},0)")),
        Kind.FLOAT: _floating("real"),
        Kind.DOUBLE: _floating("float"),
        Kind.VARCHAR: text(_TEXT),
        Kind.UUID: made("uniqueidentifier"),
        Kind.BLOB: blob("varbinary(max)"),
        Kind.DATE: made("date", **_years("{0}")),
        Kind.TIME: made("time(6)", **NO_TIME),
        Kind.TIME_NS: made(
            "time(7)",
            impossible=f"{NO_TIME['impossible']} OR CAST({{0}} AS VARCHAR) LIKE '%.________%'",
            why=", which is no time of the day with seven digits of a second",
        ),
        **dict.fromkeys((Kind.TIMESTAMP, Kind.TIMESTAMP_S, Kind.TIMESTAMP_MS), _LOCAL),
        Kind.TIMESTAMP_NS: made(
            "datetime2(7)", sent=_ISO.format("{0}"), **_years("{0}", " OR epoch_ns({0}) % 100 <> 0")
        ),
        Kind.TIMESTAMPTZ: made("datetimeoffset(6)", sent=f"{_ISO.format(_UTC)} || '+00:00'", **_years(_UTC)),
        Kind.TIMETZ: text(_TEXT, loses=AS_TEXT),
        **texts(_TEXT),
    },
    decimals=lambda precision, scale: decimals(f"decimal({precision},{scale})", scale),
    others=as_json(_TEXT),
    refuses=VIOLATED,
    ascii_alone=_CODE_PAGE,
)
