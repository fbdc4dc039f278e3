"""The stage tables of a run: the connectors that fill them, and how they are dropped."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from dvt.core.errors import DvtError, NotATarget
from dvt.core.names import TableRef, folded
from dvt.core.plan import LoadColumn
from dvt.core.ports.connectors import CanLoad
from dvt.core.tables import StageColumn
from dvt.federation.connections import Connection
from dvt.runs.operations import Operation

logger = logging.getLogger(__name__)


def loader(connection: Connection, what: str) -> CanLoad:
    """Return the connection's connector as one that fills stage tables; NotATarget if it only reads."""
    connector = connection.connector
    if not isinstance(connector, CanLoad):
        natively = connection.type.can_be_target
        raise NotATarget(what, connection.name, connection.type.name, [], natively=natively)
    return connector


def load_columns(connection: Connection, what: str, columns: Sequence[StageColumn]) -> tuple[LoadColumn, ...]:
    """Return a stage table's columns, named as SQL without quotes finds them; NotATarget as `loader`."""
    loaded = loader(connection, what).columns(columns)
    if not connection.type.upper_case:
        return loaded
    return tuple(replace(column, name=folded(column.name), surrogate=column.staged) for column in loaded)


def drop(stage: TableRef, connection: Connection, operation: Operation) -> DvtError | None:
    """Drop a stage table and strike it off the record; return the error if it could not be dropped."""
    try:
        loader(connection, f"stage table {stage}").drop(stage)
        operation.is_gone(stage)
    except DvtError as error:
        logger.debug("stage table %s stays for now: %s", stage, error, extra={"action": "drop"})
        return error
    return None
