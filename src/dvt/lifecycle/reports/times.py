"""Writes moments, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from dvt.core.moments import DAY, SECOND, Moment, time_of_moment


def moment_text(moment: Moment) -> str:
    """Return a moment in ISO 8601, to the second.

    Example:
        >>> moment_text(1_767_225_600_000_000_000)
        '2026-01-01T00:00:00Z'
    """
    try:
        return f"{time_of_moment(moment):%Y-%m-%dT%H:%M:%SZ}"
    except OverflowError:
        return "far away"


def day_moment(text: str) -> Moment:
    """Return the end of a day, or the moment, that a text names; ValueError if it names none.

    Example:
        >>> moment_text(day_moment("2026-01-01"))
        '2026-01-02T00:00:00Z'
    """
    moment = first_moment(text)
    return moment + DAY if len(text) == len("2026-01-01") else moment


def first_moment(text: str) -> Moment:
    """Return the begin of a day, or the moment, that a text names; ValueError if it names none."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if not datetime(1970, 1, 1, tzinfo=UTC) <= moment < datetime(2262, 1, 1, tzinfo=UTC):
        msg = "it is before 1970 or after 2261"
        raise ValueError(msg)
    return int(moment.timestamp()) * SECOND
