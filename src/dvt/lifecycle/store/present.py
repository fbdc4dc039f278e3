"""The present moment, and for how long this machine has been on."""

from __future__ import annotations

import time

from dvt.core.retention import Moment


def now() -> Moment:
    """Return the present moment by this machine's clock."""
    return time.time_ns()


def uptime() -> int:
    """Return nanoseconds since this machine was switched on, sleep included, whatever its clock says."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
