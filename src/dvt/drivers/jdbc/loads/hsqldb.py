"""Maps stage types to HyperSQL's. Its calendar leaves out ten days of October 1582, and begins in year 1."""

from __future__ import annotations

from dvt.core.types import MAX_DIGITS, Kind
from dvt.drivers.jdbc.loads.load_types import Loads
from dvt.drivers.jdbc.loads.parameters import (
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
    within_julian_calendar,
)

_LENGTH = 16_777_216
"""Length of the longest text that HyperSQL has without a CLOB, which it cannot compare."""
_TEXT = f"varchar({_LENGTH})"
_LOCAL = made("timestamp(6)", **within_julian_calendar("{0}"))
HSQLDB = Loads(
    types={
        Kind.BOOLEAN: made("boolean"),
        Kind.NULL: whole("integer"),
        Kind.TINYINT: whole("tinyint"),
        **dict.fromkeys((Kind.UTINYINT, Kind.SMALLINT), whole("smallint")),
        **dict.fromkeys((Kind.USMALLINT, Kind.INTEGER), whole("integer")),
        **dict.fromkeys((Kind.UINTEGER, Kind.BIGINT), whole("bigint")),
        Kind.UBIGINT: decimals("decimal(20,0)", 0),
        **dict.fromkeys((Kind.HUGEINT, Kind.UHUGEINT), huge(f"decimal({MAX_DIGITS},0)")),
        **dict.fromkeys((Kind.FLOAT, Kind.DOUBLE), floating("double")),
        Kind.VARCHAR: text(_TEXT, longest=_LENGTH),
        Kind.UUID: made("uuid"),
        Kind.BLOB: blob("blob"),
        Kind.DATE: made("date", **within_julian_calendar("{0}")),
        **dict.fromkeys((Kind.TIME, Kind.TIME_NS), made("time(9)", **NO_TIME)),
        Kind.TIMETZ: made("time(6) with time zone", **NO_TIME),
        **dict.fromkeys((Kind.TIMESTAMP, Kind.TIMESTAMP_S, Kind.TIMESTAMP_MS), _LOCAL),
        Kind.TIMESTAMP_NS: made("timestamp(9)", **within_julian_calendar("{0}")),
        Kind.TIMESTAMPTZ: made(
            "timestamp(6) with time zone",
            sent="CAST({0} AT TIME ZONE 'UTC' AS VARCHAR) || '+0:00'",
            **within_julian_calendar("({0} AT TIME ZONE 'UTC')"),
        ),
        **texts(_TEXT, longest=_LENGTH),
    },
    decimals=lambda precision, scale: decimals(f"decimal({precision},{scale})", scale),
    others=as_json(_TEXT, longest=_LENGTH),
    refuses=VIOLATED,
)
