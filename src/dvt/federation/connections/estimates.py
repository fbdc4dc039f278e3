"""The cache of estimates of one connection."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from dvt.core.estimates import Estimate, from_description
from dvt.core.ports.connectors import CanEstimate, Connector
from dvt.core.queries import SourceQuery
from dvt.federation.connections.writes import WriteLog


class EstimateCache:
    """Estimates each query once, and again after the run has written anything on the connection.

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
            since = self._writes.last
            missing = {query.key: query for query in sent if (query.key, since) not in self._estimates}
            if missing:
                for key, estimate in zip(missing, self._estimated([*missing.values()]), strict=True):
                    self._estimates[key, since] = estimate
            return [self._estimates[query.key, since] for query in sent]

    def _estimated(self, queries: Sequence[SourceQuery]) -> list[Estimate | None]:
        if not isinstance(self._connector, CanEstimate):
            return [from_description(query) for query in queries]
        estimates = self._connector.estimate(queries)
        return [
            estimate or from_description(query) for query, estimate in zip(queries, estimates, strict=True)
        ]
