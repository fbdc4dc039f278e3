"""Maps stage types to Oracle's, as its documentation describes them.

The empty text is NULL there: it is refused, unless the model says so. Floating point numbers are sent as
such, since a NUMBER holds neither all of them nor what is no number.
"""

from __future__ import annotations

import re
from typing import Any

from dvt.core.types import MAX_DIGITS, Kind
from dvt.drivers.jdbc.loads.load_types import Loads, LoadType, Requirement
from dvt.drivers.jdbc.loads.parameters import (
    AS_TEXT,
    UNORDERED,
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
    within_julian_calendar,
)

_LENGTH = 4_000
"""Bytes of a VARCHAR2, unless the database allows more (MAX_STRING_SIZE)."""
_TEXT = f"varchar2({_LENGTH})"
_BINARY_DOUBLE = 101
"""Code of the driver's own for 64 bits of floating point, of which Oracle makes 32 without a loss."""
_SMALLEST = {"binary_float": "1.17549435e-38", "binary_double": "2.2250738585072014e-308"}
"""Type → its smallest number above 0 with all of its digits."""
_SHORT: Any = {"longest": _LENGTH, "is_in_bytes": True}
_NOT_EMPTY: Any = {
    "impossible": "{0} = ''",
    "why": "an empty text, which is NULL in Oracle",
    "hint": "if NULL will do, write nullif(…, '') around the column in the model",
}
_NO_BYTES: Any = {
    **_NOT_EMPTY,
    "impossible": "octet_length({0}) = 0",
    "why": "no bytes, which is NULL in Oracle",
}
_UTC = "({0} AT TIME ZONE 'UTC')"
_MOMENT = "TO_TIMESTAMP{}({{0}}, 'YYYY-MM-DD HH24:MI:SS.FF{}')"


def _floating(native: str) -> LoadType:
    return floating(
        native,
        as_type=_BINARY_DOUBLE,
        impossible=f"{{0}} <> 0 AND abs({{0}}) < {_SMALLEST[native]}",
        why=", which is too small for Oracle",
    )


def _written(local: str) -> str:
    """Return DuckDB's SQL of a timestamp without a zone, with six digits of a second."""
    return f"CAST(CAST({local} AS DATE) AS VARCHAR) || strftime({local}, ' %H:%M:%S.%f')"


_LOCAL = made(
    "timestamp(6)",
    _MOMENT.format("", ""),
    sent=_written("CAST({0} AS TIMESTAMP)"),
    **within_julian_calendar("{0}"),
)
ORACLE = Loads(
    types={
        Kind.BOOLEAN: counted(
            "number(1)",
            "CAST({0} AS INTEGER)",
            "{0}",
            loses="its type; it becomes the number 1 or 0",
            reads=Kind.DECIMAL,
        ),
        **dict.fromkeys((Kind.TINYINT, Kind.UTINYINT), whole("number(3)")),
        **dict.fromkeys((Kind.SMALLINT, Kind.USMALLINT), whole("number(5)")),
        **dict.fromkeys((Kind.NULL, Kind.INTEGER, Kind.UINTEGER), whole("number(10)")),
        Kind.BIGINT: whole("number(19)"),
        Kind.UBIGINT: decimals("number(20)", 0),
        **dict.fromkeys((Kind.HUGEINT, Kind.UHUGEINT), huge(f"number({MAX_DIGITS})")),
        Kind.FLOAT: _floating("binary_float"),
        Kind.DOUBLE: _floating("binary_double"),
        Kind.VARCHAR: text(_TEXT, **_SHORT, **_NOT_EMPTY),
        Kind.UUID: text("varchar2(36)", loses=AS_TEXT),
        Kind.BLOB: blob("blob", **_NO_BYTES),
        Kind.DATE: made(
            "date", "TO_DATE({0}, 'YYYY-MM-DD')", reads=Kind.TIMESTAMP, **within_julian_calendar("{0}")
        ),
        **dict.fromkeys((Kind.TIMESTAMP, Kind.TIMESTAMP_S, Kind.TIMESTAMP_MS), _LOCAL),
        Kind.TIMESTAMP_NS: made(
            "timestamp(9)",
            _MOMENT.format("", ""),
            sent="strftime({0}, '%Y-%m-%d %H:%M:%S.%n')",
            impossible="isinf({0})",
            why=", which is no date",
        ),
        Kind.TIMESTAMPTZ: made(
            "timestamp(6) with time zone",
            _MOMENT.format("_TZ", " TZH:TZM"),
            sent=f"{_written(_UTC)} || ' +00:00'",
            **within_julian_calendar(_UTC),
        ),
        **dict.fromkeys((Kind.TIME, Kind.TIME_NS, Kind.TIMETZ), text("varchar2(32)", loses=AS_TEXT)),
        **texts(_TEXT, **_SHORT),
        # A bit string of no bits is an empty text.
        Kind.BIT: text(_TEXT, loses=AS_TEXT, **_SHORT, **_NOT_EMPTY),
        # So may be a value of an ENUM.
        Kind.ENUM: text(_TEXT, loses=UNORDERED, **_SHORT, **_NOT_EMPTY),
    },
    decimals=lambda precision, scale: decimals(f"number({precision},{scale})", scale),
    others=as_json(_TEXT, **_SHORT),
    refuses=VIOLATED,
    drop="DROP TABLE {table} PURGE",
    has_databases=False,
    requires=Requirement(
        sql="SELECT value FROM nls_database_parameters WHERE parameter = 'NLS_CHARACTERSET'",
        met=re.compile("AL32UTF8|UTF8"),
        problem="its character set is {}, in which other characters would become question marks",
        hint="dvt loads databases of the character set AL32UTF8",
    ),
)
