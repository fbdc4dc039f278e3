"""Cancels the queries of a server from a second connection, even before their first row."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from dvt.core.errors import Cancelled, DvtError
from dvt.drivers.network.silence import hang_up
from dvt.drivers.postgres.errors import as_dvt_errors
from dvt.drivers.postgres.login import log_in
from dvt.drivers.postgres.settings import PostgresSettings
from dvt.drivers.postgres.silence import bounded

_POLL_SECONDS = 0.02
"""Seconds between two cancel requests."""
_TERMINATE_AFTER = 2.0
"""Seconds after which a backend that ignores cancel requests is disconnected."""
_CANCEL_TIMEOUT = 8.0
"""Seconds after which a backend that does not end is left to the server."""
_CANCEL = (
    "SELECT {function}(pid) FROM pg_catalog.pg_stat_activity a"
    " JOIN unnest(%s::int[], %s::text[]) AS w (id, started)"
    " ON a.pid = w.id AND to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') = w.started"
)
"""SQL: calls the function for those of the given backends that still exist. A process id may be in use again,
so that a backend is told by its start, too."""


class Work:
    """Queries that are cancelled together: those of one extraction, or of one load."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        """Set once the work is to end; no further query of it begins."""
        self._busy: dict[tuple[int, str], Any] = {}
        self._lock = threading.Lock()

    @contextmanager
    def query(self, backend: tuple[int, str], cursor: Any = None) -> Iterator[None]:
        """Register, within the `with`, a query that a backend runs; DuckDB's `cursor` may wait for it."""
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
        """Interrupt the DuckDB cursors, and return the backends that run queries."""
        with self._lock:
            for cursor in self._busy.values():
                if cursor is not None:
                    cursor.interrupt()
            return list(self._busy)


class Backends:
    """The work that a connector has under way on its server. Thread-safe."""

    def __init__(self, name: str, settings: PostgresSettings) -> None:
        self._name = name
        self._settings = settings
        self._lock = threading.Lock()
        self._works: set[Work] = set()

    @contextmanager
    def work(self) -> Iterator[Work]:
        """Yield work whose queries `cancel` stops."""
        work = Work()
        with self._lock:
            self._works.add(work)
        try:
            yield work
        finally:
            with self._lock:
                self._works.discard(work)

    def cancel(self, *only: Work) -> None:
        """Cancel the given work, or all; return when none of its queries runs, or after `_CANCEL_TIMEOUT`."""
        with self._lock:
            works = [work for work in self._works if not only or work in only]
        for work in works:
            work.stopped.set()
        if any(work.interrupt() for work in works):
            try:
                self._cancel_until_idle(works)
            except DvtError:
                hang_up(self._name)  # who waits there would wait for a server that does not answer
                raise

    def _cancel_until_idle(self, works: list[Work]) -> None:
        started = time.monotonic()
        # No role is set here: another role may not be allowed to cancel the queries of the login user.
        # Whatever the server does, this ends: the connection is hung up on soon after the last request.
        with (
            closing(log_in(self._name, self._settings)) as connection,
            bounded(connection, _CANCEL_TIMEOUT + _TERMINATE_AFTER),
            connection.cursor() as cursor,
        ):
            while busy := [backend for work in works for backend in work.interrupt()]:
                spent = time.monotonic() - started
                if spent > _CANCEL_TIMEOUT:
                    return
                function = "pg_cancel_backend" if spent < _TERMINATE_AFTER else "pg_terminate_backend"
                with as_dvt_errors(name=self._name, doing="cancelling its queries"):
                    # One cancel request is not enough: a query may begin just after it.
                    cursor.execute(
                        _CANCEL.format(function=function),
                        ([pid for pid, _ in busy], [start for _, start in busy]),
                    )
                time.sleep(_POLL_SECONDS)
