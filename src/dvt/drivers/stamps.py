"""Stamps of files: two are equal only if nobody has written to the file between them (docs/adr/0035)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

_SECOND = 1_000_000_000
_GRAIN = _SECOND // 10
"""Nanoseconds in which two writes may get the same time: kernels count in steps of 1 to 10 ms."""
_COARSE_GRAIN = 2 * _SECOND
"""The same on file systems that have no fractions of seconds."""
MISSING = "missing"
"""The stamp of a file that is not there."""


def stamp(path: Path) -> str | None:
    """Return a file's size, times and number; None if another write now could leave it with the same stamp.

    The time of the last change (ctime) is the kernel's: no program can set it, as `touch` sets the others.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return MISSING
    times = (found.st_mtime_ns, found.st_ctime_ns)
    grain = _COARSE_GRAIN if all(time_ % _SECOND == 0 for time_ in times) else _GRAIN
    # A time in the future is one of a clock that was moved back since: it may come again.
    if time.time_ns() - max(times) <= grain:
        return None
    return f"{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"


def stamps(paths: Iterable[Path]) -> str | None:
    """Return the stamps of several files with their paths; None if one of them has none."""
    parts = []
    for path in paths:
        of_file = stamp(path)
        if of_file is None:
            return None
        parts.append(f"{path}={of_file}")
    return "\n".join(parts)
