"""Maps stage types to H2's. Of times it takes texts: beyond 300 years it counts microseconds wrongly."""

from __future__ import annotations

import re

from dvt.core.types import MAX_DIGITS, Kind
from dvt.drivers.jdbc.loads.load_types import Loads, LoadType, Requirement
from dvt.drivers.jdbc.loads.parameters import (
    NO_TIME,
    VIOLATED,
    as_json,
    blob,
    counted,
    decimals,
    floating,
    huge,
    made,
    text,
    texts,
    whole,
)

_NO_DATE = {"impossible": "isinf({0})", "why": ", which is no date"}
_TEXT = "varchar"


def _moment(native: str, local: str, offset: str = "") -> LoadType:
    """Return how a timestamp is loaded; `local` is DuckDB's SQL of its time of the day.

    Its year is written as a number, since DuckDB writes others than H2 for those before 1 and after 9999.
    """
    sent = f"printf('%04d', year({local})) || strftime({local}, '-%m-%d %H:%M:%S.%f') || '{offset}'"
    return made(native, sent=sent, **_NO_DATE)


_LOCAL = _moment("timestamp(6)", "CAST({0} AS TIMESTAMP)")
H2 = Loads(
    types={
        Kind.BOOLEAN: made("boolean"),
        Kind.NULL: whole("integer"),
        Kind.TINYINT: whole("tinyint"),
        **dict.fromkeys((Kind.UTINYINT, Kind.SMALLINT), whole("smallint")),
        **dict.fromkeys((Kind.USMALLINT, Kind.INTEGER), whole("integer")),
        **dict.fromkeys((Kind.UINTEGER, Kind.BIGINT), whole("bigint")),
        Kind.UBIGINT: decimals("numeric(20,0)", 0),
        **dict.fromkeys((Kind.HUGEINT, Kind.UHUGEINT), huge(f"numeric({MAX_DIGITS},0)")),
        Kind.FLOAT: floating("real"),
        Kind.DOUBLE: floating("double precision"),
        Kind.VARCHAR: text(_TEXT),
        Kind.UUID: made("uuid"),
        Kind.BLOB: blob("blob"),
        Kind.DATE: counted(
            "date", "{0} - DATE '1970-01-01'", "CAST(DATEADD(DAY, ?, DATE '1970-01-01') AS date)", **_NO_DATE
        ),
        Kind.TIME: made("time(6)", **NO_TIME),
        Kind.TIME_NS: made("time(9)", **NO_TIME),
        Kind.TIMETZ: made("time(6) with time zone", **NO_TIME),
        **dict.fromkeys((Kind.TIMESTAMP, Kind.TIMESTAMP_S, Kind.TIMESTAMP_MS), _LOCAL),
        Kind.TIMESTAMP_NS: made("timestamp(9)", **_NO_DATE),
        Kind.TIMESTAMPTZ: _moment("timestamp(6) with time zone", "({0} AT TIME ZONE 'UTC')", "+00:00"),
        **texts(_TEXT),
    },
    decimals=lambda precision, scale: decimals(f"numeric({precision},{scale})", scale),
    others=as_json(_TEXT),
    refuses=VIOLATED,
    requires=Requirement(
        sql="SELECT setting_value FROM information_schema.settings WHERE setting_name = 'MODE'",
        met=re.compile("REGULAR|STRICT|LEGACY", re.IGNORECASE),
        problem="it is in the compatibility mode {}, in which values change: '' is NULL for Oracle's, say",
        hint="dvt loads H2 in its regular mode: leave MODE out of `url`",
    ),
)
