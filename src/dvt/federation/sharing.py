"""Sharing of a run's queries: each is sent once, and its answer serves narrower queries, too."""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from dvt.core.estimates import UNLIMITED, ExtractLimits
from dvt.core.queries import SourceQuery
from dvt.federation.buckets import RunBuckets
from dvt.federation.merging import MergedQuery
from dvt.staging.shared import Claim


@dataclass(frozen=True, slots=True)
class ClaimedQuery:
    """A node's query, and the claim to the query that answers it."""

    query: SourceQuery
    claim: Claim
    answered_by: MergedQuery
    """The query that is sent: `query` itself, or one that covers it."""

    @property
    def is_wider(self) -> bool:
        """True if another query is sent, which may fail for a reason that does not concern this one."""
        return self.answered_by.sent.key != self.query.key


class SharedAnswers:
    """The queries of a run that are answered or under way. Thread-safe.

    `_lock` is held while a query is looked up and claimed, never while it is sent.
    """

    def __init__(self, buckets: RunBuckets) -> None:
        self._buckets = buckets
        self._lock = threading.Lock()
        self._claimed: dict[str, list[tuple[MergedQuery, Claim]]] = defaultdict(list)

    def open(self, queries: Iterable[SourceQuery]) -> None:
        """Open the buckets of these queries: a claim that fails after others would leave those open."""
        for query in queries:
            self._buckets.staging(query.bucket)

    def claim(
        self, query: SourceQuery, merged: MergedQuery, generation: str, limits: ExtractLimits = UNLIMITED
    ) -> ClaimedQuery:
        """Join the narrowest claimed query that covers this one; if there is none, claim `merged`.

        `merged` is the query itself, or covers it. `generation` tells states of the tables apart. What other
        nodes extract may be stopped by their limits: only those of the same limits or of none are joined. The
        caller answers its own claims before it waits for others.
        """
        staging = self._buckets.staging(query.bucket)
        state = f"{query.connection}\n{generation}"
        limited = f"{state}\n{limits}"
        with self._lock:
            claimed = [*self._claimed[limited], *self._claimed[f"{state}\n{UNLIMITED}"]]
            covering = [(other, claim) for other, claim in claimed if other.covers(query)]
            for other, claim in sorted(covering, key=lambda candidate: _excess(candidate[0].sent, query)):
                waiting = claim.joined()
                if waiting is not None:
                    return ClaimedQuery(query, waiting, other)
            key = hashlib.sha256(f"{merged.sent.key}\n{generation}\n{limits}".encode()).hexdigest()[:24]
            claim = staging.claim(query.connection, key, limits)
            self._claimed[limited].append((merged, claim))
            return ClaimedQuery(query, claim, merged)


def _excess(covering: SourceQuery, query: SourceQuery) -> tuple[bool, int, int]:
    """Return a sort key: the query itself first, then queries of fewest columns and most conditions."""
    return covering.key != query.key, len(covering.columns), -len(covering.where)
