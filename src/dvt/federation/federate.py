"""Execution of a federated node, from its SQL to its table. Read `RunFederator.federate` first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from dvt.core.encoding import encoding
from dvt.core.errors import Cancelled, DvtError
from dvt.core.names import TableRef
from dvt.core.places import Choice, Place
from dvt.core.plan import CopyPlan, FederationPlan, Load, LoadColumn, SourcePlan
from dvt.core.ports.bridge import Copies, Publisher, Reporter
from dvt.core.ports.engines import Engine
from dvt.core.ports.staging import Dataset, Sink
from dvt.core.queries import SourceQuery
from dvt.core.reports import Answer, Notice, Outcome, Totals
from dvt.core.requests import NodeRequest
from dvt.core.tables import StageColumn, Table
from dvt.federation.answer_reading import AnswerReading
from dvt.federation.at_source import SourcePlanning
from dvt.federation.choice import Choosing
from dvt.federation.compute import compute, result_key
from dvt.federation.connections import Connections
from dvt.federation.copies import TargetCopies
from dvt.federation.engines import Engines
from dvt.federation.expecting import ExpectedNodes
from dvt.federation.extract import Extractor
from dvt.federation.leftovers import Leftovers
from dvt.federation.load import loaded
from dvt.federation.metrics import NodeMetrics, RunMetrics
from dvt.federation.notices import missing_snapshots, warnings
from dvt.federation.planning import Planning, Resolved
from dvt.federation.publish import publish
from dvt.federation.stage_tables import drop, loader
from dvt.runs.operations import Operation
from dvt.staging.shared import Staging

_CLOSE_TIMEOUT = 10.0
"""Seconds that `close` waits for cancelled nodes to end."""
_CANCEL_INTERVAL = 0.3
"""Seconds between two rounds of cancelling: the next round cancels a query that was sent during the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResources:
    """The parts of a run, put together by `app`."""

    connections: Connections
    engines: Engines
    planning: Planning
    staging: Staging
    operation: Operation
    leftovers: Leftovers
    reporter: Reporter
    release: Callable[[], None]
    """Releases what the connections share; called after they are closed."""


@dataclass(frozen=True, slots=True)
class _Computed:
    """A node's staged answer, and the table to make of it."""

    load: Load
    engine: Engine
    result: Dataset
    digits: frozenset[str]
    """Names in the answer of the columns that hold numbers as texts."""
    sink: Sink | None
    """Where the engine staged it; None for an answer that was extracted, which other nodes may read, too."""


class RunFederator:
    """Implements Federator for one run: thread-safe, one call of `federate` per node."""

    def __init__(self, resources: RunResources) -> None:
        self._resources = resources
        self._metrics = RunMetrics(resources.reporter)
        self._stopped = threading.Event()
        self._extractor = Extractor(resources.connections, resources.staging, self._stopped.is_set)
        self._expected = ExpectedNodes(self._queries_of, self._extractor.expect)
        self._at_source = SourcePlanning(resources.connections, resources.planning)
        self._choosing = Choosing(resources.connections, resources.planning, self._at_source)
        self._copies = TargetCopies(resources.connections, resources.operation)
        self._lock = threading.Lock()
        self._idle = threading.Event()
        self._idle.set()
        self._active = 0
        self._closed = False

    @property
    def run(self) -> str:
        """See Federator."""
        return self._resources.operation.run

    @property
    def totals(self) -> Totals:
        """See Federator."""
        return self._metrics.totals

    def expect(self, requests: Sequence[NodeRequest]) -> None:
        """See Federator."""
        self._expected.add(requests)

    def federate(self, request: NodeRequest, publisher: Publisher) -> Outcome:
        """See Federator."""
        resources, metrics = self._resources, NodeMetrics(self._metrics, request.unique_id)
        with self._node(request):
            computed = self._compute(request, metrics)
            self._raise_if_stopped("loading")

            # load and publish
            target = resources.connections[request.stage.connection]
            with loaded(computed.load, computed.result, target, resources.operation, metrics):
                self._used(computed)
                self._raise_if_stopped("publishing")
                publish(computed.load, publisher, metrics.moved)
        return metrics.outcome

    def choose(self, request: NodeRequest) -> Choice:
        """See Federator."""
        resources = self._resources
        with self._node(request):
            tables = resources.planning.resolve(request)
            engine = resources.engines.named(request.compute)
            return self._choosing.choose(request, tables, engine)

    @contextmanager
    def copies(self, request: NodeRequest) -> Iterator[Copies]:
        """See Federator."""
        resources, metrics = self._resources, NodeMetrics(self._metrics, request.unique_id)
        with self._node(request):
            tables = resources.planning.resolve(request)
            self._sweep(tables.connections | {request.stage.connection}, metrics)
            engine = resources.engines.named(request.compute)
            plan = resources.planning.copies(tables, engine)
            resources.planning.forget(request)
            for notice in (*plan.notices, *missing_snapshots(plan.queries, resources.connections)):
                metrics.notice(notice)
            staged = self._extracted(plan, tables, engine, metrics)
            made: dict[str, TableRef] = {}
            for copy in plan.copies:
                self._raise_if_stopped("copying")
                dataset = staged[copy.query.alias]
                made[copy.unique_id] = self._copies.table(copy, dataset, request.stage, metrics)
            sql = resources.planning.named(plan.sql, list(made.values()))
            yield Copies(sql=sql, tables=made, outcome=metrics.outcome)

    def select(self, request: NodeRequest) -> Answer:
        """See Federator."""
        metrics = NodeMetrics(self._metrics, request.unique_id)
        with self._node(request):
            computed = self._compute(request, metrics)
            try:
                rows = computed.engine.rows(computed.result)
            finally:
                self._used(computed)
        by_staged = {column.staged: column.name for column in computed.load.columns}
        staged = [column.name for column in computed.result.columns]
        names = tuple(by_staged[name] for name in staged)
        zone, _ = self._resources.planning.time_zone(request)
        has_offsets = self._resources.connections[request.stage.connection].type.instants_have_offsets
        reading = AnswerReading(
            digits=tuple(name in computed.digits for name in staged), zone=zone, has_offsets=has_offsets
        )
        return Answer(names=names, rows=[reading.row(row) for row in rows], outcome=metrics.outcome)

    def _compute(self, request: NodeRequest, metrics: NodeMetrics) -> _Computed:
        """Carry out the steps of a node up to its staged answer."""
        resources = self._resources
        # resolve: which tables the SQL reads, as their databases have them now
        tables = resources.planning.resolve(request)
        engine = resources.engines.named(request.compute)
        self._sweep(tables.connections | {request.stage.connection}, metrics)
        if self._choosing.place(request, tables, engine) is Place.SOURCE:
            return self._answered(self._at_source.plan(tables, engine), tables, engine, metrics)

        # plan: what runs where
        plan = resources.planning.plan(tables, engine)
        resources.planning.forget(request)
        for notice in warnings(plan, resources.connections):
            metrics.notice(notice)

        # extract and stage, in waves: all connections side by side, shared with other models
        staged = self._extracted(plan, tables, engine, metrics)
        self._raise_if_stopped("computing")

        # compute
        sink = resources.staging.result(result_key(request))
        result = compute(plan.transform, staged, engine, sink, metrics.moved)
        return _Computed(plan.load, engine, result, frozenset(), sink)

    def _answered(
        self, plan: SourcePlan, tables: Resolved, engine: Engine, metrics: NodeMetrics
    ) -> _Computed:
        """Have a node's source compute it, and stage the answer."""
        for notice in plan.notices:
            metrics.notice(notice)
        staged = self._extracted(plan, tables, engine, metrics)
        digits = frozenset(column.name for column in plan.query.columns if column.column.as_digits)
        return _Computed(plan.load, engine, staged[plan.query.alias], digits, None)

    def _used(self, computed: _Computed) -> None:
        """Remove what the engine staged, if nothing needs it any more."""
        if computed.sink is not None:
            self._resources.staging.used(computed.sink)

    def plan(self, request: NodeRequest) -> FederationPlan:
        """See Federator."""
        with self._node(request):
            tables = self._resources.planning.resolve(request)
            engine = self._resources.engines.named(request.compute)
            planning = self._resources.planning
            return planning.with_estimates(planning.plan(tables, engine))

    def plan_copies(self, request: NodeRequest) -> CopyPlan:
        """See Federator."""
        with self._node(request):
            tables = self._resources.planning.resolve(request)
            engine = self._resources.engines.named(request.compute)
            planning = self._resources.planning
            return planning.with_estimates_of_copies(planning.copies(tables, engine))

    def plan_at_source(self, request: NodeRequest) -> SourcePlan:
        """See Federator."""
        with self._node(request):
            tables = self._resources.planning.resolve(request)
            engine = self._resources.engines.named(request.compute)
            return self._resources.planning.with_estimate(self._at_source.plan(tables, engine))

    def describe(self, table: TableRef) -> Table:
        """See Federator."""
        return self._resources.connections.describe([table])[table]

    def columns_on(self, target: str, table: TableRef) -> tuple[LoadColumn, ...]:
        """See Federator."""
        columns = self.describe(table).columns
        staged = [StageColumn(column.name, encoding(column.stage).stage) for column in columns]
        return loader(self._resources.connections[target], f"a copy of {table}").columns(staged)

    def wrote(self, connection: str, table: TableRef | None) -> None:
        """See Federator."""
        self._resources.connections.wrote(connection, table)
        self._expected.wrote(table)

    def cancel(self) -> None:
        """See Federator."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        self._resources.connections.cancel()
        self._resources.engines.cancel()
        threading.Thread(target=self._cancel_again, name="dvt-cancel", daemon=True).start()

    def close(self) -> None:
        """See Federator."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        if not self._idle.is_set():
            self.cancel()
        self._stopped.set()
        self._idle.wait(_CLOSE_TIMEOUT)
        resources = self._resources
        with ExitStack() as last_to_first:
            for resource in (resources.operation, resources.leftovers):
                last_to_first.callback(resource.close)
            last_to_first.callback(self._close_staging)
            last_to_first.callback(resources.release)
            last_to_first.callback(resources.connections.close)
            last_to_first.callback(resources.engines.close)
            undropped = list(self._drop_remaining_stage_tables())
        for notice in undropped:
            resources.reporter.notice("", notice)

    def _queries_of(self, request: NodeRequest) -> Sequence[SourceQuery]:
        """Plan a node that has not begun; return its queries."""
        self._raise_if_stopped("planning")
        planning = self._resources.planning
        tables = planning.resolve(request)
        engine = self._resources.engines.named(request.compute)
        place = self._choosing.place(request, tables, engine)
        if place is Place.TARGET:
            plan = planning.copies(tables, engine)
            self._copies.expect(request.stage.connection, plan.copies)
            return plan.queries
        if place is Place.SOURCE:
            return self._at_source.plan(tables, engine).queries
        return planning.plan(tables, engine).queries

    def _extracted(
        self,
        plan: FederationPlan | CopyPlan | SourcePlan,
        tables: Resolved,
        engine: Engine,
        metrics: NodeMetrics,
    ) -> dict[str, Dataset]:
        """Extract and stage what a plan needs; return the answers by alias."""
        request = tables.parsed.request
        self._expected.begins(request, plan.queries)
        staged: dict[str, Dataset] = {}
        for wave in plan.waves():
            queries = self._resources.planning.answered(wave, staged, engine)
            staged |= self._extractor.extract(queries, tables.by_ref, metrics.moved, request.extract_limits)
        return staged

    @contextmanager
    def _node(self, request: NodeRequest) -> Iterator[None]:
        """Wrap the work on one node: refuse to begin in a stopped run, name node and file in errors."""
        with self._lock:
            self._active += 1
            self._idle.clear()
        try:
            self._raise_if_stopped("beginning")
            yield
        except DvtError as error:
            request.about(error)
            raise
        finally:
            with self._lock:
                self._active -= 1
                if self._active == 0:
                    self._idle.set()

    def _raise_if_stopped(self, doing: str) -> None:
        if self._stopped.is_set():
            raise Cancelled(doing)

    def _sweep(self, names: Iterable[str], metrics: NodeMetrics) -> None:
        """Drop what dead runs left on these outputs, which the node uses."""
        for name in sorted(names):
            self._resources.leftovers.sweep(self._resources.connections[name], metrics.notice)

    def _cancel_again(self) -> None:
        """Cancel until no node is active."""
        while not self._idle.wait(_CANCEL_INTERVAL):
            self._resources.connections.cancel(busy=True)
            self._resources.engines.cancel()

    def _close_staging(self) -> None:
        """Remove what was staged; where that fails it stays on record, for the next run to remove."""
        resources = self._resources
        address = resources.staging.bucket.address
        try:
            resources.staging.close()
        except DvtError as error:
            message = f"staged data of this run stays in {address}: {error.message}"
            resources.reporter.notice("", Notice("DVT023", message, "the next run tries again"))
        else:
            resources.operation.is_done_with(address)

    def _drop_remaining_stage_tables(self) -> Iterator[Notice]:
        resources = self._resources
        for stage in resources.operation.stage_tables:
            error = drop(stage, resources.connections[stage.connection], resources.operation)
            if error is not None:
                message = f"stage table {stage} could not be dropped: {error.message}"
                yield Notice("DVT023", message, "the next run tries again; or drop it by hand")
