"""The queries that the run's nodes are known to send later, and how they are merged."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from dvt.core.estimates import UNLIMITED, Estimate, ExtractLimits
from dvt.core.queries import SourceQuery
from dvt.federation.merging import MergedQuery, TableSize, can_merge, merge, same_table

_Sent = tuple[str, str, ExtractLimits]
"""A query as it is sent: its bucket, its key, and the limits of its node."""
EstimateAll = Callable[[Sequence[SourceQuery]], Sequence[Estimate | None]]
"""Estimates queries of one connection, as `Connection.estimate` does."""


def _sent(query: SourceQuery, limits: ExtractLimits) -> _Sent:
    return query.bucket, query.key, limits


class ExpectedQueries:
    """Merges queries to one table when the first of them is to be sent. Thread-safe.

    What is expected later is merged with what is not merged yet: a query that was sent is not sent again for
    another node's columns. `_lock` guards all fields, and is held while a database estimates.
    """

    def __init__(self, estimate: EstimateAll) -> None:
        self._estimate = estimate
        self._lock = threading.Lock()
        self._waiting: dict[object, dict[str, SourceQuery]] = defaultdict(dict)
        """Table and limits → key → query that is expected and not merged yet."""
        self._merged: dict[_Sent, MergedQuery] = {}
        """The merged query that answers a query."""

    def add(self, queries: Iterable[SourceQuery], limits: ExtractLimits = UNLIMITED) -> None:
        """Expect these queries of one node, with the node's limits."""
        with self._lock:
            for query in queries:
                if can_merge(query) and _sent(query, limits) not in self._merged:
                    self._waiting[same_table(query), limits].setdefault(query.key, query)

    def answering(self, query: SourceQuery, limits: ExtractLimits = UNLIMITED) -> MergedQuery:
        """Return the query to send for `query`: a merged one if it was expected, else itself."""
        place = same_table(query), limits
        with self._lock:
            if query.key in self._waiting.get(place, ()):
                self._merge(list(self._waiting.pop(place).values()), limits)
            return self._merged.get(_sent(query, limits)) or MergedQuery.of(query)

    def split(self, merged: MergedQuery, limits: ExtractLimits = UNLIMITED) -> None:
        """Send each query by itself from now on, because the merged one has failed."""
        with self._lock:
            for part in merged.parts:
                self._merged[_sent(part, limits)] = MergedQuery.of(part)

    def _merge(self, queries: Sequence[SourceQuery], limits: ExtractLimits) -> None:
        is_alone = len(queries) == 1
        groups = [MergedQuery.of(queries[0])] if is_alone else merge(queries, self._size(queries), limits)
        for group in groups:
            for part in group.parts:
                self._merged[_sent(part, limits)] = group

    def _size(self, queries: Sequence[SourceQuery]) -> TableSize:
        """Have the queries estimated, and each of their columns alone."""
        columns = {
            extracted.name: replace(query, select=(text,), columns=(extracted,), where=())
            for query in queries
            for text, extracted in zip(query.select, query.columns, strict=True)
        }
        estimates = self._estimate([*columns.values(), *queries])
        by_column = dict(zip(columns, estimates, strict=False))
        by_query = dict(zip((query.key for query in queries), estimates[len(columns) :], strict=True))
        return TableSize.estimated(by_column, by_query, queries)
