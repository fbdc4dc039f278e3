"""Leaves processor and disks to others."""

from __future__ import annotations

import os
from contextlib import suppress

import psutil

_NICE = 10
"""The priority of a process that may wait."""


def be_nice() -> None:
    """Have this thread, and those that it starts, use processor and disks only when nobody else does.

    Call it before others are started: on Linux a thread has what it had from its maker.
    """
    with suppress(OSError):
        os.nice(max(0, _NICE - os.nice(0)))
    process = psutil.Process()
    if hasattr(process, "ionice"):
        with suppress(OSError, psutil.Error):
            process.ionice(psutil.IOPRIO_CLASS_IDLE)
