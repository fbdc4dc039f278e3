"""What databases share whose rows are the parameters of a prepared INSERT: `?` is the value, or its text."""

from __future__ import annotations

import re
from typing import Any

from dvt.core.types import MAX_DIGITS, Kind
from dvt.drivers.jdbc.loads.load_types import BYTES, DECIMAL, FLOATING, TEXT, WHOLE, LoadType

VIOLATED = re.compile(r"\(SQLSTATE 23")
"""Matches a database's message about a row that breaks a constraint, by the class of its SQLSTATE."""
AS_TEXT = "its type; it becomes text"
AS_JSON = "its type; it becomes text (JSON)"
UNORDERED = "the order of its values; it becomes text, ordered as text"
NO_TIME: Any = {
    "impossible": "CAST({0} AS VARCHAR) LIKE '24%'",
    "why": ", which is no time of the day in its database",
}
"""DuckDB's time 24:00:00."""


def whole(native: str) -> LoadType:
    """Return how whole numbers of up to 64 bits with a sign are loaded."""
    return LoadType(native=native, sent="{0}", carrier=WHOLE, arrives="{0}")


def floating(native: str, as_type: int | None = None, **more: Any) -> LoadType:
    """Return how floating point numbers are loaded: a FLOAT is a DOUBLE on the way, which changes nothing.

    `as_type` is what the driver is told that they are.
    """
    return LoadType(native=native, sent="{0}", carrier=_told(FLOATING, as_type), arrives="{0}", **more)


def decimals(native: str, scale: int, **more: Any) -> LoadType:
    """Return how decimals are loaded."""
    return LoadType(native=native, sent="{0}", carrier=f"{DECIMAL}{scale}", arrives="{0}", **more)


def huge(native: str) -> LoadType:
    """Return how whole numbers of 128 bits are loaded: those of up to 38 digits."""
    return decimals(
        native,
        0,
        impossible=f"{{0}} IS NOT NULL AND TRY_CAST({{0}} AS DECIMAL({MAX_DIGITS},0)) IS NULL",
        why=f", which has more than {MAX_DIGITS} digits",
        hint="change the value in the model, or cast the column to a DOUBLE or to text",
    )


def text(native: str, *, sent: str = "CAST({0} AS VARCHAR)", **more: Any) -> LoadType:
    """Return how texts are loaded, and what becomes text."""
    return LoadType(native=native, sent=sent, carrier=TEXT, arrives="{0}", **more)


def made(native: str, arrives: str = "", **more: Any) -> LoadType:
    """Return how values are loaded that the database makes of texts: by a cast, or by `arrives`, its SQL."""
    return LoadType(native=native, arrives=arrives, **more)


def counted(native: str, sent: str, arrives: str, **more: Any) -> LoadType:
    """Return how values are loaded that the database makes of a number of units since 1970."""
    return LoadType(native=native, sent=sent, carrier=WHOLE, arrives=arrives, **more)


def blob(native: str, as_type: int | None = None, **more: Any) -> LoadType:
    """Return how bytes are loaded; `as_type` is what the driver is told that they are."""
    return LoadType(native=native, sent="{0}", carrier=_told(BYTES, as_type), arrives="{0}", **more)


def _told(carrier: str, as_type: int | None) -> str:
    return carrier if as_type is None else f"{carrier}@{as_type}"


def texts(native: str, **more: Any) -> dict[Kind, LoadType]:
    """Return how the types are loaded that few databases have: as texts."""
    return {
        Kind.ENUM: text(native, loses=UNORDERED, **more),
        Kind.GEOMETRY: text(native, loses="its type; it becomes text (WKT)", **more),
        Kind.VARIANT: text(native, loses=AS_JSON, sent="CAST(CAST({0} AS JSON) AS VARCHAR)", **more),
        **dict.fromkeys(
            (Kind.JSON, Kind.INTERVAL, Kind.BIT, Kind.BIGNUM), text(native, loses=AS_TEXT, **more)
        ),
    }


def as_json(native: str, **more: Any) -> LoadType:
    """Return how lists, structs and the like are loaded: as texts in JSON."""
    return text(native, loses=AS_JSON, sent="CAST(to_json({0}) AS VARCHAR)", **more)


def within_julian_calendar(local: str) -> dict[str, str]:
    """Return which days cannot arrive in a database with the calendar of old: 5 to 14 October 1582 are none.

    `local` is DuckDB's SQL of a date, or of a timestamp without a zone. Years are those of four digits.
    """
    day = f"CAST({local} AS DATE)"
    return {
        "impossible": f"isinf({{0}}) OR {day} NOT BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' "
        f"OR {day} BETWEEN DATE '1582-10-05' AND DATE '1582-10-14'",
        "why": ", which its database has no day for",
    }
