"""The cache of table descriptions of one connection."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dvt.core.names import TableRef
from dvt.core.ports.connectors import CanMeasure, Connector
from dvt.core.tables import Column, Table
from dvt.federation.connections.writes import WriteLog


@dataclass(frozen=True, slots=True)
class _Description:
    table: Table
    since: int
    """The number of the last write before the table was described."""


class TableCache:
    """Describes each table once, and again after the run has written what it may show.

    `_describing` guards the descriptions, and is held while the database describes tables, so that nodes
    which need the same tables describe them once. The write log's lock is taken within it, no other.
    """

    def __init__(self, connector: Connector, writes: WriteLog) -> None:
        self._connector = connector
        self._writes = writes
        self._describing = threading.Lock()
        self._descriptions: dict[TableRef, _Description] = {}
        self._measures: dict[tuple[TableRef, str], Column] = {}
        """Measured columns of the present descriptions, by table and name."""

    def describe(self, refs: Sequence[TableRef]) -> Mapping[TableRef, Table]:
        """Return the tables as they are for this run now."""
        with self._describing:
            since = self._writes.last
            stale = [ref for ref in dict.fromkeys(refs) if not self._is_current(ref)]
            if stale:
                for ref, table in self._connector.describe(stale).items():
                    self._descriptions[ref] = _Description(table, since)
                    self._measures = {key: column for key, column in self._measures.items() if key[0] != ref}
            return {ref: self._descriptions[ref].table for ref in refs}

    def measure(self, table: Table, names: Sequence[str]) -> Table:
        """Return the table with the types that the present values of these columns need.

        Each column is measured once per description, so that all models of a run stage it alike.
        """
        if not isinstance(self._connector, CanMeasure):
            return table
        with self._describing:
            missing = [name for name in names if (table.ref, name) not in self._measures]
            if missing:
                for name, column in self._connector.measure(table, missing).items():
                    self._measures[table.ref, name] = column
            columns = [self._measures.get((table.ref, column.name), column) for column in table.columns]
        return replace(table, columns=tuple(columns))

    def _is_current(self, ref: TableRef) -> bool:
        description = self._descriptions.get(ref)
        return description is not None and self._writes.generation([description.table]) <= description.since
