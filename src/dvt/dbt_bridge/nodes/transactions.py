"""Where dbt's idea of a transaction and the driver's part."""

from __future__ import annotations

import logging
from typing import Any

from dbt.adapters.contracts.connection import ConnectionState

from dvt.core.registry import load
from dvt.resolution.output_types import output_type

logger = logging.getLogger(__name__)


def commit_open(adapter: Any) -> None:
    """Commit what this thread's connection has under way, so that the next statement begins anew.

    dbt commits by SQL, of which a driver like psycopg2 knows nothing: it would begin no new
    transaction, and what dbt takes for one would be committed statement by statement. The driver's own
    commit sets that right.
    """
    connection = adapter.connections.get_if_exists()
    if connection is None or connection.state != ConnectionState.OPEN:
        return
    if connection.transaction_open:
        adapter.commit_if_has_connection()
    try:
        connection.handle.commit()
    except Exception as error:  # noqa: BLE001 - each driver has its own word for "nothing to commit"
        logger.debug("nothing to commit on %s: %s", connection.name, type(error).__name__)


def cancel_if_client_dies(adapter: Any) -> None:
    """Have the server give up what this thread's connection asks of it, should this process be killed."""
    statement = output_type(adapter.type()).cancel_if_client_dies
    if statement:
        adapter.execute(load(statement))
        commit_open(adapter)


def rollback_open(adapter: Any) -> None:
    """Roll back what this thread's connection has under way, and with it give up its locks."""
    connection = adapter.connections.get_if_exists()
    if connection is None or connection.state != ConnectionState.OPEN:
        return
    if connection.transaction_open:
        adapter.connections.rollback_if_open()
    try:
        connection.handle.rollback()
    except Exception as error:  # noqa: BLE001 - each driver has its own word for "nothing to roll back"
        logger.debug("nothing to roll back on %s: %s", connection.name, type(error).__name__)
