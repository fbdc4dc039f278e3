"""Extract what a model needs: every question once per run, connections side by side."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

from dvt.core.errors import Cancelled, ConnectFailed, ConnectionLost, DvtError, LoginRefused
from dvt.core.names import TableRef
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Dataset
from dvt.core.queries import SourceQuery
from dvt.core.reports import Moved
from dvt.core.tables import Table
from dvt.federation.connections import Connection, Connections
from dvt.federation.sharing import Question, SharedAnswers
from dvt.staging.shared import Claim, Staging

_THIS = itertools.count()
_GLANCE = 0.2
"""Seconds between looks at whether somebody wants everything stopped."""


@dataclass(slots=True)
class _Group:
    """Extractions of one node that read one moment of one connection."""

    connection: Connection
    fresh: bool
    asked: list[tuple[SourceQuery, Claim]] = field(default_factory=list)

    def jobs(self) -> list[Job]:
        """What has no answer yet."""
        return [Job(one, claim.sink) for one, claim in self.asked if claim.sink is not None and claim.open]


class Extractor:
    """Carries out extractions for every node of a run. Thread-safe."""

    def __init__(self, connections: Connections, staging: Staging, stopped: Callable[[], bool]) -> None:
        """`stopped` says whether the run is to end."""
        self.connections = connections
        self.stopped = stopped
        self._shared = SharedAnswers(staging)

    def extract(
        self,
        queries: Sequence[SourceQuery],
        tables: Mapping[TableRef, Table],
        report: Callable[[Moved], None],
    ) -> dict[str, Dataset]:
        """The staged answers by alias.

        A node extracts what it is the first to ask, only then waits for what others are extracting,
        and asks again what they were stopped in, or what failed in a wider question than its own.
        """
        staged: dict[str, Dataset] = {}
        pending = list(queries)
        while pending:
            own, others = self._claim(pending, tables)
            if own:
                self._run(own, staged, report)
            pending = []
            for question in others:
                begun = time.monotonic()
                query, dataset = question.query, self._answer(question)
                if dataset is None:
                    pending.append(query)
                    continue
                staged[query.alias] = replace(dataset, columns=query.staged)
                report(_moved(query, dataset, begun, reused=True))
        return staged

    def _answer(self, question: Question) -> Dataset | None:
        """What somebody else extracts; None where this node is to ask again."""
        try:
            return question.claim.wait(self.stopped)
        except Cancelled:
            raise
        except DvtError:
            if question.is_wider:
                return None
            raise

    def _claim(
        self, queries: Iterable[SourceQuery], tables: Mapping[TableRef, Table]
    ) -> tuple[list[_Group], list[Question]]:
        """What is this node's to extract, by moment, and what others do."""
        own: dict[tuple[str, bool], _Group] = {}
        others: list[Question] = []
        for query in queries:
            connection = self.connections[query.connection]
            read = [tables[ref] for ref in query.tables]
            question = self._shared.claim(query, _generation(query, connection, read))
            if question.claim.sink is None:
                others.append(question)
                continue
            fresh = query.this or not connection.snapshot.is_settled(read)
            group = own.setdefault((connection.name, fresh), _Group(connection, fresh))
            group.asked.append((query, question.claim))
        return list(own.values()), others

    def _run(
        self, groups: Sequence[_Group], staged: dict[str, Dataset], report: Callable[[Moved], None]
    ) -> None:
        """Extract side by side; the first failure stops the others of this node and is raised."""
        with ThreadPoolExecutor(len(groups), thread_name_prefix="dvt-extract") as pool:
            running = {pool.submit(self._read, group, staged, report): group for group in groups}
            pending = set(running)
            while pending:
                _, pending = wait(pending, timeout=_GLANCE, return_when=FIRST_EXCEPTION)
                if any(one.exception() for one in running if one.done()):
                    _stop([running[one] for one in pending])
        failures = [error for one in running if (error := one.exception())]
        if failures:
            raise next((one for one in failures if not isinstance(one, Cancelled)), failures[0])

    def _read(self, group: _Group, staged: dict[str, Dataset], report: Callable[[Moved], None]) -> None:
        """Extract what is still open; once more if the run's snapshot had idled and was lost."""
        begun = time.monotonic()
        lock = threading.Lock()
        by_sink = {id(claim.sink): (query, claim) for query, claim in group.asked}

        def finished(job: Job, dataset: Dataset) -> None:
            query, claim = by_sink[id(job.sink)]
            with lock:
                staged[query.alias] = dataset
            claim.done(dataset)
            report(_moved(query, dataset, begun))

        try:
            while True:
                self._go_on()
                idled = False
                try:
                    with group.connection.reading(fresh=group.fresh) as reading:
                        idled = reading.idled
                        reading.snapshot.extract(group.jobs(), finished)
                except ConnectionLost:
                    if not idled:
                        raise
                else:
                    return
        except BaseException as error:
            _give_up([claim for _, claim in group.asked], error)
            raise

    def _go_on(self) -> None:
        if self.stopped():
            raise Cancelled("extracting")


def _give_up(claims: Sequence[Claim], error: BaseException) -> None:
    """Wake those who wait.

    Whose failure it was is known only where one question is left, or where the connection could not
    have answered any; otherwise they ask for themselves.
    """
    left = [claim for claim in claims if claim.open]
    known = len(left) == 1 or isinstance(error, ConnectFailed | LoginRefused)
    for claim in left:
        if claim.sink is not None:
            claim.sink.discard()
        claim.failed(error if known else Cancelled("extracting"))


def _stop(groups: Sequence[_Group]) -> None:
    for group in groups:
        same = sum(1 for one in groups if one.connection is group.connection)
        group.connection.in_flight.cancel_own(same)


def _generation(query: SourceQuery, connection: Connection, tables: Sequence[Table]) -> str:
    """The state of this run's tables that a query reads; `{{ this }}` is never shared."""
    return f"this {next(_THIS)}" if query.this else str(connection.writes.generation(tables))


def _moved(query: SourceQuery, dataset: Dataset, begun: float, *, reused: bool = False) -> Moved:
    return Moved(
        what="extract",
        connection=query.connection,
        rows=dataset.rows,
        bytes=dataset.bytes,
        seconds=time.monotonic() - begun,
        reused=reused,
    )
