"""Ends transactions both by dbt and by the driver, which may not agree on whether a transaction is open."""

from __future__ import annotations

import logging
from typing import Any

from dbt.adapters.contracts.connection import ConnectionState

from dvt.core.registry import load
from dvt.resolution.output_types import output_type

logger = logging.getLogger(__name__)


def commit_open(adapter: Any) -> None:
    """Commit the open transaction of this thread's connection, so that the next statement begins a new one.

    dbt sends COMMIT as SQL, so a driver such as psycopg2 still counts its transaction as open and sends no
    BEGIN for the next one: its statements would be committed one by one. The driver's own commit resets that.
    """
    connection = adapter.connections.get_if_exists()
    if connection is None or connection.state != ConnectionState.OPEN:
        return
    if connection.transaction_open:
        adapter.commit_if_has_connection()
    try:
        connection.handle.commit()
    except Exception as error:  # noqa: BLE001 - drivers raise different errors for "nothing to commit"
        logger.debug("nothing to commit on %s: %s", connection.name, type(error).__name__)


def cancel_if_client_dies(adapter: Any) -> None:
    """Make the server cancel the statements of this thread's connection if this process is killed."""
    statement = output_type(adapter.type()).cancel_if_client_dies
    if statement:
        adapter.execute(load(statement))
        commit_open(adapter)


def rollback_open(adapter: Any) -> None:
    """Roll back the open transaction of this thread's connection, which releases its locks."""
    connection = adapter.connections.get_if_exists()
    if connection is None or connection.state != ConnectionState.OPEN:
        return
    if connection.transaction_open:
        adapter.connections.rollback_if_open()
    try:
        connection.handle.rollback()
    except Exception as error:  # noqa: BLE001 - drivers raise different errors for "nothing to roll back"
        logger.debug("nothing to roll back on %s: %s", connection.name, type(error).__name__)
