"""APScheduler, set up for one project: its times, its heartbeat, and what is tried again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from dvt.core.errors import DvtError
from dvt.core.moments import Moment, moment_of_time
from dvt.core.schedule import Schedule

_LOG = logging.getLogger("dvt.lifecycle.schedule")
_RUN = "run"
"""Id of the job that makes runs."""
_STORED = "lifecycle"
"""Name of the job store whose next time outlives the process."""
_THREADS = 4
"""One for each job, so that a long run holds up neither heartbeat nor disks."""


@dataclass(frozen=True, slots=True)
class _Times(BaseTrigger):
    """The times of a schedule. APScheduler's own count Monday as 0, and run twice where clocks go back."""

    schedule: Schedule

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        return self.schedule.cron.after(previous or now, self.schedule.zone)


class _StoredJobs(MemoryJobStore):
    """Jobs whose next time is written down: what they are is said by lifecycle.yml, not by a database.

    APScheduler's store in a database keeps them as pickles, so that whoever may write to the table could have
    any code run here.
    """

    def __init__(self, store: Callable[[Moment], None]) -> None:
        super().__init__()
        self._store = store

    def add_job(self, job: Any) -> None:
        super().add_job(job)
        self._write(job)

    def update_job(self, job: Any) -> None:
        super().update_job(job)
        self._write(job)

    def _write(self, job: Any) -> None:
        try:
            self._store(moment_of_time(job.next_run_time))
        except DvtError as error:
            # It is for those who look; the scheduler itself goes on.
            _LOG.warning("the time of the next run is not stored: %s", error.message)


class Clockwork:
    """Calls functions at their times, in threads, each in one at a time."""

    def __init__(self, schedule: Schedule, store: Callable[[Moment], None]) -> None:
        """`store` is told the moment of the next run whenever it changes."""
        self._schedule = schedule
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            jobstores={"default": MemoryJobStore(), _STORED: _StoredJobs(store)},
            executors={"default": ThreadPoolExecutor(_THREADS)},
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
        )

    def on_time(self, function: Callable[[], None]) -> None:
        """Call a function at the times of the schedule."""
        self._scheduler.add_job(function, _Times(self._schedule), id=_RUN, jobstore=_STORED)

    def every(self, seconds: float, function: Callable[[], None]) -> None:
        """Call a function every so many seconds, for the first time at once."""
        now = datetime.now(UTC)
        self._scheduler.add_job(function, "interval", seconds=seconds, next_run_time=now)

    def soon(self, function: Callable[[], None], seconds: float = 0) -> None:
        """Call a function once, after so many seconds, instead of what was to be called soon before."""
        at = datetime.now(UTC) + timedelta(seconds=seconds)
        self._scheduler.add_job(function, "date", run_date=at, id="soon", replace_existing=True)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run meanwhile; at the end what has been called is waited for."""
        self._scheduler.start()
        try:
            yield
        finally:
            # APScheduler's thread cannot remove a job that it has just begun once it is told to shut down. It
            # begins none once it pauses, and holds its lock, which `get_jobs` takes, until it has removed it.
            self._scheduler.pause()
            self._scheduler.get_jobs()
            self._scheduler.shutdown(wait=True)
