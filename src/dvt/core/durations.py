"""Durations as options of commands and keys of files write them, such as `24h` and `7d`."""

from __future__ import annotations

import re
from datetime import timedelta

from dvt.core.errors import DurationInvalid

_GRAMMAR = re.compile(r"(\d+)(h|d)", re.IGNORECASE | re.ASCII)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1)}
"""Letter → its duration."""


def duration(text: str) -> timedelta:
    """Return a duration; DurationInvalid if it is none. One that is too long to count is the longest.

    Example:
        >>> duration("36H")
        datetime.timedelta(days=1, seconds=43200)
    """
    match = _GRAMMAR.fullmatch(text)
    if match is None:
        raise DurationInvalid(text)
    try:
        return int(match[1]) * _UNITS[match[2].lower()]
    except (OverflowError, ValueError):  # Python reads no number of thousands of digits
        return timedelta.max
