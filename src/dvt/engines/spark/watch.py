"""Looks after the jobs of a query while they run on a cluster."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any, Self

_INTERVAL = 1.0
"""Seconds between two looks."""


class Watch:
    """Cancels a group of jobs for which a cluster has had no worker for too long.

    Spark itself would wait without an end.
    """

    def __init__(self, context: Any, group: str, patience: float) -> None:
        """`context` is PySpark's; `patience` is in seconds."""
        self._context = context
        self._group = group
        self._patience = patience
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
                now = time.monotonic()
                seen = now if self._workers() else seen
                if now - seen > self._patience:
                    self.is_over = True
                    self._context.cancelJobGroup(self._group)
                    return

    def _workers(self) -> int:
        """Return the number of workers' processes that the application has."""
        processes = self._context._jsc.sc().getExecutorMemoryStatus().size()  # noqa: SLF001  PySpark does not tell
        return int(processes) - 1  # one is the driver
