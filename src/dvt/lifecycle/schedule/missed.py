"""Which runs were due, and which of them were missed: what a scheduler knows when it looks at the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from dvt.core.cron import cron
from dvt.core.moments import Moment, moment_of_time, nanoseconds, time_of_moment
from dvt.core.schedule import Missed
from dvt.lifecycle.store.schedules import ScheduleRow

LATE = timedelta(minutes=10)
"""A run that could begin so late is not missed."""


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done now."""

    missed: tuple[Moment, ...] = ()
    """When runs were due that did not begin."""
    run: Moment | None = None
    """When the run was due that is to begin now; None: none is."""

    @property
    def last(self) -> Moment | None:
        """The last time that was due."""
        return self.run if self.run is not None else (self.missed[-1] if self.missed else None)


def due(row: ScheduleRow, missed: Missed, now: Moment) -> Due:
    """Return which runs were due since the last one was taken, by the schedule that the row has.

    The last one begins now, unless it is too late for it and what was missed is to be left out.
    """
    since = time_of_moment(row.claimed if row.claimed is not None else row.began)
    times = [
        moment_of_time(time)
        for time in cron(row.cron).between(since, time_of_moment(now), ZoneInfo(row.zone))
    ]
    if not times:
        return Due()
    is_late = now - times[-1] > nanoseconds(LATE)
    if not is_late:
        return Due(tuple(times[:-1]), times[-1])
    return Due(tuple(times), times[-1] if missed is Missed.RUN_ONCE else None)


def was_interrupted(row: ScheduleRow) -> bool:
    """Return whether a run was begun of which no end is known."""
    return row.claimed is not None and (row.finished is None or row.finished < row.claimed)
