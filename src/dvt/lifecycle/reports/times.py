"""Writes moments, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from dvt.core.retention import Moment

_SECOND = 1_000_000_000


def moment_text(moment: Moment) -> str:
    """Return a moment in ISO 8601, to the second.

    Example:
        >>> moment_text(1_767_225_600_000_000_000)
        '2026-01-01T00:00:00Z'
    """
    try:
        return f"{datetime.fromtimestamp(moment // _SECOND, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, ValueError, OSError):
        return "far away"
