"""Lets another thread cancel what a session runs, and what DuckDB does with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from dvt.connectors.redshift.server import Server
from dvt.drivers import cancelling
from dvt.drivers.duckdb.running import Batch
from dvt.drivers.redshift import Session, connect
from dvt.drivers.redshift.errors import client_errors


def interruptible(
    server: Server, batch: Batch, session: Session, cursor: Any, doing: str
) -> AbstractContextManager[Callable[[], None]]:
    """Let `cancel` stop the server's statement and DuckDB's; what it has stopped is Cancelled."""
    canceller = cancelling.Canceller(
        lambda: connect(server.name, server.settings),
        f"SELECT pg_cancel_backend({session.backend})",
        client_errors(),
    )
    return cancelling.interruptible(server.running, batch, cursor, canceller, doing)
