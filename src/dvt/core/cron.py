"""Times of a schedule, written as cron does, in a named zone whose clocks are put forward and back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_HOURS = 24
_SHIFT = timedelta(hours=25)
"""More than any zone has ever put its clocks forward or back at once."""
_YEARS = timedelta(days=366 * 8 + 2)
"""Every day of the calendar is in a stretch of this length, the 29th of February across 2100 too."""
_PART = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d+))?", re.ASCII)


class _Field(NamedTuple):
    name: str
    lowest: int
    highest: int
    names: Sequence[str] = ()


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 7, _WEEKDAYS),
)


@dataclass(frozen=True, slots=True)
class Cron:
    """When something happens: minute, hour, day of the month, month, day of the week, as cron has them.

    Where both kinds of day are given, one of them must fit, as in cron.
    """

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    by_day: bool
    by_weekday: bool

    def after(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """Return the first time after a moment, in UTC.

        A time that a clock leaves out when it is put forward is as much later; of one that it shows twice the
        first counts, unless every hour fits: then both do.
        """
        start = moment.astimezone(zone).replace(tzinfo=None)
        best: datetime | None = None
        for wall in self._walls(start - _SHIFT):
            if best is not None and wall > best.astimezone(zone).replace(tzinfo=None) + _SHIFT:
                break
            for found in self._moments(wall, zone):
                if found > moment and (best is None or found < best):
                    best = found
        if best is None:
            msg = f"{self.text!r} never happens"
            raise ValueError(msg)
        return best

    def between(self, after: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """Yield the times after one moment, up to another one."""
        moment = self.after(after, zone)
        while moment <= until:
            yield moment
            moment = self.after(moment, zone)

    def longest_pause(self, since: datetime, zone: ZoneInfo) -> timedelta:
        """Return the longest time between two of the next times."""
        times = [self.after(since, zone)]
        for _ in range(8):
            times.append(self.after(times[-1], zone))
        return max(later - earlier for earlier, later in pairwise(times))

    def _moments(self, wall: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        folds = (0, 1) if len(self.hours) == _HOURS else (0,)
        for fold in folds:
            yield wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)

    def _walls(self, start: datetime) -> Iterator[datetime]:
        """Yield what a clock on the wall shows at these times, from a moment on."""
        for number in range(_YEARS.days):
            day = start.date() + timedelta(days=number)
            if not self._fits(day):
                continue
            for hour in sorted(self.hours):
                for minute in sorted(self.minutes):
                    wall = datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001
                    if wall > start:
                        yield wall

    def _fits(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        if self.by_day and self.by_weekday:
            return of_month or of_week
        return of_month and of_week


def cron(text: str) -> Cron:
    """Return the times that a text names; ValueError if it names none.

    Example:
        >>> berlin = ZoneInfo("Europe/Berlin")
        >>> cron("30 2 * * *").after(datetime(2026, 3, 29, tzinfo=UTC), berlin).astimezone(berlin).isoformat()
        '2026-03-29T03:30:00+02:00'
    """
    parts = text.split()
    if len(parts) != len(_FIELDS):
        msg = "should have five parts: minute, hour, day of the month, month, day of the week, as '0 2 * * *'"
        raise ValueError(msg)
    minutes, hours, days, months, weekdays = (
        _values(part, field) for part, field in zip(parts, _FIELDS, strict=True)
    )
    read = Cron(
        " ".join(parts),
        minutes,
        hours,
        days,
        months,
        frozenset(day % 7 for day in weekdays),
        by_day=not parts[2].startswith("*"),
        by_weekday=not parts[4].startswith("*"),
    )
    if not any(True for _ in islice(read._walls(datetime(2000, 1, 1)), 1)):  # noqa: DTZ001, SLF001
        msg = f"there is no such day: {parts[2]} {parts[3]}"
        raise ValueError(msg)
    return read


def _values(text: str, field: _Field) -> frozenset[int]:
    values: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise _error(field, part)
        step = int(match["step"] or 1)
        first = field.lowest if match["first"] is None else _number(match["first"], field)
        last = first if match["first"] is not None and match["step"] is None else field.highest
        if match["last"] is not None:
            last = _number(match["last"], field)
        if step < 1 or first > last:
            raise _error(field, part)
        values.update(range(first, last + 1, step))
    return frozenset(values)


def _number(text: str, field: _Field) -> int:
    if text.lower() in field.names:
        return field.names.index(text.lower()) + (1 if field.names is _MONTHS else 0)
    if not text.isdigit() or not field.lowest <= int(text) <= field.highest:
        raise _error(field, text)
    return int(text)


def _error(field: _Field, part: str) -> ValueError:
    names = f", or {field.names[0]} to {field.names[-1]}" if field.names else ""
    return ValueError(
        f"{part!r} is no {field.name}: that is {field.lowest} to {field.highest}{names}, `*`, `1-5`, `*/2`"
    )
