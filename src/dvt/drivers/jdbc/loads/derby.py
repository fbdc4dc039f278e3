"""Maps stage types to Apache Derby's: it has decimals of 31 digits, times in seconds, and no instants."""

from __future__ import annotations

from dvt.core.types import Kind
from dvt.drivers.jdbc.loads.load_types import Loads, LoadType
from dvt.drivers.jdbc.loads.parameters import (
    AS_TEXT,
    VIOLATED,
    as_json,
    blob,
    decimals,
    floating,
    made,
    text,
    texts,
    whole,
    within_julian_calendar,
)

_DIGITS = 31
"""Highest precision of a decimal."""
_LENGTH = 32_672
"""Highest length of a text without a CLOB, which Derby cannot compare."""
_TEXT = f"varchar({_LENGTH})"


def _decimal(precision: int, scale: int) -> LoadType:
    """Return how decimals are loaded; those of more digits, as sums have, where their values have not."""
    if precision <= _DIGITS:
        return decimals(f"decimal({precision},{scale})", scale)
    held = min(scale, _DIGITS)
    cast = f"TRY_CAST({{0}} AS DECIMAL({_DIGITS},{held}))"
    return decimals(
        f"decimal({_DIGITS},{held})",
        held,
        impossible=f"{{0}} IS NOT NULL AND ({cast} IS NULL OR {cast} <> {{0}})",
        why=f", and decimals of Derby have {_DIGITS} digits",
        hint="change the value in the model, or cast the column to a DOUBLE or to text",
    )


def _floating(native: str) -> LoadType:
    return floating(native, impossible="isnan({0}) OR isinf({0})", why=", which Derby does not have")


_BLOB = 2004
"""Its code in java.sql.Types: Derby takes no other NULL for it."""
_LOCAL = made("timestamp", **within_julian_calendar("{0}"))
DERBY = Loads(
    types={
        Kind.BOOLEAN: made("boolean"),
        Kind.NULL: whole("integer"),
        **dict.fromkeys((Kind.TINYINT, Kind.UTINYINT, Kind.SMALLINT), whole("smallint")),
        **dict.fromkeys((Kind.USMALLINT, Kind.INTEGER), whole("integer")),
        **dict.fromkeys((Kind.UINTEGER, Kind.BIGINT), whole("bigint")),
        Kind.UBIGINT: decimals("decimal(20,0)", 0),
        **dict.fromkeys((Kind.HUGEINT, Kind.UHUGEINT), _decimal(38, 0)),
        Kind.FLOAT: _floating("real"),
        Kind.DOUBLE: _floating("double"),
        Kind.VARCHAR: text(_TEXT, longest=_LENGTH),
        Kind.UUID: text("char(36)", loses=AS_TEXT),
        Kind.BLOB: blob("blob", as_type=_BLOB),
        Kind.DATE: made("date", **within_julian_calendar("{0}")),
        **dict.fromkeys(
            (Kind.TIME, Kind.TIME_NS),
            made(
                "time",
                impossible="CAST({0} AS VARCHAR) LIKE '24%' OR CAST({0} AS VARCHAR) LIKE '%.%'",
                why=", and times of the day have no parts of a second in Derby",
            ),
        ),
        Kind.TIMETZ: text(_TEXT, loses=AS_TEXT),
        **dict.fromkeys((Kind.TIMESTAMP, Kind.TIMESTAMP_S, Kind.TIMESTAMP_MS, Kind.TIMESTAMP_NS), _LOCAL),
        Kind.TIMESTAMPTZ: made(
            "timestamp",
            sent="CAST({0} AT TIME ZONE 'UTC' AS VARCHAR)",
            loses="that it is an instant; it becomes the time of the day in UTC",
            reads=Kind.TIMESTAMP,
            **within_julian_calendar("({0} AT TIME ZONE 'UTC')"),
        ),
        **texts(_TEXT, longest=_LENGTH),
    },
    decimals=_decimal,
    others=as_json(_TEXT, longest=_LENGTH),
    refuses=VIOLATED,
    drop="DROP TABLE {table}",
    has_databases=False,
)
