"""Tables whose rows are kept for later runs: what is taken of them, and what is noted (docs/adr/0035)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dvt.core.extraction import Method
from dvt.core.ports.connectors import HasTokens, Snapshot
from dvt.core.ports.staging import Dataset
from dvt.core.queries import SourceQuery
from dvt.federation.buckets import RunBuckets
from dvt.staging.shared import Staging
from dvt.staging.state import States, TableState, state_of


@dataclass(frozen=True, slots=True)
class Taken:
    """Rows that an earlier run has kept, and that answer a query."""

    dataset: Dataset
    note: str
    """Why they do, for people."""


class KeptTables:
    """What runs keep of tables in the buckets that this run uses. Thread-safe."""

    def __init__(self, buckets: RunBuckets, *, refresh: bool) -> None:
        """`refresh`: nothing that earlier runs have kept is taken."""
        self._buckets = buckets
        self._refresh = refresh

    def reading(self, snapshot: Snapshot) -> KeptReading:
        """Return what takes and keeps the rows of this snapshot."""
        return KeptReading(self._buckets, snapshot, refresh=self._refresh)


class KeptReading:
    """Takes and keeps rows of one snapshot, for the queries of one node."""

    def __init__(self, buckets: RunBuckets, snapshot: Snapshot, *, refresh: bool) -> None:
        self._buckets = buckets
        self._snapshot = snapshot
        self._refresh = refresh
        self._begun: dict[str, tuple[str | None, datetime]] = {}
        """Key of a query that is to be extracted → the table's token before that, and the store's time."""

    def take(self, query: SourceQuery) -> Taken | None:
        """Return kept rows, if they may answer the query; else it is to be extracted."""
        token = self._token(query)
        staging = self._buckets.staging(query.bucket)
        if not self._refresh:
            for state in States(staging.bucket).serving(query):
                note = _usable(query, state, token, staging)
                if note and staging.may_read(state.dataset):
                    return Taken(state.answer(staging.bucket, query), note)
        self._begun[query.key] = token, staging.now()
        return None

    def keep(self, query: SourceQuery, dataset: Dataset) -> None:
        """Keep what has just been extracted for later runs."""
        before, began = self._begun[query.key]
        token = before if before == self._token(query) else None
        if token is None and query.extraction.method is Method.AUTO:
            return  # no later run could take it
        staging = self._buckets.staging(query.bucket)
        state = state_of(query, dataset, token, began, str(query.extraction.method))
        superseded = States(staging.bucket).put(state)
        staging.keep(dataset.at.prefix)
        if superseded is not None:
            staging.supersede(superseded)

    def _token(self, query: SourceQuery) -> str | None:
        """Return the token of the query's table: None for a view, which may show anything."""
        asked = query.extraction.method is Method.AUTO and query.scan
        (table,) = query.tables
        return self._snapshot.token(table) if asked and isinstance(self._snapshot, HasTokens) else None


def _usable(query: SourceQuery, state: TableState, token: str | None, staging: Staging) -> str:
    """Return why kept rows may answer a query, for people; empty if they may not."""
    if query.extraction.method is Method.AUTO:
        return "unchanged: reused" if token is not None and token == state.token else ""
    ttl, age = query.extraction.ttl, staging.now() - datetime.fromisoformat(state.last_extracted_at)
    if ttl is None:
        return ""
    return f"{_age(age.total_seconds())} old: reused" if age <= ttl else ""


def _age(seconds: float) -> str:
    """Return a length of time for people, in one unit."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
