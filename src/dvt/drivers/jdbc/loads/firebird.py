"""Maps stage types to Firebird's (4 and later), as its documentation describes them.

Texts become BLOBs of text: rows are of 64 KB at most, in which few columns of long VARCHARs have room. Parts
of a second have four digits.
"""

from __future__ import annotations

from typing import Any

from dvt.core.types import MAX_DIGITS, Kind
from dvt.drivers.jdbc.loads.load_types import Loads, LoadType
from dvt.drivers.jdbc.loads.parameters import (
    AS_TEXT,
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

_TEXT = "blob sub_type text character set utf8"
_UTC = "({0} AT TIME ZONE 'UTC')"


def _exact(condition: str) -> dict[str, str]:
    """Return which times cannot arrive: those of `condition`, in DuckDB's SQL."""
    return {"impossible": condition, "why": ", and times of Firebird have four digits of a second"}


def _days(local: str, also: str = "") -> dict[str, str]:
    """Return which days cannot arrive; `local` is DuckDB's SQL of a date or a timestamp without a zone."""
    day = f"CAST({local} AS DATE)"
    return {
        "impossible": f"isinf({{0}}) OR {day} NOT BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'{also}",
        "why": ", which Firebird cannot hold",
    }


def _parsed(native: str, **more: Any) -> LoadType:
    """Return how values are loaded that the server makes of texts.

    Its driver would read those before 1582 in another calendar.
    """
    return made(native, f"CAST(CAST({{0}} AS varchar(40)) AS {native})", **more)


def _text(**more: Any) -> LoadType:
    return text(_TEXT, **more)


_LOCAL = _parsed("timestamp", **_days("{0}", " OR epoch_us({0}) % 100 <> 0"))
_TIME = _parsed(
    "time",
    **_exact("CAST({0} AS VARCHAR) LIKE '24%' OR CAST({0} AS VARCHAR) LIKE '%._____%'"),
)
FIREBIRD = Loads(
    types={
        Kind.BOOLEAN: made("boolean"),
        **dict.fromkeys((Kind.TINYINT, Kind.UTINYINT, Kind.SMALLINT), whole("smallint")),
        **dict.fromkeys((Kind.NULL, Kind.USMALLINT, Kind.INTEGER), whole("integer")),
        **dict.fromkeys((Kind.UINTEGER, Kind.BIGINT), whole("bigint")),
        Kind.UBIGINT: decimals("decimal(20,0)", 0),
        **dict.fromkeys((Kind.HUGEINT, Kind.UHUGEINT), huge(f"decimal({MAX_DIGITS},0)")),
        Kind.FLOAT: floating("float"),
        Kind.DOUBLE: floating("double precision"),
        Kind.VARCHAR: _text(),
        Kind.UUID: text("char(36) character set ascii", loses=AS_TEXT),
        Kind.BLOB: blob("blob sub_type binary"),
        Kind.DATE: _parsed("date", **_days("{0}")),
        **dict.fromkeys((Kind.TIME, Kind.TIME_NS), _TIME),
        **dict.fromkeys((Kind.TIMESTAMP, Kind.TIMESTAMP_S, Kind.TIMESTAMP_MS), _LOCAL),
        Kind.TIMESTAMP_NS: _parsed("timestamp", **_days("{0}", " OR epoch_ns({0}) % 100000 <> 0")),
        Kind.TIMESTAMPTZ: _parsed(
            "timestamp with time zone",
            sent=f"CAST({_UTC} AS VARCHAR) || ' +00:00'",
            **_days(_UTC, " OR epoch_us({0}) % 100 <> 0"),
        ),
        Kind.TIMETZ: _text(loses=AS_TEXT),
        **texts(_TEXT),
    },
    decimals=lambda precision, scale: decimals(f"decimal({precision},{scale})", scale),
    others=as_json(_TEXT),
    refuses=VIOLATED,
    drop="DROP TABLE {table}",
    has_databases=False,
)
