"""Execution of a federated node, from its SQL to its table. Read `RunFederator.federate` first."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from dvt.core.encoding import encoding
from dvt.core.errors import DvtError
from dvt.core.explanation import StagedIn
from dvt.core.names import TableRef
from dvt.core.places import Choice, Place
from dvt.core.plan import CopyPlan, FederationPlan, Load, LoadColumn, SourcePlan
from dvt.core.ports.bridge import Copies, Publisher
from dvt.core.ports.engines import Engine
from dvt.core.ports.staging import Dataset, Sink
from dvt.core.queries import SourceQuery
from dvt.core.reports import Answer, Notice, Outcome, Totals
from dvt.core.requests import NodeRequest
from dvt.core.seeds import SeedRequest, Typed
from dvt.core.tables import StageColumn, Table
from dvt.federation import seeding
from dvt.federation.active_nodes import ActiveNodes
from dvt.federation.answer_reading import AnswerReading
from dvt.federation.at_source import SourcePlanning
from dvt.federation.choice import Choosing
from dvt.federation.compute import compute, result_key
from dvt.federation.copies import TargetCopies
from dvt.federation.expecting import ExpectedNodes
from dvt.federation.extract import Extractor
from dvt.federation.load import loaded
from dvt.federation.metrics import NodeMetrics, RunMetrics
from dvt.federation.notices import failed_again, of_reads, warnings
from dvt.federation.own_sizes import with_own_sizes
from dvt.federation.planning import Resolved
from dvt.federation.publish import publish
from dvt.federation.resources import RunResources
from dvt.federation.resuming import of_sources_alone
from dvt.federation.stage_tables import drop, load_columns
from dvt.staging.shared import Staging


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
    staging: Staging
    """The staged data of the bucket that has the answer."""


class RunFederator:
    """Implements Federator for one run: thread-safe, one call of `federate` per node."""

    def __init__(self, resources: RunResources) -> None:
        self._resources = resources
        self._metrics = RunMetrics(resources.reporter)
        self._nodes = ActiveNodes()
        self._extractor = Extractor(
            resources.connections,
            resources.buckets,
            lambda: self._nodes.are_stopped,
            resources.kept,
            resources.resumable,
        )
        self._expected = ExpectedNodes(self._queries_of, self._extractor.expect)
        self._at_source = SourcePlanning(resources.connections, resources.planning)
        self._choosing = Choosing(resources.connections, resources.planning, self._at_source)
        self._copies = TargetCopies(resources.connections, resources.operation)
        self._closing = threading.Lock()
        self._closed = False
        self._wrote_elsewhere = False
        """Whether a node has written where the project was not known to write."""
        self._has_built = False
        """Whether a node's table was built, or copies for it."""

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

    def federate(self, request: NodeRequest, publisher: Publisher, *, place: Place | None = None) -> Outcome:
        """See Federator."""
        resources, metrics = self._resources, NodeMetrics(self._metrics, request.unique_id)
        with self._nodes.begun(request):
            computed = self._compute(request, place, metrics)
            self._nodes.raise_if_stopped("loading")

            # load and publish
            target = resources.connections[request.stage.connection]
            with loaded(computed.load, computed.result, target, resources.operation, metrics):
                self._used(computed)
                self._nodes.raise_if_stopped("publishing")
                publish(computed.load, publisher, metrics.moved)
        self._has_built = True
        return metrics.outcome

    def seed(self, request: SeedRequest, typed: Typed, publisher: Publisher) -> Outcome:
        """See Federator."""
        resources, metrics = self._resources, NodeMetrics(self._metrics, request.unique_id)
        with self._nodes.begun(request):
            self._sweep({request.stage.connection}, metrics)
            target = resources.connections[request.stage.connection]
            staging = resources.buckets.staging(request.bucket)
            sink = staging.result(seeding.key(request))
            with resources.seeds.open(request.source) as seed:
                load, dataset = seeding.staged(seed, request, typed, target, sink, metrics)
            self._nodes.raise_if_stopped("loading")
            with loaded(load, dataset, target, resources.operation, metrics):
                staging.used(sink)
                self._nodes.raise_if_stopped("publishing")
                publish(load, publisher, metrics.moved)
        return metrics.outcome

    def choose(self, request: NodeRequest) -> Choice:
        """See Federator."""
        with self._nodes.begun(request):
            tables, engine = self._resolved(request)
            return self._choosing.choose(request, tables, engine)

    @contextmanager
    def copies(self, request: NodeRequest) -> Iterator[Copies]:
        """See Federator."""
        resources, metrics = self._resources, NodeMetrics(self._metrics, request.unique_id)
        with self._nodes.begun(request):
            tables, engine = self._resolved(request)
            self._sweep(tables.connections | {request.stage.connection}, metrics)
            plan = resources.planning.copies(tables, engine)
            resources.planning.forget(request)
            for notice in (*plan.notices, *of_reads(plan.queries, resources.connections)):
                metrics.notice(notice)
            staged = self._extracted(plan, tables, engine, metrics)
            made: dict[str, TableRef] = {}
            for copy in plan.copies:
                self._nodes.raise_if_stopped("copying")
                dataset = staged[copy.query.alias]
                made[copy.unique_id] = self._copies.table(copy, dataset, request.stage, metrics)
            sql = resources.planning.named(plan.sql, list(made.values()))
            yield Copies(sql=sql, tables=made, outcome=metrics.outcome)
        self._has_built = True

    def select(self, request: NodeRequest) -> Answer:
        """See Federator."""
        metrics = NodeMetrics(self._metrics, request.unique_id)
        with self._nodes.begun(request):
            computed = self._compute(request, None, metrics, resumes=False)
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

    def _compute(
        self, request: NodeRequest, place: Place | None, metrics: NodeMetrics, *, resumes: bool = True
    ) -> _Computed:
        """Carry out the steps of a node up to its staged answer, at its source or in the engine.

        `resumes`: rows may be taken that a run which failed has left.
        """
        resources = self._resources
        # resolve: which tables the SQL reads, as their databases have them now
        tables, engine = self._resolved(request)
        self._sweep(tables.connections | {request.stage.connection}, metrics)
        staging = resources.buckets.staging(request.bucket)
        if (place or self._choosing.place(request, tables, engine)) is Place.SOURCE:
            return self._answered(self._at_source.plan(tables, engine), tables, engine, metrics)

        # plan: what runs where
        plan = with_own_sizes(resources.planning, resources.planning.plan(tables, engine), tables, engine)
        resources.planning.forget(request)
        for notice in warnings(plan, resources.connections):
            metrics.notice(notice)

        # extract and stage, in waves: all connections side by side, shared with other models
        staged = self._extracted(plan, tables, engine, metrics, resumes=resumes)
        self._nodes.raise_if_stopped("computing")

        # compute
        sink = staging.result(result_key(request))
        result = compute(plan.transform, staged, engine, sink, metrics.moved)
        return _Computed(plan.load, engine, result, frozenset(), sink, staging)

    def _answered(
        self, plan: SourcePlan, tables: Resolved, engine: Engine, metrics: NodeMetrics
    ) -> _Computed:
        """Have a node's source compute it, and stage the answer."""
        for notice in plan.notices:
            metrics.notice(notice)
        staged = self._extracted(plan, tables, engine, metrics)
        digits = frozenset(column.name for column in plan.query.columns if column.column.as_digits)
        return _Computed(
            plan.load,
            engine,
            staged[plan.query.alias],
            digits,
            None,
            self._resources.buckets.staging(plan.query.bucket),
        )

    def _used(self, computed: _Computed) -> None:
        """Remove what the engine staged, if nothing needs it any more."""
        if computed.sink is not None:
            computed.staging.used(computed.sink)

    def plan(self, request: NodeRequest) -> FederationPlan:
        """See Federator."""
        with self._nodes.begun(request):
            tables, engine = self._resolved(request)
            planning = self._resources.planning
            plan = with_own_sizes(planning, planning.plan(tables, engine), tables, engine)
            return planning.with_estimates(plan)

    def plan_copies(self, request: NodeRequest) -> CopyPlan:
        """See Federator."""
        with self._nodes.begun(request):
            tables, engine = self._resolved(request)
            planning = self._resources.planning
            return planning.with_estimates_of_copies(
                planning.copies(tables, engine), request.stage.connection
            )

    def plan_at_source(self, request: NodeRequest) -> SourcePlan:
        """See Federator."""
        with self._nodes.begun(request):
            tables, engine = self._resolved(request)
            return self._resources.planning.with_estimate(self._at_source.plan(tables, engine))

    def staged(self, request: NodeRequest, plan: FederationPlan | CopyPlan | SourcePlan) -> StagedIn:
        """See Federator."""
        return self._resources.forecast.of(request, plan)

    def describe(self, table: TableRef) -> Table:
        """See Federator."""
        return self._resources.connections.describe([table])[table]

    def columns_on(self, target: str, table: TableRef) -> tuple[LoadColumn, ...]:
        """See Federator."""
        columns = self.describe(table).columns
        staged = [StageColumn(column.name, encoding(column.stage).stage) for column in columns]
        return load_columns(self._resources.connections[target], f"a copy of {table}", staged)

    def wrote(self, connection: str, table: TableRef | None) -> None:
        """See Federator."""
        self._resources.connections.wrote(connection, table)
        resumable = self._resources.resumable
        if resumable is not None and resumable.identity(connection) is not None:
            self._wrote_elsewhere = True
        self._expected.wrote(table)

    def cancel(self) -> None:
        """See Federator."""
        if self._nodes.are_stopped:
            return
        self._nodes.stop(self._cancel_again)
        self._resources.connections.cancel()
        self._resources.engines.cancel()
        self._resources.seeds.cancel()

    def close(self, *, failed: bool = False) -> None:
        """See Federator."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        failed = failed or self._nodes.has_failed or self._nodes.are_stopped or not self._nodes.are_idle
        if not self._nodes.are_idle:
            self.cancel()
        self._nodes.stop(self._cancel_again)
        self._nodes.wait()
        resources = self._resources
        with ExitStack() as last_to_first:
            for resource in (resources.operation, resources.leftovers):
                last_to_first.callback(resource.close)
            last_to_first.callback(self._close_staging, failed=failed)
            last_to_first.callback(resources.release)
            last_to_first.callback(resources.connections.close)
            last_to_first.callback(resources.engines.close)
            undropped = list(self._drop_remaining_stage_tables())
        for notice in undropped:
            resources.reporter.notice("", notice)
        if failed and self._extractor.has_resumed and not self._nodes.has_refused_rows:
            resources.reporter.notice("", failed_again())

    def _queries_of(self, request: NodeRequest) -> Sequence[SourceQuery]:
        """Plan a node that has not begun; return its queries."""
        self._nodes.raise_if_stopped("planning")
        planning = self._resources.planning
        tables, engine = self._resolved(request)
        place = self._choosing.place(request, tables, engine)
        if place is Place.TARGET:
            plan = planning.copies(tables, engine)
            self._copies.expect(request.stage.connection, plan.copies)
            return plan.queries
        if place is Place.SOURCE:
            return self._at_source.plan(tables, engine).queries
        return planning.plan(tables, engine).queries

    def _resolved(self, request: NodeRequest) -> tuple[Resolved, Engine]:
        """Return what a node reads, as its databases have it now, and the engine that may compute it."""
        return self._resources.planning.resolve(request), self._resources.engines.named(request.compute)

    def _extracted(
        self,
        plan: FederationPlan | CopyPlan | SourcePlan,
        tables: Resolved,
        engine: Engine,
        metrics: NodeMetrics,
        *,
        resumes: bool = True,
    ) -> dict[str, Dataset]:
        """Extract and stage what a plan needs; return the answers by alias."""
        request = tables.parsed.request
        self._expected.begins(request, plan.queries)
        staged: dict[str, Dataset] = {}
        waves = list(plan.waves())
        resumable = of_sources_alone(request, waves) if resumes else ()
        for wave in waves:
            queries = self._resources.planning.answered(wave, staged, engine)
            staged |= self._extractor.extract(
                queries, tables.by_ref, metrics.moved, request.extract_limits, resumable
            )
        return staged

    def _sweep(self, names: Iterable[str], metrics: NodeMetrics) -> None:
        """Drop what dead runs left on these outputs, which the node uses."""
        for name in sorted(names):
            self._resources.leftovers.sweep(self._resources.connections[name], metrics.notice)

    def _cancel_again(self) -> None:
        """Cancel what was sent while the run was being stopped."""
        self._resources.connections.cancel(busy=True)
        self._resources.engines.cancel()

    def _close_staging(self, *, failed: bool) -> None:
        """Remove what was staged; where that fails it stays on record, for the next run to remove.

        What a later run may take after this one has failed stays on record, too: no rows that were refused.
        """
        resources, are_refused = self._resources, self._nodes.has_refused_rows
        for staging in resources.buckets.close():
            address = staging.bucket.address
            try:
                is_done = staging.close(
                    failed=failed and not self._wrote_elsewhere and not are_refused,
                    removes_earlier=are_refused or (self._has_built and not failed),
                )
            except DvtError as error:
                message = f"staged data of this run stays in {address}: {error.message}"
                resources.reporter.notice("", Notice("DVT023", message, "the next run tries again"))
            else:
                if is_done:
                    resources.operation.is_done_with(address)

    def _drop_remaining_stage_tables(self) -> Iterator[Notice]:
        resources = self._resources
        for stage in resources.operation.stage_tables:
            error = drop(stage, resources.connections[stage.connection], resources.operation)
            if error is not None:
                message = f"stage table {stage} could not be dropped: {error.message}"
                yield Notice("DVT023", message, "the next run tries again; or drop it by hand")
