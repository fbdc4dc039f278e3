"""How often, and after what pause, a part of some work that failed is tried again."""

from __future__ import annotations

import random

RETRIES = 5
"""How often a part of an extraction is read again before the extraction fails."""
_LONGEST = 60.0
"""Seconds of the longest pause."""
_SPREAD = 0.1
"""Seconds by which pauses differ at random, so that parts that failed at once do not come back at once."""


def pause(attempt: int) -> float:
    """Return the seconds before attempt number `attempt`, counted from 0, is repeated.

    >>> 4 <= pause(2) <= 4.1, pause(20)
    (True, 60.0)
    """
    return min(2.0**attempt + random.uniform(0, _SPREAD), _LONGEST)  # noqa: S311 - no secret depends on it
