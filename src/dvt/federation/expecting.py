"""Plans nodes before they run, as far as that can be done, so that their queries can be merged."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from dvt.core.errors import DvtError, TableNotFound
from dvt.core.estimates import ExtractLimits
from dvt.core.names import TableRef
from dvt.core.queries import SourceQuery
from dvt.core.requests import NodeRequest

logger = logging.getLogger(__name__)

QueriesOf = Callable[[NodeRequest], Iterable[SourceQuery]]
"""Plans a node and returns the queries of its plan."""


class ExpectedNodes:
    """Nodes of the run that have not begun. Thread-safe.

    A node that reads what no run has built yet is planned again once the table is there. What goes wrong is
    not told here: the node says it when it runs. `_lock` is not held while nodes are planned.
    """

    def __init__(
        self, queries_of: QueriesOf, expect: Callable[[Iterable[SourceQuery], ExtractLimits], None]
    ) -> None:
        self._queries_of = queries_of
        self._expect = expect
        self._lock = threading.Lock()
        self._unbuilt: list[NodeRequest] = []
        """Nodes that read a table which was not there."""
        self._ready: list[NodeRequest] = []
        """Nodes of those, after a table that they read was written."""

    def add(self, requests: Sequence[NodeRequest]) -> None:
        """Plan the nodes that read a table which another of them reads, too."""
        readers = Counter(table for request in requests for table in set(_tables(request)))
        self._plan([request for request in requests if any(readers[table] > 1 for table in _tables(request))])

    def wrote(self, table: TableRef | None) -> None:
        """Note that the run has written a table, which nodes may have been waiting for."""
        if table is None:
            return
        name = table.identifier.casefold()
        with self._lock:
            ready = [
                request
                for request in self._unbuilt
                if name in {ref.identifier.casefold() for ref in _tables(request)}
            ]
            self._ready += ready
            self._unbuilt = [request for request in self._unbuilt if request not in ready]

    def begins(self, request: NodeRequest, queries: Iterable[SourceQuery]) -> None:
        """Note that a node is to send its queries; before, plan nodes whose tables were written meanwhile."""
        with self._lock:
            self._unbuilt = [other for other in self._unbuilt if other.unique_id != request.unique_id]
            ready = [other for other in self._ready if other.unique_id != request.unique_id]
            self._ready = []
        self._plan(ready)
        self._expect(queries, request.extract_limits)

    def _plan(self, requests: Iterable[NodeRequest]) -> None:
        silent: set[str] = set()
        for request in requests:
            connections = {table.connection for table in _tables(request)}
            if connections & silent:
                continue
            try:
                self._expect(self._queries_of(request), request.extract_limits)
            except TableNotFound:
                with self._lock:
                    self._unbuilt.append(request)
            except DvtError as error:
                # Each node would wait for a server that does not answer.
                silent |= connections if error.transient else set()
            except Exception as error:  # noqa: BLE001 - a forecast must not fail a run
                logger.debug("no forecast of %s: %r", request.name, error)


def _tables(request: NodeRequest) -> list[TableRef]:
    """Return the tables that the node may read, but for its own."""
    return [relation.table for relation in request.inputs.values() if not relation.this]
