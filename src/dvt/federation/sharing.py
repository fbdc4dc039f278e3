"""What a run has asked its connections: a question is answered once, and a wider answer serves it too."""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from dataclasses import dataclass

from dvt.core.queries import SourceQuery
from dvt.staging.shared import Claim, Staging


@dataclass(frozen=True, slots=True)
class Question:
    """A node's part in one question."""

    query: SourceQuery
    claim: Claim
    answers: SourceQuery
    """What the claim is for: the query itself, or one that covers it."""

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
        """Take part in a question: wait for its answer or the narrowest one that covers it, else answer it.

        `generation` tells states of the tables apart. Answer what you own before you wait for others.
        """
        state = f"{query.connection}\n{generation}"
        with self._lock:
            wider = [(asked, claim) for asked, claim in self._asked[state] if asked.covers(query)]
            for asked, claim in sorted(wider, key=lambda one: _excess(one[0], query)):
                waiting = claim.joined()
                if waiting is not None:
                    return Question(query, waiting, asked)
            key = hashlib.sha256(f"{query.key}\n{generation}".encode()).hexdigest()[:24]
            claim = self._staging.claim(query.connection, key)
            self._asked[state].append((query, claim))
            return Question(query, claim, query)


def _excess(asked: SourceQuery, query: SourceQuery) -> tuple[bool, int, int]:
    """How much more is asked than is needed: sorts the same question first."""
    return asked.key != query.key, len(asked.columns), -len(asked.where)
