"""What happens to a federated node, from its SQL to its table. Read `RunFederator.federate` first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from dvt.core.errors import Cancelled, DvtError
from dvt.core.names import TableRef
from dvt.core.plan import FederationPlan
from dvt.core.ports.bridge import Publisher, Reporter
from dvt.core.ports.staging import Dataset
from dvt.core.reports import Notice, Outcome, Totals
from dvt.core.requests import NodeRequest
from dvt.core.tables import Table
from dvt.federation.compute import compute, result_key
from dvt.federation.connections import Connections
from dvt.federation.engines import Engines
from dvt.federation.extract import Extractor
from dvt.federation.leftovers import Leftovers
from dvt.federation.load import loaded
from dvt.federation.notices import warnings
from dvt.federation.planning import Planning
from dvt.federation.publish import publish
from dvt.federation.stage_tables import drop
from dvt.federation.tally import NodeTally, Tally
from dvt.runs.operations import Operation
from dvt.staging.shared import Staging

_PATIENCE = 10.0
"""Seconds that the end of a run waits for nodes that were stopped."""
_AGAIN = 0.3
"""Seconds between two rounds of cancelling: a query sent just before the first is caught by the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What a run works with; `app` puts it together."""

    connections: Connections
    engines: Engines
    planning: Planning
    staging: Staging
    operation: Operation
    leftovers: Leftovers
    reporter: Reporter
    release: Callable[[], None]
    """Frees what the connections share, after they are closed."""


class RunFederator:
    """Implements Federator for one run: thread-safe, one call of `federate` per node."""

    def __init__(self, workshop: Workshop) -> None:
        self._with = workshop
        self._tally = Tally(workshop.reporter)
        self._stopped = threading.Event()
        self._extractor = Extractor(workshop.connections, workshop.staging, self._stopped.is_set)
        self._lock = threading.Lock()
        self._idle = threading.Event()
        self._idle.set()
        self._active = 0
        self._closed = False

    @property
    def run(self) -> str:
        """See Federator."""
        return self._with.operation.run

    @property
    def totals(self) -> Totals:
        """See Federator."""
        return self._tally.totals

    def federate(self, request: NodeRequest, publisher: Publisher) -> Outcome:
        """See Federator."""
        shop, tally = self._with, NodeTally(self._tally, request.unique_id)
        with self._node(request):
            # resolve: which tables the SQL reads, as their databases have them now
            tables = shop.planning.resolve(request)
            engine = shop.engines.named(request.compute)
            self._sweep(tables.connections | {request.stage.connection}, tally)

            # plan: what runs where
            plan = shop.planning.plan(tables, engine)
            for notice in warnings(plan, shop.connections):
                tally.notice(notice)

            # extract and stage, in waves: all connections side by side, shared with other models
            staged: dict[str, Dataset] = {}
            for wave in plan.waves():
                queries = shop.planning.answered(wave, staged, engine)
                staged |= self._extractor.extract(queries, tables.by_ref, tally.moved)
            self._go_on("computing")

            # compute
            sink = shop.staging.result(result_key(request))
            result = compute(plan.transform, staged, engine, sink, tally.moved)
            self._go_on("loading")

            # load and publish
            target = shop.connections[request.stage.connection]
            with loaded(plan.load, result, target, shop.operation, tally):
                shop.staging.used(sink)
                self._go_on("publishing")
                publish(plan.load, publisher, tally.moved)
        return tally.outcome

    def plan(self, request: NodeRequest) -> FederationPlan:
        """See Federator."""
        with self._node(request):
            tables = self._with.planning.resolve(request)
            engine = self._with.engines.named(request.compute)
            return self._with.planning.plan(tables, engine)

    def describe(self, table: TableRef) -> Table:
        """See Federator."""
        return self._with.connections.describe([table])[table]

    def wrote(self, connection: str, table: TableRef | None) -> None:
        """See Federator."""
        self._with.connections.wrote(connection, table)

    def cancel(self) -> None:
        """See Federator."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        self._with.connections.cancel()
        self._with.engines.cancel()
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
        self._idle.wait(_PATIENCE)
        shop = self._with
        with ExitStack() as last_to_first:
            for each in (shop.operation, shop.leftovers):
                last_to_first.callback(each.close)
            last_to_first.callback(self._close_staging)
            last_to_first.callback(shop.release)
            last_to_first.callback(shop.connections.close)
            last_to_first.callback(shop.engines.close)
            stayed = list(self._drop_what_stayed())
        for notice in stayed:
            shop.reporter.notice("", notice)

    @contextmanager
    def _node(self, request: NodeRequest) -> Iterator[None]:
        """Around everything of one node: nothing begins in a stopped run, errors name node and file."""
        with self._lock:
            self._active += 1
            self._idle.clear()
        try:
            self._go_on("beginning")
            yield
        except DvtError as error:
            error.about(request.name, request.file)
            raise
        finally:
            with self._lock:
                self._active -= 1
                if self._active == 0:
                    self._idle.set()

    def _go_on(self, to: str) -> None:
        if self._stopped.is_set():
            raise Cancelled(to)

    def _sweep(self, names: Iterable[str], tally: NodeTally) -> None:
        """The node uses these outputs anyway, so what dead runs left there goes."""
        for name in sorted(names):
            self._with.leftovers.sweep(self._with.connections[name], tally.notice)

    def _cancel_again(self) -> None:
        while not self._idle.wait(_AGAIN):
            self._with.connections.cancel(busy=True)
            self._with.engines.cancel()

    def _close_staging(self) -> None:
        self._with.staging.close()
        self._with.operation.is_done_with(self._with.staging.bucket.address)

    def _drop_what_stayed(self) -> Iterator[Notice]:
        shop = self._with
        for stage in shop.operation.stage_tables:
            error = drop(stage, shop.connections[stage.connection], shop.operation)
            if error is not None:
                message = f"stage table {stage} could not be dropped: {error.message}"
                yield Notice("DVT023", message, "the next run tries again; or drop it by hand")
