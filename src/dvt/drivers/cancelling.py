"""Lets another thread cancel what a session of a warehouse runs, and what DuckDB does with it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from dvt.core.errors import Cancelled, DvtError
from dvt.drivers.duckdb.running import Batch, RunningQueries


class SideSession(Protocol):
    """A second session, which cancels what another one runs."""

    def run(self, sql: str) -> None:
        """Run a statement."""

    def close(self) -> None:
        """Close the session."""


class Canceller:
    """A second session, which is opened when there is something to cancel. Thread-safe."""

    def __init__(
        self, connect: Callable[[], SideSession], statement: str, errors: tuple[type[BaseException], ...]
    ) -> None:
        """`statement` cancels what the first session runs; `errors` are those that the client may raise."""
        self._connect = connect
        self._statement = statement
        self._errors = errors
        self._session: SideSession | None = None
        self._is_closed = False
        self._lock = threading.Lock()
        """Held while it cancels, so that no session is opened twice, or behind its closing."""

    def cancel(self) -> None:
        """Cancel the first session's statement; on a server that is gone nothing runs.

        Nothing is done while another thread does it, or once it is closed.
        """
        if not self._lock.acquire(blocking=False):
            return
        try:
            if not self._is_closed:
                self._cancel()
        finally:
            self._lock.release()

    def _cancel(self) -> None:
        with suppress(DvtError, *self._errors):
            if self._session is None:
                self._session = self._connect()
            self._session.run(self._statement)

    def close(self) -> None:
        """Close the second session if there is one; no other is opened."""
        with self._lock:
            self._is_closed = True
            if self._session is not None:
                self._session.close()


@contextmanager
def interruptible(
    running: RunningQueries, batch: Batch, cursor: Any, canceller: Canceller, doing: str
) -> Iterator[Callable[[], None]]:
    """Let `cancel` stop the server's statement and DuckDB's; what it has stopped is Cancelled.

    Yields what stops them.
    """

    def interrupt() -> None:
        cursor.interrupt()
        canceller.cancel()

    try:
        with running.query(batch, interrupt, doing):
            yield interrupt
    except DvtError as error:
        if batch.stopped:
            raise Cancelled(doing) from error
        raise
    finally:
        canceller.close()
