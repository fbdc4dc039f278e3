"""The queries that a run has sent: each is answered once, and also serves narrower ones."""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from dataclasses import dataclass

from dvt.core.queries import SourceQuery
from dvt.staging.shared import Claim, Staging


@dataclass(frozen=True, slots=True)
class Question:
    """A node's share in one question."""

    query: SourceQuery
    claim: Claim
    answers: SourceQuery
    """The query that the claim is for: `query` itself, or one that covers it."""

    @property
    def is_wider(self) -> bool:
        """True where the answer holds more than was asked, so that its failure may be of no concern."""
        return self.answers.key != self.query.key


class SharedAnswers:
    """The questions of a run that are answered or under way. Thread-safe.

    `_lock` is held while a question is looked up and claimed, never while it is answered.
    """

    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        self._lock = threading.Lock()
        self._asked: dict[str, list[tuple[SourceQuery, Claim]]] = defaultdict(list)

    def claim(self, query: SourceQuery, generation: str) -> Question:
        """Join the narrowest question that covers the query; if there is none, claim the query.

        `generation` tells states of the tables apart. The caller answers its own claims before it
        waits for others.
        """
        state = f"{query.connection}\n{generation}"
        with self._lock:
            wider = [(asked, claim) for asked, claim in self._asked[state] if asked.covers(query)]
            for asked, claim in sorted(wider, key=lambda candidate: _excess(candidate[0], query)):
                waiting = claim.joined()
                if waiting is not None:
                    return Question(query, waiting, asked)
            key = hashlib.sha256(f"{query.key}\n{generation}".encode()).hexdigest()[:24]
            claim = self._staging.claim(query.connection, key)
            self._asked[state].append((query, claim))
            return Question(query, claim, query)


def _excess(asked: SourceQuery, query: SourceQuery) -> tuple[bool, int, int]:
    """Sort key of covering queries: the same one first, then by fewest columns and most conditions."""
    return asked.key != query.key, len(asked.columns), -len(asked.where)
