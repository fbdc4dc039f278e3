"""Moments and durations as whole numbers, and as Python has them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

Moment = int
"""Nanoseconds since 1970 in UTC, as file systems give them."""
SECOND = 1_000_000_000
"""Nanoseconds."""
DAY = 86_400 * SECOND
_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def nanoseconds(duration: timedelta) -> int:
    """Return a duration in nanoseconds.

    Example:
        >>> nanoseconds(timedelta(hours=1))
        3600000000000
    """
    return duration // _MICROSECOND * 1000


def moment_of_time(time: datetime) -> Moment:
    """Return a time, which is in a zone, as a moment."""
    return nanoseconds(time - _BEGIN)


def time_of_moment(moment: Moment) -> datetime:
    """Return a moment, to the microsecond, as a time in UTC; OverflowError if Python has no such time.

    Example:
        >>> time_of_moment(1_767_225_600_123_456_789).isoformat()
        '2026-01-01T00:00:00.123456+00:00'
    """
    # By whole microseconds: as a number with a point, a moment of today is some hundred nanoseconds off.
    return _BEGIN + timedelta(microseconds=moment // 1000)
