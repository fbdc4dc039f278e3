"""Reads what an operation file says of itself: what ran, how it ended, and when."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dvt.core.moments import Moment, moment_of_time
from dvt.core.retention import Hold, HoldCode, Status
from dvt.runs.operation_files import status_of
from dvt.runs.operations import Process

_TIMES = ("start_time", "end_time", "heartbeat")
_WEST = timedelta(hours=12)
"""A time without a zone may be one of the westernmost: that is the latest that it can mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an operation file tells."""

    status: Status | None
    """None: of a file that is no operation, and need not be one."""
    group: str = ""
    recorded: Moment | None = None
    holds: tuple[Hold, ...] = ()
    is_operation: bool = False
    """Whether it is one for certain."""


def told(content: bytes, is_locked: Callable[[], bool]) -> Told:
    """Return what a file says; what cannot be read is held.

    `is_locked`: whether somebody holds the lock that dvt's commands have while they run. Of a process in
    another container its own id says nothing.
    """
    try:
        read = json.loads(content)
    except (ValueError, RecursionError):
        return unreadable("it is no JSON, so it may not be whole yet")
    if not isinstance(read, dict) or not isinstance(read.get("operation_id"), str):
        return unreadable("it is no operation: it has no operation_id")
    name = read.get("pipeline_name")
    status, holds = _status(read, is_locked)
    moments = (moment_of(read.get(key)) for key in _TIMES)
    return Told(
        status=status,
        group=name if isinstance(name, str) else "",
        recorded=max((moment for moment in moments if moment is not None), default=None),
        holds=holds,
        is_operation=True,
    )


def data_type_of(status: Status) -> str:
    """Return the data type of an operation that has this status."""
    return {
        Status.COMPLETED: "completed_operations",
        Status.FAILED: "failed_operations",
    }.get(status, "pipeline_operations")


def unreadable(reason: str) -> Told:
    """Return what is known of a file that tells nothing."""
    return Told(status=Status.UNKNOWN, holds=(Hold(HoldCode.UNREADABLE, reason),))


def _status(read: Mapping[str, Any], is_locked: Callable[[], bool]) -> tuple[Status, tuple[Hold, ...]]:
    status = status_of(read)
    if status is not Status.RUNNING:
        return status, ()
    process = _process(read)
    if process is None:
        return status, (Hold(HoldCode.RUNNING, "it says that it is running"),)
    if not process.may_be_judged_by(Process.this()):
        return status, (Hold(HoldCode.RUNNING, f"it says that it is running on {process.host}"),)
    if process.is_running():
        return status, (Hold(HoldCode.RUNNING, f"process {process.pid} is running it"),)
    if is_locked():
        return status, (Hold(HoldCode.RUNNING, "a process in another container is running it"),)
    return Status.FAILED, ()


def _process(read: Mapping[str, Any]) -> Process | None:
    with suppress(KeyError, TypeError, ValueError):
        return Process(
            pid=int(read["pid"]),
            started=datetime.fromisoformat(read["process_start_time"]).timestamp(),
            host=str(read["host"]),
            boot=str(read["boot_id"]),
        )
    return None


def moment_of(text: Any) -> Moment | None:
    """Return the moment that a text in ISO 8601 is, the latest that it can mean; None if it is none."""
    if not isinstance(text, str):
        return None
    with suppress(ValueError, OverflowError):
        time = datetime.fromisoformat(text)
        if time.tzinfo is None:
            time = time.replace(tzinfo=UTC) + _WEST
        return moment_of_time(time)
    return None
