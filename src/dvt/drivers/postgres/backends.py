"""What is under way on a server, and how it is stopped: from the side, before its first row too."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from dvt.core.errors import Cancelled
from dvt.drivers.postgres.connect import connect
from dvt.drivers.postgres.errors import translated
from dvt.drivers.postgres.settings import PostgresSettings

_GLANCE = 0.02
_PATIENCE = 2.0
"""Seconds until a backend that goes on is disconnected."""
_GIVE_UP = 8.0
_STOP = (
    "SELECT {how}(pid) FROM pg_catalog.pg_stat_activity a"
    " JOIN unnest(%s::int[], %s::text[]) AS w (id, started)"
    " ON a.pid = w.id AND to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') = w.started"
)


class Work:
    """Queries that stop together: the jobs of one extraction, or one load."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self._busy: dict[tuple[int, str], Any] = {}
        self._lock = threading.Lock()

    @contextmanager
    def query(self, backend: tuple[int, str], cursor: Any) -> Iterator[None]:
        """Within it this backend is at work, and `cursor` of DuckDB waits for it."""
        with self._lock:
            self._busy[backend] = cursor
        try:
            if self.stopped.is_set():
                raise Cancelled("starting a query")
            yield
        finally:
            with self._lock:
                del self._busy[backend]

    def interrupt(self) -> list[tuple[int, str]]:
        """Stop the DuckDB side, and say which backends are at work."""
        with self._lock:
            for cursor in self._busy.values():
                cursor.interrupt()
            return list(self._busy)


class Backends:
    """All the work a connector has under way on its server. Thread-safe."""

    def __init__(self, name: str, settings: PostgresSettings) -> None:
        self._name = name
        self._settings = settings
        self._lock = threading.Lock()
        self._works: set[Work] = set()

    @contextmanager
    def work(self) -> Iterator[Work]:
        """Work that `stop` knows of."""
        one = Work()
        with self._lock:
            self._works.add(one)
        try:
            yield one
        finally:
            with self._lock:
                self._works.discard(one)

    def stop(self, *only: Work) -> None:
        """Stop this work, or all of it: returns when nothing is under way any more."""
        with self._lock:
            works = [one for one in self._works if not only or one in only]
        for one in works:
            one.stopped.set()
        if any(one.interrupt() for one in works):
            self._until_quiet(works)

    def _until_quiet(self, works: list[Work]) -> None:
        started = time.monotonic()
        # As who logged in: a role taken later may not stop that one's queries.
        with closing(connect(self._name, self._settings)) as connection, connection.cursor() as side:
            while busy := [backend for one in works for backend in one.interrupt()]:
                spent = time.monotonic() - started
                if spent > _GIVE_UP:
                    return
                how = "pg_cancel_backend" if spent < _PATIENCE else "pg_terminate_backend"
                with translated(name=self._name, doing="cancelling its queries"):
                    # Again and again: a query may begin just after the first order to stop.
                    side.execute(
                        _STOP.format(how=how), ([pid for pid, _ in busy], [start for _, start in busy])
                    )
                time.sleep(_GLANCE)
