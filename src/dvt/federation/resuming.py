"""Answers of runs that have failed or died, which later runs take instead of extracting (docs/adr/0034).

An answer says in its marker to what it is the answer. It says nothing, and is never taken, if what it shows
may have been changed by dvt since: by its own run, or by another one of the project.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dvt.core.estimates import ExtractLimits
from dvt.core.queries import SourceQuery
from dvt.core.requests import NodeRequest
from dvt.core.tables import Table
from dvt.federation.buckets import RunBuckets
from dvt.federation.merging import MergedQuery
from dvt.federation.taken import Taken
from dvt.staging.earlier_runs import Committed

_SAME = ("connection", "tables", "source", "group_by", "needs", "this", "limit", "settings")
"""Fields of a query that are the same in a query that answers it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumableConnections:
    """Where this run may leave answers for later runs, and take those of earlier ones."""

    began: datetime
    """When this run began."""
    identity: Callable[[str], str | None]
    """Returns what tells a connection from those of any machine that answer otherwise; None: no resuming.

    It is None for connections that the project's own runs write to.
    """


class Resuming:
    """Notes what answers are, and takes those of earlier runs. Thread-safe: it has no state of its own."""

    def __init__(self, buckets: RunBuckets, connections: ResumableConnections | None) -> None:
        """Without `connections` nothing is noted or taken."""
        self._buckets = buckets
        self._connections = connections

    def facts(self, merged: MergedQuery, tables: Iterable[Table], limits: ExtractLimits) -> dict[str, Any]:
        """Return what later runs have to know of an answer; nothing if they may not take it.

        A view may show what the run has written by then, and a model's SQL may ask for the time. Of a table
        that is kept for later runs, only rows that have changed may move; its state says what is there of it.
        """
        identity = self._identity(merged.sent.connection)
        is_own = (
            merged.sent.this
            or merged.sent.model
            or merged.sent.is_kept
            or not all(table.scannable for table in tables)
        )
        if identity is None or self._connections is None or is_own:
            return {}
        return {
            "began": self._connections.began.isoformat(timespec="seconds"),
            "same": _same(merged.sent, identity, limits),
            "where": [[repr(condition) for condition in part.where] for part in merged.parts],
            "exactly": _is_exact(merged.sent),
            "columns": _columns(merged.sent),
        }

    def take(
        self, queries: Sequence[SourceQuery], limits: ExtractLimits, allowed: Collection[str]
    ) -> dict[str, Taken]:
        """Return answers of earlier runs by alias: for all of the queries to a connection, or for none.

        They are of one run and one snapshot of it, so that a node never reads two moments of a connection.
        `allowed` are the connections whose queries are all among these, and read sources alone.
        """
        taken: dict[str, Taken] = {}
        for connection in sorted(allowed):
            identity = self._identity(connection)
            own = [query for query in queries if query.connection == connection]
            if identity is not None and own:
                taken |= self._take(own, limits, identity)
        return taken

    def _take(self, queries: Sequence[SourceQuery], limits: ExtractLimits, identity: str) -> dict[str, Taken]:
        earlier = {query.bucket: self._buckets.staging(query.bucket).earlier() for query in queries}
        for answers in of_one_moment(queries, limits, identity, earlier):
            taken = {query.alias: self._answer(query, answers[query.alias]) for query in queries}
            whole = {alias: answer for alias, answer in taken.items() if answer is not None}
            if len(whole) == len(queries):
                return whole
        return {}

    def _answer(self, query: SourceQuery, committed: Committed) -> Taken | None:
        dataset = self._buckets.staging(query.bucket).take(committed, query.staged)
        if dataset is None:
            return None
        return Taken(dataset, f"reused from {run_of(committed)}")

    def _identity(self, connection: str) -> str | None:
        return None if self._connections is None else self._connections.identity(connection)


def of_one_moment(
    queries: Sequence[SourceQuery],
    limits: ExtractLimits,
    identity: str,
    earlier: Mapping[str, Iterable[Committed]],
) -> Iterator[dict[str, Committed]]:
    """Yield answers to all queries to a connection, by alias; each time those of one run and one snapshot.

    `earlier` are the datasets of earlier runs, by what the queries call their buckets.
    """
    moments: dict[tuple[str, object], dict[str, Committed]] = defaultdict(dict)
    for query in queries:
        for committed in earlier[query.bucket]:
            if _covers(committed.facts, query, identity, limits):
                moment = committed.run, committed.facts["snapshot"]
                moments[moment].setdefault(query.alias, committed)
    return (answers for answers in moments.values() if len(answers) == len(queries))


def run_of(committed: Committed) -> str:
    """Return which run has left a dataset, for people."""
    return f"the run of {_time(committed.facts['began'])} that failed"


def of_sources_alone(request: NodeRequest, waves: Sequence[Sequence[SourceQuery]]) -> frozenset[str]:
    """Return the connections whose queries are all sent at once, and read only sources."""
    sources = {read.table for read in request.inputs.values() if read.is_source}
    number: dict[str, int] = defaultdict(int)
    for wave in waves:
        for connection in {query.connection for query in wave}:
            number[connection] += 1
    others = {
        query.connection
        for wave in waves
        for query in wave
        if query.this or query.model or query.is_kept or not sources.issuperset(query.tables)
    }
    return frozenset(connection for connection in number.keys() - others if number[connection] == 1)


def _covers(facts: Mapping[str, Any], query: SourceQuery, identity: str, limits: ExtractLimits) -> bool:
    """True if an answer holds all that a query asks for (see `SourceQuery.covers`)."""
    if facts.get("same") != _same(query, identity, limits) or "snapshot" not in facts:
        return False
    asked, where = {repr(condition) for condition in query.where}, facts["where"]
    if not any(set(part) == asked if facts["exactly"] else set(part) <= asked for part in where):
        return False
    columns: dict[str, str] = facts["columns"]
    return _columns(query).items() <= columns.items()


def _is_exact(query: SourceQuery) -> bool:
    """True if more rows would be another answer."""
    return query.group_by is not None or query.limit is not None


def _same(query: SourceQuery, identity: str, limits: ExtractLimits) -> str:
    fields = [getattr(query, name) for name in _SAME]
    return _digest((fields, identity, limits))


def _columns(query: SourceQuery) -> dict[str, str]:
    return {text: _digest(column) for text, column in zip(query.select, query.columns, strict=True)}


def _digest(of: object) -> str:
    return hashlib.sha256(repr(of).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _time(began: str) -> str:
    """Return a time for people, in this machine's zone; with the day if that was not today."""
    time = datetime.fromisoformat(began).astimezone()
    is_today = time.date() == datetime.now().astimezone().date()
    return time.strftime("%H:%M" if is_today else "%Y-%m-%d %H:%M")
