"""The cache of table descriptions of one connection."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dvt.core.names import TableRef
from dvt.core.ports.connectors import Connector
from dvt.core.tables import Table
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

    def describe(self, refs: Sequence[TableRef]) -> Mapping[TableRef, Table]:
        """Return the tables as they are for this run now."""
        with self._describing:
            since = self._writes.last
            stale = [ref for ref in dict.fromkeys(refs) if not self._is_current(ref)]
            if stale:
                for ref, table in self._connector.describe(stale).items():
                    self._descriptions[ref] = _Description(table, since)
            return {ref: self._descriptions[ref].table for ref in refs}

    def _is_current(self, ref: TableRef) -> bool:
        description = self._descriptions.get(ref)
        return description is not None and self._writes.generation([description.table]) <= description.since
