"""What the data types take on the disk, and how that would go on: a straight line through what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import StatisticsError, linear_regression

from dvt.core.reports import size

_DAY = 86_400
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 630, 10, 176
"""Pixels of the chart's edges."""
_AHEAD = 30
"""Days that are guessed, at most as many as are known."""
_LEAST = 2
"""Days of which something must be known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A place of an axis. Pixels."""

    text: str
    x: float = 0
    y: float = 0
    anchor: str = "middle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """A chart, as SVG draws it."""

    text: str = ""
    points: Sequence[tuple[float, float]] = ()
    """Seconds since 1970, and bytes."""
    line: str = ""
    area: str = ""
    guess: str = ""
    marks: Sequence[Mark] = ()
    days: Sequence[Mark] = ()


def forecast(found: Sequence[tuple[float, int]], free: int | None) -> Forecast:
    """Draw what was found, and what would come of it.

    Args:
        found: seconds since 1970 and bytes, in any order.
        free: bytes that the disk has left; None: that is not known.
    """
    points = _of_each_day(found)
    if len(points) < _LEAST:
        return Forecast(points=points)
    slope = _trend(points)
    (first, _), (last, bytes_now) = points[0], points[-1]
    end = last + min(_AHEAD * _DAY, max(_DAY, last - first))
    then = max(0.0, bytes_now + slope * (end - last))
    top = max(1.0, then, *(value for _, value in points)) * 1.1

    def place(at: float, value: float) -> tuple[float, float]:
        x = _LEFT + (_RIGHT - _LEFT) * (at - first) / (end - first)
        return x, _BOTTOM - (_BOTTOM - _TOP) * value / top

    drawn = [place(at, value) for at, value in points]
    edge = [(drawn[0][0], float(_BOTTOM)), *drawn, (drawn[-1][0], float(_BOTTOM))]
    return Forecast(
        text=_sentence(slope, free),
        points=points,
        line=_text(drawn),
        area=_text(edge),
        guess=_text([drawn[-1], place(end, then)]),
        marks=[Mark(text=size(top * part), y=place(first, top * part)[1]) for part in (0.0, 0.5, 1.0)],
        days=[
            Mark(text=_day(first), x=_LEFT, anchor="start"),
            Mark(text=_day(last), x=drawn[-1][0]),
            Mark(text=_day(end), x=_RIGHT, anchor="end"),
        ],
    )


def _of_each_day(found: Sequence[tuple[float, int]]) -> list[tuple[float, float]]:
    """Return the last finding of each day, in order."""
    last = {int(at // _DAY): (at, float(value)) for at, value in sorted(found)}
    return list(last.values())


def _trend(points: Sequence[tuple[float, float]]) -> float:
    """Return bytes per second."""
    first = points[0][0]
    try:
        line = linear_regression([at - first for at, _ in points], [value for _, value in points])
    except StatisticsError:
        return 0.0
    return line.slope


def _sentence(slope: float, free: int | None) -> str:
    daily = slope * _DAY
    if abs(daily) < 1000:  # noqa: PLR2004 - a kilobyte a day is nothing
        return "about the same every day"
    if daily < 0:
        return f"{size(-daily)} less every day"
    days = None if free is None else free / daily
    if days is None or days > 3650:  # noqa: PLR2004 - ten years are for ever
        return f"{size(daily)} more every day"
    return f"{size(daily)} more every day: the disk would be full in {days:,.0f} days"


def _day(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"


def _text(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
