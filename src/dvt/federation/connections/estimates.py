"""The cache of estimates of one connection."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from dvt.core.estimates import Estimate, from_description
from dvt.core.ports.connectors import CanEstimate, Connector
from dvt.core.queries import SourceQuery
from dvt.federation.connections.writes import WriteLog


class EstimateCache:
    """Estimates each query once, and again after the run has written what the query reads.

    `_estimating` guards the estimates, and is held while the database estimates, so that nodes which send
    the same queries have them estimated once. The write log's lock is taken within it, no other.
    """

    def __init__(self, connector: Connector, writes: WriteLog) -> None:
        self._connector = connector
        self._writes = writes
        self._estimating = threading.Lock()
        self._estimates: dict[tuple[str, int], Estimate | None] = {}

    def estimate(self, queries: Sequence[SourceQuery]) -> list[Estimate | None]:
        """Return how much each query will answer, None where nothing tells.

        A condition whose value is not known yet counts as if it were not there.
        """
        sent = [query.answered({need.name: None for need in query.needs}) for query in queries]
        with self._estimating:
            keys = [(query.key, self._writes.generation_of(query)) for query in sent]
            missing = {
                key: query for key, query in zip(keys, sent, strict=True) if key not in self._estimates
            }
            if missing:
                self._estimates |= zip(missing, self._estimated([*missing.values()]), strict=True)
            return [self._estimates[key] for key in keys]

    def _estimated(self, queries: Sequence[SourceQuery]) -> list[Estimate | None]:
        if not isinstance(self._connector, CanEstimate):
            return [from_description(query) for query in queries]
        estimates = self._connector.estimate(queries)
        return [
            estimate or from_description(query) for query, estimate in zip(queries, estimates, strict=True)
        ]
