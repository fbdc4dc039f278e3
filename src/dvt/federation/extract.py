"""Extraction of what a model needs: each query once per run, connections in parallel."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from dvt.core.errors import Cancelled, ConnectFailed, ConnectionLost, DvtError, LoginRefused
from dvt.core.estimates import UNLIMITED, Estimate, ExtractLimits
from dvt.core.names import TableRef
from dvt.core.ports.connectors import Job, Snapshot
from dvt.core.ports.staging import Dataset
from dvt.core.queries import SourceQuery
from dvt.core.reports import Moved
from dvt.core.tables import Table
from dvt.federation.buckets import RunBuckets
from dvt.federation.connections import OF_A_QUERY, Connection, Connections
from dvt.federation.connections.snapshots import Reading
from dvt.federation.expected import ExpectedQueries
from dvt.federation.kept import KeptReading, KeptTables
from dvt.federation.resuming import ResumableConnections, Resuming
from dvt.federation.sharing import ClaimedQuery, SharedAnswers
from dvt.federation.taken import Taken
from dvt.staging.shared import Claim

_THIS_NUMBERS = itertools.count()
"""Numbers for reads of `{{ this }}`: each has a number of its own, so that no read is shared."""
_POLL_SECONDS = 0.2
"""Seconds between two checks of whether an extraction has failed."""


class _Answered(Protocol):
    """Notes the answer of a query; `reused`: nothing has moved for it."""

    def __call__(self, claimed: ClaimedQuery, taken: Taken, *, reused: bool) -> None: ...


@dataclass(slots=True)
class _Group:
    """One node's extractions from one snapshot of one connection."""

    node: object
    """A token of the node, which its groups share and no other node's have."""
    connection: Connection
    fresh: bool
    """Whether the snapshot is to begin now, because the run's may be stale."""
    claimed: list[ClaimedQuery] = field(default_factory=list)
    kept: list[tuple[ClaimedQuery, Table]] = field(default_factory=list)
    """Those for tables that are kept for later runs, as they were before this one."""
    facts: list[tuple[Claim, dict[str, Any]]] = field(default_factory=list)
    """What later runs have to know of the answers that they may take."""

    def jobs(self, sent: Callable[[SourceQuery], SourceQuery]) -> list[Job]:
        """Return jobs for the queries that are not answered yet; `sent` gives the query to extract."""
        left = [
            (sent(claimed.answered_by.sent), claimed.claim.sink)
            for claimed in self.claimed
            if claimed.claim.sink is not None and claimed.claim.open
        ]
        queries = self.connection.sized([query for query, _ in left])
        return [Job(query, sink) for query, (_, sink) in zip(queries, left, strict=True)]

    def note(self, reading: Reading) -> None:
        """Note of what the answers are, and of which snapshot."""
        if not self.facts:
            return
        number = reading.number if self.connection.connector.capabilities.snapshot else 0
        for claim, facts in self.facts:
            if number is not None and claim.open:
                claim.facts.update(facts, snapshot=number)


class Extractor:
    """Carries out extractions for every node of a run. Thread-safe."""

    def __init__(
        self,
        connections: Connections,
        buckets: RunBuckets,
        stopped: Callable[[], bool],
        kept: KeptTables,
        resumable: ResumableConnections | None = None,
    ) -> None:
        """Make it for a run.

        Args:
            connections: the run's.
            buckets: those that it stages in.
            stopped: returns whether the run is to end.
            kept: the tables that are kept for later runs.
            resumable: where answers are taken that runs which failed have left; None: nowhere.
        """
        self.connections = connections
        self.stopped = stopped
        self._shared = SharedAnswers(buckets)
        self._kept = kept
        self._resuming = Resuming(buckets, resumable)
        self.has_resumed = False
        """Whether a node has got rows that a run which failed had extracted."""
        self._expected = ExpectedQueries(self._estimate)

    def expect(self, queries: Iterable[SourceQuery], limits: ExtractLimits) -> None:
        """Merge these queries of a node that is to run later with those of others to the same tables."""
        self._expected.add(queries, limits)

    def extract(
        self,
        queries: Sequence[SourceQuery],
        tables: Mapping[TableRef, Table],
        report: Callable[[Moved], None],
        limits: ExtractLimits = UNLIMITED,
        resumable: Collection[str] = (),
    ) -> dict[str, Dataset]:
        """Return the staged answers by alias; ExtractTooLarge if one of the queries breaks the limits.

        Queries to connections in `resumable` may be answered by what a run that failed has left. A node first
        extracts the others that no other node has claimed, then waits for those that other nodes extract. It
        claims a query again if the other node was stopped, or if a wider query failed.
        """
        self._shared.open(queries)
        staged = self._resumed(queries, limits, resumable, report)
        pending = [query for query in queries if query.alias not in staged]
        self._check_estimates(pending, limits)
        while pending:
            own, others = self._claim(pending, tables, limits)
            try:
                if own:
                    self._run(own, staged, report)
            except OF_A_QUERY as error:
                if isinstance(error, Cancelled) or not self._split(own, limits):
                    raise
                pending = [query for query in pending if query.alias not in staged]
                continue
            pending = []
            for claimed in others:
                started = time.monotonic()
                query, dataset = claimed.query, self._answer(claimed, limits)
                if dataset is None:
                    pending.append(query)
                    continue
                staged[query.alias] = dataset.narrowed(query.staged)
                report(_moved(query, dataset, started, reused=True))
        return staged

    def _resumed(
        self,
        queries: Sequence[SourceQuery],
        limits: ExtractLimits,
        resumable: Collection[str],
        report: Callable[[Moved], None],
    ) -> dict[str, Dataset]:
        """Return the answers that a run which failed has left, by alias."""
        started = time.monotonic()
        taken = self._resuming.take(queries, limits, resumable) if resumable else {}
        self.has_resumed |= bool(taken)
        for query in queries:
            if query.alias in taken:
                answer = taken[query.alias]
                report(_moved(query, answer.dataset, started, reused=True, note=answer.note))
        return {alias: answer.dataset for alias, answer in taken.items()}

    def _check_estimates(self, queries: Sequence[SourceQuery], limits: ExtractLimits) -> None:
        """Raise ExtractTooLarge, before anything moves, for a query that is expected to break the limits."""
        if limits != UNLIMITED:
            for query, estimate in zip(queries, self._estimate(queries), strict=True):
                limits.check_estimate(query, estimate)

    def _answer(self, claimed: ClaimedQuery, limits: ExtractLimits) -> Dataset | None:
        """Wait for another node's answer; None: this node has to claim the query again."""
        try:
            return claimed.claim.wait(self.stopped)
        except Cancelled:
            raise
        except DvtError as error:
            if not claimed.is_wider:
                raise
            if isinstance(error, OF_A_QUERY):
                self._expected.split(claimed.answered_by, limits)
            return None

    def _split(self, groups: Sequence[_Group], limits: ExtractLimits) -> bool:
        """Send the parts of merged queries that have failed by themselves; return whether there were any.

        What a query of another node needs must not fail this one.
        """
        failed = [
            claimed.answered_by
            for group in groups
            for claimed in group.claimed
            if claimed.is_wider and claimed.claim.joined() is None
        ]
        for merged in failed:
            self._expected.split(merged, limits)
        return bool(failed)

    def _estimate(self, queries: Sequence[SourceQuery]) -> Sequence[Estimate | None]:
        """Estimate queries; a database that cannot be asked now says so when the queries are sent."""
        try:
            return self.connections.estimate(queries)
        except DvtError:
            return [None] * len(queries)

    def _claim(
        self, queries: Iterable[SourceQuery], tables: Mapping[TableRef, Table], limits: ExtractLimits
    ) -> tuple[list[_Group], list[ClaimedQuery]]:
        """Claim queries; return this node's own, grouped by snapshot, and those that other nodes extract."""
        node = object()
        own: dict[tuple[str, bool], _Group] = {}
        others: list[ClaimedQuery] = []
        for query in queries:
            connection = self.connections[query.connection]
            read = [tables[ref] for ref in query.tables]
            merged = self._expected.answering(query, limits)
            claimed = self._shared.claim(query, merged, _generation(query, connection, read), limits)
            if claimed.claim.sink is None:
                others.append(claimed)
                continue
            fresh = query.this or not connection.snapshot.is_settled(read)
            group = own.setdefault((connection.name, fresh), _Group(node, connection, fresh))
            group.claimed.append(claimed)
            if claimed.answered_by.sent.is_kept and not fresh and not connection.writes.generation(read):
                group.kept.append((claimed, read[0]))
            elif not fresh and not connection.writes.generation(read):
                facts = self._resuming.facts(merged, read, limits)
                if facts:
                    group.facts.append((claimed.claim, facts))
        return list(own.values()), others

    def _run(
        self, groups: Sequence[_Group], staged: dict[str, Dataset], report: Callable[[Moved], None]
    ) -> None:
        """Extract all groups in parallel; the first failure stops the others of this node and is raised."""
        with ThreadPoolExecutor(len(groups), thread_name_prefix="dvt-extract") as pool:
            running = {pool.submit(self._read, group, staged, report): group for group in groups}
            pending = set(running)
            while pending:
                _, pending = wait(pending, timeout=_POLL_SECONDS, return_when=FIRST_EXCEPTION)
                if any(future.exception() for future in running if future.done()):
                    _stop([running[future] for future in pending])
        failures = [error for future in running if (error := future.exception())]
        if failures:
            raise next((failure for failure in failures if not isinstance(failure, Cancelled)), failures[0])

    def _read(self, group: _Group, staged: dict[str, Dataset], report: Callable[[Moved], None]) -> None:
        """Extract what is not answered yet; again if the run's snapshot had idled and was lost."""
        started = time.monotonic()
        lock = threading.Lock()

        def answered(claimed: ClaimedQuery, taken: Taken, *, reused: bool) -> None:
            query = claimed.query
            with lock:
                staged[query.alias] = taken.dataset.narrowed(query.staged)
            claimed.claim.done(taken.dataset)
            moved = _moved(query, taken.dataset, started, reused=reused, note=taken.note)
            report(replace(moved, rows=taken.moved.rows, bytes=taken.moved.bytes) if taken.moved else moved)

        try:
            while True:
                self._raise_if_stopped()
                idled = False
                try:
                    with group.connection.reading(group.node, fresh=group.fresh) as reading:
                        idled = reading.idled
                        group.note(reading)
                        kept = self._kept.reading(reading.snapshot, group.connection.connector)
                        _answer(group, reading.snapshot, kept, answered)
                except ConnectionLost:
                    if not idled:
                        raise
                else:
                    return
        except BaseException as error:
            _release_waiting([claimed.claim for claimed in group.claimed], error)
            raise

    def _raise_if_stopped(self) -> None:
        if self.stopped():
            raise Cancelled("extracting")


def _answer(group: _Group, snapshot: Snapshot, kept: KeptReading, answered: _Answered) -> None:
    """Answer a group's queries that are open: by rows that earlier runs have kept, or by extraction."""
    for claimed, table in group.kept:
        sink = claimed.claim.sink if claimed.claim.open else None
        taken = kept.take(claimed.answered_by.sent, table, sink) if sink is not None else None
        if taken is not None:
            answered(claimed, taken, reused=taken.moved is None)
    by_sink = {id(claimed.claim.sink): claimed for claimed in group.claimed}
    extracted: dict[int, Dataset] = {}

    def finished(job: Job, dataset: Dataset) -> None:
        extracted[id(job.sink)] = dataset
        claimed = by_sink[id(job.sink)]
        answered(claimed, Taken(dataset, kept.note(claimed.answered_by.sent)), reused=False)

    snapshot.extract(group.jobs(kept.sent), finished)
    for claimed, _ in group.kept:
        if dataset := extracted.get(id(claimed.claim.sink)):
            kept.keep(claimed.answered_by.sent, dataset)


def _release_waiting(claims: Sequence[Claim], error: BaseException) -> None:
    """Release the nodes that wait for these claims.

    They get the error if it was certainly their query's: exactly one was left, or the connection itself
    failed. Otherwise each of them extracts for itself.
    """
    left = [claim for claim in claims if claim.open]
    is_cause_known = len(left) == 1 or isinstance(error, ConnectFailed | LoginRefused)
    for claim in left:
        if claim.sink is not None:
            claim.sink.discard()
        claim.failed(error if is_cause_known else Cancelled("extracting"))


def _stop(groups: Sequence[_Group]) -> None:
    """Cancel a node's extractions."""
    for group in groups:
        group.connection.in_flight.cancel_own(group.node)


def _generation(query: SourceQuery, connection: Connection, tables: Sequence[Table]) -> str:
    """Return a name for the state of the tables that a query reads; a read of `{{ this }}` has its own."""
    return f"this {next(_THIS_NUMBERS)}" if query.this else str(connection.writes.generation(tables))


def _moved(
    query: SourceQuery, dataset: Dataset, started: float, *, reused: bool = False, note: str = ""
) -> Moved:
    return Moved(
        what="extract",
        connection=query.connection,
        rows=dataset.rows,
        bytes=dataset.bytes,
        seconds=time.monotonic() - started,
        reused=reused,
        note=note,
    )
