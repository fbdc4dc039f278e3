"""Tables whose rows are kept for later runs: what is taken of them, and what is noted (docs/adr/0035)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dvt.core.extraction import Method
from dvt.core.ports.connectors import CanFindChanges, Connector, HasTokens, Snapshot
from dvt.core.ports.staging import Dataset, Sink
from dvt.core.queries import SourceQuery
from dvt.core.surrogates import HASH
from dvt.core.tables import Table
from dvt.federation.buckets import RunBuckets
from dvt.federation.changes import ChangedRows, KeyedQuery
from dvt.federation.taken import Moving, Taken
from dvt.staging.shared import Staging
from dvt.staging.state import States, TableState, state_of


class KeptTables:
    """What runs keep of tables in the buckets that this run uses. Thread-safe."""

    def __init__(self, buckets: RunBuckets, cursor: Callable[[], Any], *, refresh: bool) -> None:
        """Make it for a run.

        Args:
            buckets: those that it stages in.
            cursor: opens a cursor of the run's DuckDB.
            refresh: nothing that earlier runs have kept is taken.
        """
        self._buckets = buckets
        self._cursor = cursor
        self._refresh = refresh

    def reading(self, snapshot: Snapshot, connector: Connector) -> KeptReading:
        """Return what takes and keeps the rows of this snapshot."""
        return KeptReading(self._buckets, self._cursor, snapshot, connector, refresh=self._refresh)


@dataclass(slots=True)
class _Begun:
    """A query that is to be answered, and what was known before."""

    sent: SourceQuery
    token: str | None
    at: datetime
    """The store's time."""
    keyed: KeyedQuery | None = None
    note: str = ""
    """Why all rows are extracted, for people."""


class KeptReading:
    """Takes and keeps rows of one snapshot, for the queries of one node."""

    def __init__(
        self,
        buckets: RunBuckets,
        cursor: Callable[[], Any],
        snapshot: Snapshot,
        connector: Connector,
        *,
        refresh: bool,
    ) -> None:
        self._buckets = buckets
        self._cursor = cursor
        self._snapshot = snapshot
        self._connector = connector
        self._refresh = refresh
        self._begun: dict[str, _Begun] = {}
        """Key of a query → what was known before it was answered."""

    def take(self, query: SourceQuery, table: Table, sink: Sink) -> Taken | None:
        """Return kept rows, if they may answer the query, merged in `sink` with what has changed.

        None: the query of `sent` is to be extracted.
        """
        staging = self._buckets.staging(query.bucket)
        begun = self._begun[query.key] = self._begin(query, table, staging)
        for state in [] if self._refresh else States(staging.bucket).serving(begun.sent):
            note = _usable(query, state, begun.token, staging)
            keyed = begun.keyed if begun.keyed and begun.keyed.names == state.pk_columns else None
            if not (note or keyed) or not _may_read(state, staging):
                continue
            if keyed is None or note:
                return Taken(state.answer(staging.bucket, query), note)
            return self._changed(begun, keyed, state, sink)
        return None

    def sent(self, query: SourceQuery) -> SourceQuery:
        """Return the query to extract: with what a later run needs to find changed rows."""
        return self._begun[query.key].sent if query.key in self._begun else query

    def note(self, query: SourceQuery) -> str:
        """Return why all rows of a kept table are extracted, for people; empty if there is nothing to say."""
        return self._begun[query.key].note if query.key in self._begun else ""

    def keep(self, query: SourceQuery, dataset: Dataset) -> None:
        """Keep what has just been extracted for later runs."""
        begun, keyed = self._begun[query.key], self._begun[query.key].keyed
        token = begun.token if begun.token == self._token(query) else None
        if token is None and keyed is None and query.extraction.method is not Method.CACHED:
            return  # no later run could take it
        staging = self._buckets.staging(query.bucket)
        hashed = keyed is not None and keyed.mark.name == HASH
        state = state_of(
            begun.sent,
            dataset,
            token=token,
            extracted_at=begun.at,
            key=() if keyed is None else keyed.names,
            algorithm=getattr(self._connector, "hash_algorithm", "") if hashed else "",
        )
        superseded = States(staging.bucket).put(state)
        staging.keep(dataset.at.prefix)
        if superseded is not None:
            staging.supersede(superseded)

    def _begin(self, query: SourceQuery, table: Table, staging: Staging) -> _Begun:
        begun = _Begun(query, self._token(query), staging.now())
        incremental = query.extraction.incremental
        if incremental is None:
            return begun
        if not isinstance(self._connector, CanFindChanges):
            begun.note = (
                "" if begun.token else "extracted in full: this database does not tell what has changed"
            )
            return begun
        begun.keyed = KeyedQuery.of(query, table, incremental, self._connector)
        if begun.keyed is None:
            begun.note = "extracted in full: the table has no primary key"
        else:
            begun.sent = begun.keyed.sent
        return begun

    def _changed(self, begun: _Begun, keyed: KeyedQuery, state: TableState, sink: Sink) -> Taken | None:
        """Return the rows that a state has, merged with those that have changed; None if all are needed."""
        query, incremental = keyed.query, keyed.query.extraction.incremental
        if incremental is None or not isinstance(self._connector, CanFindChanges):
            return None
        staging = self._buckets.staging(query.bucket)
        rows = ChangedRows(
            keyed,
            incremental,
            self._connector,
            self._snapshot,
            scratch=lambda: staging.result(f"changes-{query.key}"),
            added=staging.added,
        )
        changed = rows.merged(self._cursor(), state.answer(staging.bucket, keyed.sent), sink)
        if changed.dataset is None:
            begun.note = changed.note
            return None
        self.keep(query, changed.dataset)
        return Taken(changed.dataset, changed.note, Moving(changed.rows, changed.bytes))

    def _token(self, query: SourceQuery) -> str | None:
        """Return the token of the query's table: None for a view, which may show anything."""
        asked = query.extraction.method is not Method.CACHED and query.scan
        (table,) = query.tables
        return self._snapshot.token(table) if asked and isinstance(self._snapshot, HasTokens) else None


def _may_read(state: TableState, staging: Staging) -> bool:
    return staging.may_read(state.dataset) and state.is_whole(staging.bucket)


def _usable(query: SourceQuery, state: TableState, token: str | None, staging: Staging) -> str:
    """Return why kept rows may answer a query, for people; empty if they may not."""
    if query.extraction.method is not Method.CACHED:
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
