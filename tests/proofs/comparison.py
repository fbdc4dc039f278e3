"""Comparison of a server's value with the engine's, both as text, by class."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from dvt.federation.plan.proven.classes import DECIMALS

_KEPT_DIGITS = 20
"""Digits behind the point that the engine keeps of a quotient."""
_CONTEXT = Context(prec=50_000)
"""Has room for all digits of PostgreSQL's numerics."""
_UNITS = {"year": 12, "mon": 1, "month": 1}


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two values agree."""

    equal: bool
    same_text: bool = True


def compare(class_: str, server: str | None, engine: str | None) -> Agreement:
    """Compare two values of a class."""
    if server is None or engine is None:
        return Agreement(server is engine)
    if class_ in DECIMALS:
        return _decimals(server, engine)
    if class_ in ("double", "float"):
        return Agreement(_close(float(server), float(engine)))
    meaning = _json if class_.endswith("[]") else _MEANINGS.get(class_, str)
    return Agreement(meaning(server) == meaning(engine), server == engine)


def _decimals(server: str, engine: str) -> Agreement:
    left, right = Decimal(server), Decimal(engine)
    if not left.is_finite() or not right.is_finite():
        return Agreement(server == engine)
    digits = max(_KEPT_DIGITS, -int(right.as_tuple().exponent))
    unit = Decimal(1).scaleb(-digits, _CONTEXT)
    rounded = (
        left.quantize(unit, ROUND_HALF_UP, _CONTEXT) if -int(left.as_tuple().exponent) > digits else left
    )
    return Agreement(rounded == right, server == engine)


def _close(left: float, right: float) -> bool:
    return (
        left == right or (math.isnan(left) and math.isnan(right)) or math.isclose(left, right, rel_tol=1e-13)
    )


def _json(text: str) -> object:
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def _moment(text: str) -> str:
    if " (BC)" in text:
        text = text.replace(" (BC)", "") + " BC"
    # PostgreSQL shows the seconds of the offsets before there were time zones, DuckDB does not.
    text = re.sub(r"([+-]\d\d:\d\d):\d\d(?=$| BC)", r"\1", text)
    short = re.sub(r"(\.\d*?)0+(?=$|[+ -])", r"\1", text.removesuffix("+00"))
    return re.sub(r"\.(?=$|[+ -])", "", short)


def _interval(text: str) -> tuple[int, int, int]:
    """Return months, days and microseconds."""
    months = days = micros = 0
    for number, unit in re.findall(r"([+-]?\d+) (year|mon|month|day)s?", text):
        if unit == "day":
            days += int(number)
        else:
            months += int(number) * _UNITS[unit]
    match = re.search(r"([+-]?)(\d+):(\d\d):(\d\d)(?:\.(\d+))?", text)
    if match:
        sign, hours, minutes, seconds, fraction = match.groups()
        micros = (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * 10**6
        micros += int((fraction or "").ljust(6, "0"))
        micros *= -1 if sign == "-" else 1
    return months, days, micros


_MEANINGS: Mapping[str, Callable[[str], object]] = {
    "json": _json,
    "interval": _interval,
    "date": _moment,
    "timestamp": _moment,
    "timestamptz": _moment,
}
"""Class → what a text of it means; the text itself elsewhere."""
