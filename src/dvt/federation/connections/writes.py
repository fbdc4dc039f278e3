"""The log of what this run has written on one connection."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from dvt.core.names import TableRef
from dvt.core.queries import SourceQuery
from dvt.core.tables import Table


class WriteLog:
    """Numbers the run's writes on one connection, from 1 up, by which others see what is stale.

    Tables are matched by lower-cased identifier only. A false match costs an extraction; a missed one
    would read stale rows.

    `_lock` guards all fields. It is held for a few instructions, and is the last to be taken.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0
        self._last_to_any = 0
        self._last_by_identifier: dict[str, int] = {}

    def add(self, table: TableRef | None) -> None:
        """Log a write to a table; None: a write that may have changed any table."""
        with self._lock:
            self._last += 1
            if table is None:
                self._last_to_any = self._last
            else:
                self._last_by_identifier[table.identifier.casefold()] = self._last

    @property
    def last(self) -> int:
        """The number of the last write; 0 before the first."""
        with self._lock:
            return self._last

    @property
    def last_to_any(self) -> int:
        """The number of the last write that may have changed any table."""
        with self._lock:
            return self._last_to_any

    def generation_of(self, query: SourceQuery) -> int:
        """Return the number of the last write that the answer to a query may show."""
        with self._lock:
            if not query.scan:
                return self._last
            return max((self._last_to(table) for table in query.tables), default=0)

    def generation(self, tables: Iterable[Table]) -> int:
        """Return the number of the last write that these tables may show.

        A view may show any table, and so may anything else that is no plain table.
        """
        with self._lock:
            return max((self._last_shown_by(table) for table in tables), default=0)

    def _last_shown_by(self, table: Table) -> int:
        return self._last_to(table.ref) if table.scannable else self._last

    def _last_to(self, table: TableRef) -> int:
        return max(self._last_to_any, self._last_by_identifier.get(table.identifier.casefold(), 0))
