"""Asks the server for the digits that a table's numerics have at present."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dvt.connectors.postgres.server import Server
from dvt.core.tables import Column, Table
from dvt.drivers.postgres import as_dvt_errors, open_session, relation
from dvt.drivers.postgres.connect import BACKEND
from dvt.drivers.postgres.numerics import measured


class _Waiting:
    """A query of psycopg2's, as `Work` interrupts it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def interrupt(self) -> None:
        self._connection.cancel()


def measure(server: Server, table: Table, names: Sequence[str]) -> Mapping[str, Column]:
    """Return columns by name, with the stage types that their present values need."""
    doing = f"measuring {table.ref}"
    columns = [column for column in table.columns if column.name in names]
    with (
        server.slots.work(),
        server.backends.work() as work,
        open_session(server.name, server.settings) as cursor,
        as_dvt_errors(name=server.name, doing=doing, where=str(table.ref)),
    ):
        cursor.execute(BACKEND)
        with work.query(cursor.fetchone(), _Waiting(cursor.connection)):
            sized = measured(cursor, relation(table.ref, server.settings.schema_), columns)
    return {column.name: column for column in sized}
