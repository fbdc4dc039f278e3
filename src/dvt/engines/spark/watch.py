"""Looks after the jobs of a query while they run: how far they are, and whether there is who runs them."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

_INTERVAL = 1.0
"""Seconds between two looks."""
_BEGIN_SECONDS = 5.0
"""Seconds that a query takes before its progress is told."""
_EVERY_SECONDS = 10.0
"""Seconds between two reports."""


class Progress:
    """Tells how far a query is, from time to time, in the context of the thread that has asked it."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._context = contextvars.copy_context()
        self._next = time.monotonic() + _BEGIN_SECONDS

    @property
    def is_due(self) -> bool:
        """True if a report is due."""
        return time.monotonic() >= self._next

    def tell(self, done: int, total: int) -> None:
        """Report how many tasks are done; Spark makes new ones as it goes."""
        self._next = time.monotonic() + _EVERY_SECONDS
        if total:
            self._context.run(self._report, f"compute spark: {done:,} of {total:,} tasks done so far")


class Watch:
    """Looks at a group of jobs, and cancels it when a cluster has had no worker for it for too long.

    Spark itself would wait without an end.
    """

    def __init__(self, context: Any, group: str, patience: float | None, progress: Progress) -> None:
        """`context` is PySpark's; `patience` is in seconds, None where no worker can be missing."""
        self._context = context
        self._group = group
        self._patience = patience
        self._progress = progress
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="dvt-watch-spark", daemon=True)
        self.is_over = False
        """Whether the group was cancelled."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        seen = time.monotonic()
        with suppress(Exception):  # the application has ended, which the query tells
            while not self._done.wait(_INTERVAL):
                if self._progress.is_due:
                    self._progress.tell(*self._tasks())
                now = time.monotonic()
                seen = now if self._patience is None or self._workers() else seen
                if self._patience is not None and now - seen > self._patience:
                    self.is_over = True
                    self._context.cancelJobGroup(self._group)
                    return

    def _tasks(self) -> tuple[int, int]:
        """Return how many tasks of the group are done, and how many there are."""
        tracker = self._context.statusTracker()
        jobs = filter(None, map(tracker.getJobInfo, tracker.getJobIdsForGroup(self._group)))
        ids = {stage for job in jobs for stage in job.stageIds}
        stages = [stage for stage in map(tracker.getStageInfo, ids) if stage]
        return sum(stage.numCompletedTasks for stage in stages), sum(stage.numTasks for stage in stages)

    def _workers(self) -> int:
        """Return the number of workers' processes that the application has."""
        processes = self._context._jsc.sc().getExecutorMemoryStatus().size()  # noqa: SLF001  PySpark does not tell
        return int(processes) - 1  # one is the driver
