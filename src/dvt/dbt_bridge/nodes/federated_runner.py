"""Runs federated nodes: pre-hooks, then the federation, then dbt's own materialization."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from inspect import signature
from typing import TYPE_CHECKING, Any

from dbt.artifacts.schemas.results import NodeStatus
from dbt.context.providers import generate_runtime_model_context
from dbt.events.types import RunResultError
from dbt.task.freshness import FreshnessRunner
from dbt.task.run import MicrobatchBatchRunner, ModelRunner
from dbt.task.show import ShowRunner
from dbt.task.snapshot import SnapshotRunner
from dbt.task.test import TestRunner
from dbt_common.events.functions import fire_event

from dvt.core.errors import DvtError
from dvt.core.places import Place
from dvt.core.ports.bridge import Copies, Federator
from dvt.core.reports import Notice, Outcome
from dvt.core.requests import NodeRequest
from dvt.dbt_bridge.dbt_errors import as_dbt_errors
from dvt.dbt_bridge.jinja.hooks import other_output, report_any_write, route_hooks, split_hooks
from dvt.dbt_bridge.jinja.relations import table_ref
from dvt.dbt_bridge.jinja.statements import has_changed
from dvt.dbt_bridge.nodes import on_target, publish
from dvt.dbt_bridge.nodes.freshness import FederatedFreshnessRunner
from dvt.dbt_bridge.nodes.request import node_request
from dvt.dbt_bridge.nodes.show import FederatedShowRunner
from dvt.dbt_bridge.nodes.target_errors import UsersWords
from dvt.dbt_bridge.nodes.testing import FederatedTestRunner
from dvt.dbt_bridge.nodes.transactions import commit_open
from dvt.dbt_bridge.outputs import dialects
from dvt.dbt_bridge.outputs.hook_connections import hooks_of

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from dvt.dbt_bridge.session import Session


class FederationMixin:
    """Adds to a runner of dbt's: between compiling and materializing a node, it is federated."""

    session: Session
    adapter: Any
    config: Any
    _manifest: Manifest
    _place: Place = Place.ENGINE
    """Where the node is computed."""
    _stage: Any = None
    """The stage table that is published; None where the target computes the node itself."""
    _copies: Copies | None = None
    _words: UsersWords | None = None

    def execute(self, model: Any, manifest: Manifest) -> Any:
        """Federate the compiled node, and publish the result by dbt's materialization."""
        with as_dbt_errors():
            try:
                return self._execute_federated(model, manifest)
            except DvtError as error:
                error.about(model.name, model.original_file_path)
                raise

    def _execute_federated(self, model: Any, manifest: Manifest) -> Any:
        self._manifest = manifest
        federator = self.session.federator()
        request = node_request(self.session, model, manifest, federator.run)
        self._warn_about_view(model)
        self._place = on_target.place_of(self.session, federator, request)
        if self._place is Place.TARGET:
            return self._execute_on_target(federator, request, model)
        self._stage = publish.stage_relation(self.adapter, request.stage)
        self._run_pre_hooks(model)
        publisher = publish.DbtPublisher(self.adapter, model, self._materialize)
        outcome = federator.federate(request, publisher, place=self._place)
        publisher.result.node = model
        if publish.is_filled_by_statements(model):  # they change other rows than those of the answer
            return add_moved(publisher.result, outcome)
        return add_figures(publisher.result, outcome)

    def _execute_on_target(self, federator: Federator, request: NodeRequest, model: Any) -> Any:
        """Run dbt's own materialization over copies; the node's hooks run in it, as in a native node."""
        target = self.session.output_of(model.unique_id)
        elsewhere, here = split_hooks(model, target)
        self._run_pre_hooks(elsewhere)
        with federator.copies(request) as self._copies:
            node = on_target.stand_in(here, self._copies)
            self._words = UsersWords(request, self._copies)
            result = on_target.run(self.adapter, node, self._materialize, self._words)
        result.node, model.build_path = model, node.build_path
        return add_moved(result, self._copies.outcome)

    def _materialize(self, stand_in: Any) -> Any:
        """Run dbt's own materialization of `stand_in`, a copy of the node that selects the stage table."""
        return super().execute(stand_in, self._manifest)  # type: ignore[misc]

    def _warn_about_view(self, model: Any) -> None:
        if model.config.materialized == "view":
            message = "the view reads other connections, so it is built as a table"
            hint = "config(materialized='table') says the same without a warning"
            self.session.reporter.notice(model.unique_id, Notice("DVT001", message, hint))

    def _run_pre_hooks(self, model: Any) -> None:
        """Run the pre-hooks; commit them and what the Jinja ran, so that the federation reads all of it."""
        if model.config.pre_hook:
            context = generate_runtime_model_context(model, self.config, self._manifest)
            route_hooks(self.session, context, model, self._manifest)
            for inside_transaction in (False, True):
                context["run_hooks"](context["pre_hooks"], inside_transaction=inside_transaction)
        commit_open(self.adapter)
        if model.config.pre_hook or has_changed(self.session):
            report_any_write(self.session, self.session.output_of(model.unique_id))

    def _execute_model(self, *args: Any, **kwargs: Any) -> Any:
        """Run the materialization as dbt does, with macros in its context that publish the stage table."""
        execute = super()._execute_model  # type: ignore[misc]
        call = signature(execute).bind(*args, **kwargs)
        arguments = call.arguments
        node, context = arguments["model"], arguments["context"]
        if self._copies is not None:
            on_target.name_copies(context, self.adapter, self._copies)
        elif not publish.is_made_by_dbt(node, self._place):
            publish.rename_stage_table(context, self.adapter, node, self._stage)
        macro = arguments["materialization_macro"]
        arguments["materialization_macro"] = publish.materialization(
            context, node, self._stage, macro, self._place
        )
        return execute(*call.args, **call.kwargs)


class FederatedModelRunner(FederationMixin, ModelRunner):
    """Runs a federated model."""


class FederatedBatchRunner(FederationMixin, MicrobatchBatchRunner):
    """Runs one batch of a federated microbatch model."""

    def error_result(self, node: Any, message: str, start_time: float, timing_info: Any) -> Any:
        """Return dbt's result of a failed batch, after the reason is logged: dbt logs "ERROR" alone."""
        fire_event(RunResultError(msg=message, node_info=self.node.node_info))
        return super().error_result(node, message, start_time, timing_info)

    def _build_failed_run_batch_result(self, *args: Any, **kwargs: Any) -> Any:
        """Return dbt's result of a batch whose materialization is failing, with the reason as its message."""
        result = super()._build_failed_run_batch_result(*args, **kwargs)
        reason = str(sys.exception() or result.message)
        result.message = reason if self._words is None else self._words.of(reason)
        return result


class FederatedSnapshotRunner(FederationMixin, SnapshotRunner):
    """Runs a snapshot of other databases' tables, on its target."""


FEDERATED_RUNNERS: Mapping[type[Any], type[Any]] = {
    ModelRunner: FederatedModelRunner,
    MicrobatchBatchRunner: FederatedBatchRunner,
    SnapshotRunner: FederatedSnapshotRunner,
    ShowRunner: FederatedShowRunner,
    TestRunner: FederatedTestRunner,
    FreshnessRunner: FederatedFreshnessRunner,
}
"""dbt's runner → the runner of a federated node. dbt's other runners only compile, or delegate."""


def needs_federated_runner(session: Session, node: Any) -> bool:
    """Return whether dvt computes the node, or the model that a unit test tests."""
    if node.resource_type == "unit_test":
        return any(session.is_federated(unique_id) for unique_id in node.depends_on.nodes)
    return session.is_federated(node.unique_id)


def federated_runner(session: Session, runner: Any) -> Any:
    """Return a federated runner with the runner's attributes; the runner itself if its class has none."""
    runner_class = FEDERATED_RUNNERS.get(type(runner))
    if runner_class is None:
        return runner
    federated: Any = object.__new__(runner_class)
    vars(federated).update(vars(runner), session=session)
    return federated


def add_figures(result: Any, outcome: Outcome) -> Any:
    """Add the rows of the answer and what was moved to the adapter_response, shown by `run_results.json`."""
    response = dict(result.adapter_response or {})
    loaded = next((moved.rows for moved in reversed(outcome.moved) if moved.what == "load"), -1)
    if result.status == NodeStatus.Success and response.get("rows_affected", -1) < 0 <= loaded:
        result.message = f"SELECT {loaded}"
        response |= {"_message": result.message, "code": "SELECT", "rows_affected": loaded}
    result.adapter_response = response
    return add_moved(result, outcome)


def add_moved(result: Any, outcome: Outcome) -> Any:
    """Add to the result's adapter_response what was moved between databases."""
    response = dict(result.adapter_response or {})
    extracted = [moved for moved in outcome.moved if moved.what == "extract"]
    response["rows_moved"] = sum(moved.rows for moved in extracted if not moved.reused)
    response["bytes_moved"] = sum(moved.bytes for moved in extracted if not moved.reused)
    response["dvt"] = [asdict(moved) for moved in outcome.moved]
    result.adapter_response = response
    return result


def report_writes(session: Session, node: Any) -> None:
    """Tell the federation which tables a node has written, so that it does not reuse what it read of them.

    The bridge calls this for every node, native ones too.
    """
    if session.plain:
        return
    target = session.output_of(node.unique_id)
    if has_changed(session):
        session.wrote(target, table=None)
    if not getattr(node, "is_relational", False):
        return
    hooks = hooks_of(node)
    if any(other_output(hook, target) is None for hook in hooks):
        session.wrote(target, table=None)
        return
    dialect = dialects.of_type(session.outputs.types[target])
    relation = session.targets.adapter(target).Relation.create_from(session.targets.config(target), node)
    session.wrote(target, table_ref(relation, target, dialect))
