"""Lets another thread cancel what a session runs, and what DuckDB does with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from dvt.connectors.redshift.server import Server
from dvt.core.errors import Cancelled, DvtError
from dvt.drivers.duckdb.running import Batch
from dvt.drivers.redshift import Session, connect
from dvt.drivers.redshift.errors import client_errors


class _Canceller:
    """A second session, which is opened when there is something to cancel."""

    def __init__(self, server: Server, backend: int) -> None:
        self._server = server
        self._backend = backend
        self._session: Session | None = None

    def cancel(self) -> None:
        """Cancel the first session's statement; on a server that is gone nothing runs."""
        with suppress(DvtError, *client_errors()):
            if self._session is None:
                self._session = connect(self._server.name, self._server.settings)
            self._session.run(f"SELECT pg_cancel_backend({self._backend})")

    def close(self) -> None:
        """Close the second session if there is one."""
        if self._session is not None:
            self._session.close()


@contextmanager
def interruptible(server: Server, batch: Batch, session: Session, cursor: Any, doing: str) -> Iterator[None]:
    """Let `cancel` stop the server's statement and DuckDB's; what it has stopped is Cancelled."""
    canceller = _Canceller(server, session.backend)

    def interrupt() -> None:
        cursor.interrupt()
        canceller.cancel()

    try:
        with server.running.query(batch, interrupt, doing):
            yield
    except DvtError as error:
        if batch.stopped:
            raise Cancelled(doing) from error
        raise
    finally:
        canceller.close()
