"""Whether a project is cleaned as its schedule says: the next run, the last, the scheduler's heartbeat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

from dvt.core.moments import SECOND, moment_of_time, nanoseconds, time_of_moment
from dvt.core.retention import Moment, RunRecord, RunStatus
from dvt.core.schedule import Schedule
from dvt.lifecycle.reports import runs
from dvt.lifecycle.reports.times import moment_text
from dvt.lifecycle.store.present import now
from dvt.lifecycle.store.schedules import ScheduleRow
from dvt.lifecycle.system import System

HEARTBEAT = 30
"""Seconds between two heartbeats."""
_SILENT = 4 * HEARTBEAT
"""Seconds after which a scheduler that has not said that it ends is taken for dead."""
_MOST = 1000
"""So many runs without a success are looked at."""
_PATIENCE = timedelta(hours=2)
_DONE = frozenset({RunStatus.COMPLETED, RunStatus.PARTIAL})
"""Ends of runs that have gone through all that was due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What is known of a project's schedule."""

    now: Moment
    schedule: Schedule
    row: ScheduleRow | None
    """None: no scheduler was ever here."""
    next_run: Moment
    """The next time of the schedule, whether a scheduler is there or not."""
    last_run: RunRecord | None
    """The last automatic run that is on record, or that is at work."""
    last_success: RunRecord | None
    """The last one that was completed."""
    overdue_after: timedelta
    overdue_since: Moment | None
    """Since when a run should have been done; None: none is overdue."""

    @property
    def is_alive(self) -> bool:
        """Whether a scheduler is at work."""
        row = self.row
        if row is None or not row.alive or row.heartbeat is None:
            return False
        return abs(self.now - row.heartbeat) < _SILENT * SECOND

    @property
    def has_died(self) -> bool:
        """Whether a scheduler was there that has not said that it ends."""
        return self.row is not None and self.row.alive and not self.is_alive

    @property
    def problems(self) -> list[str]:
        """What is wrong, in sentences; empty: all is well."""
        found = []
        if self.overdue_since is not None:
            found.append(f"a run is overdue since {moment_text(self.overdue_since)}")
        if self.has_died and self.row is not None and self.row.heartbeat is not None:
            found.append(f"the scheduler has been silent since {moment_text(self.row.heartbeat)}")
        return found


def health(system: System, at: Moment | None = None) -> Health:
    """Return what is known of a project's schedule at a moment (now)."""
    at = now() if at is None else at
    schedule, row = system.settings.schedule, system.store.schedules.read()
    known = _last_runs(system)
    done = next((run for run in known if run.status in _DONE), None)
    after = schedule.overdue_after or _longest_pause(schedule, at) + _PATIENCE
    return Health(
        now=at,
        schedule=schedule,
        row=row,
        next_run=next_run(schedule, at),
        last_run=next(iter(known), None),
        last_success=next((run for run in known if run.status is RunStatus.COMPLETED), None),
        overdue_after=after,
        overdue_since=_overdue_since(row, done, after, at),
    )


def _last_runs(system: System) -> list[RunRecord]:
    """Return the last automatic runs, up to the last success; other projects of the store may have many."""
    found: list[RunRecord] = []
    for run in islice(system.store.automatic_runs(), _MOST):
        found.append(run)
        if run.status is RunStatus.COMPLETED:
            break
    return found


def next_run(schedule: Schedule, at: Moment) -> Moment:
    """Return the first time of a schedule after a moment."""
    return moment_of_time(schedule.cron.after(time_of_moment(at), schedule.zone))


def _longest_pause(schedule: Schedule, at: Moment) -> timedelta:
    return schedule.cron.longest_pause(time_of_moment(at), schedule.zone)


def _overdue_since(
    row: ScheduleRow | None, done: RunRecord | None, after: timedelta, at: Moment
) -> Moment | None:
    """Return since when a run is overdue; where there was neither run nor scheduler, none is expected."""
    known = [moment for moment in (row and row.began, done and (done.ended or done.began)) if moment]
    if not known:
        return None
    limit: Moment = max(known) + nanoseconds(after)
    return limit if at > limit else None


def as_object(of: Health) -> dict[str, Any]:
    """Return it for programs."""
    row = of.row
    return {
        "cron": of.schedule.cron.text,
        "zone": of.schedule.zone.key,
        "next_run": moment_text(of.next_run),
        "next_run_local": local_text(of.next_run, of.schedule),
        "scheduler": "alive" if of.is_alive else "dead" if of.has_died else "none",
        "heartbeat": moment_text(row.heartbeat) if row and row.heartbeat else None,
        "last_run": runs.as_object(of.last_run) if of.last_run else None,
        "last_success": runs.as_object(of.last_success) if of.last_success else None,
        "overdue": of.overdue_since is not None,
        "overdue_since": moment_text(of.overdue_since) if of.overdue_since else None,
        "problems": of.problems,
    }


def local_text(moment: Moment, schedule: Schedule) -> str:
    """Return a moment as clocks of the schedule's zone show it.

    Example:
        >>> local_text(1_767_225_600_000_000_000, Schedule())
        '2026-01-01 00:00 UTC'
    """
    local = time_of_moment(moment).astimezone(schedule.zone)
    return f"{local:%Y-%m-%d %H:%M} {schedule.zone.key}"


def as_lines(of: Health) -> list[str]:
    """Return it for people."""
    row = of.row
    beat = f", last heard of {moment_text(row.heartbeat)}" if row and row.heartbeat else ""
    state = "at work" if of.is_alive else "dead" if of.has_died else "none is at work"
    lines = [
        f"schedule      {of.schedule.cron.text}",
        f"next run      {local_text(of.next_run, of.schedule)} ({moment_text(of.next_run)})",
        f"scheduler     {state}{beat}",
        f"last run      {_run_text(of.last_run)}",
        f"last success  {_run_text(of.last_success)}",
    ]
    return [*lines, *(f"problem       {problem}" for problem in of.problems)]


def _run_text(run: RunRecord | None) -> str:
    if run is None:
        return "none is on record"
    return f"{moment_text(run.began)}  {run.status}  {run.id}"
