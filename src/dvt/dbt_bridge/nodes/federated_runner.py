"""Runs a federated node in place of dbt's runner: pre-hooks, federation, then dbt's materialization."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from inspect import signature
from typing import TYPE_CHECKING, Any

from dbt.artifacts.schemas.results import NodeStatus
from dbt.context.providers import generate_runtime_model_context
from dbt.task.compile import CompileRunner
from dbt.task.run import MicrobatchBatchRunner, ModelRunner
from dbt.task.show import ShowRunner
from dbt.task.test import TestRunner

from dvt.core.errors import DvtError, NotFederable
from dvt.core.reports import Notice, Outcome
from dvt.dbt_bridge.dbt_errors import as_dbt_errors
from dvt.dbt_bridge.jinja.hooks import elsewhere, hooks_of, route_hooks, wrote
from dvt.dbt_bridge.jinja.relations import table_ref
from dvt.dbt_bridge.jinja.statements import has_changed
from dvt.dbt_bridge.nodes import publish
from dvt.dbt_bridge.nodes.request import node_request
from dvt.dbt_bridge.nodes.testing import FederatedTestRunner
from dvt.dbt_bridge.nodes.transactions import commit_open
from dvt.dbt_bridge.outputs import dialects

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from dvt.dbt_bridge.session import Session


class Federated:
    """What a runner of federated nodes adds to dbt's: federation between compiling and materializing."""

    session: Session
    adapter: Any
    config: Any
    _manifest: Manifest
    _stage: Any

    def execute(self, model: Any, manifest: Manifest) -> Any:
        """Federate the compiled node and publish what it gave."""
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
        self._stage = publish.stage_relation(self.adapter, request.stage)
        self._warn_of_view(model)
        self._run_pre_hooks(model)
        publisher = publish.DbtPublisher(self.adapter, model, self._materialize)
        outcome = federator.federate(request, publisher)
        publisher.result.node = model
        return with_figures(publisher.result, outcome)

    def _materialize(self, stand_in: Any) -> Any:
        """Run dbt's own materialization of the stand-in that selects the stage table."""
        return super().execute(stand_in, self._manifest)  # type: ignore[misc]

    def _warn_of_view(self, model: Any) -> None:
        if model.config.materialized == "view":
            message = f"view {model.name!r} reads other connections, so it is built as a table"
            hint = "config(materialized='table') says the same without a warning"
            self.session.reporter.notice(model.unique_id, Notice("DVT001", message, hint))

    def _run_pre_hooks(self, model: Any) -> None:
        """Run the pre-hooks; commit them and what the Jinja ran, so that the federation sees all of it."""
        if model.config.pre_hook:
            context = generate_runtime_model_context(model, self.config, self._manifest)
            route_hooks(self.session, context, model, self._manifest)
            for inside in (False, True):
                context["run_hooks"](context["pre_hooks"], inside_transaction=inside)
        commit_open(self.adapter)
        if model.config.pre_hook or has_changed(self.session):
            wrote(self.session, self.session.output_of(model.unique_id))

    def _execute_model(self, *args: Any, **kwargs: Any) -> Any:
        """As dbt, in a context that knows the stage table."""
        execute = super()._execute_model  # type: ignore[misc]
        bound = signature(execute).bind(*args, **kwargs)
        given = bound.arguments
        node, context = given["model"], given["context"]
        publish.rename_stage_table(context, self.adapter, node, self._stage)
        chosen = given["materialization_macro"]
        given["materialization_macro"] = publish.materialization(context, node, self._stage, chosen)
        return execute(*bound.args, **bound.kwargs)


class FederatedModelRunner(Federated, ModelRunner):
    """Runs a federated model."""


class FederatedBatchRunner(Federated, MicrobatchBatchRunner):
    """Runs one batch of a federated microbatch model."""


class NoFederatedShow(CompileRunner):
    """Says of a federated model that its rows cannot be shown before it is built."""

    def execute(self, compiled_node: Any, manifest: Manifest) -> Any:
        """Raise: the compiled SQL names tables of several databases."""
        del manifest
        what = f"show of model {compiled_node.name!r}"
        hint = f"build it, then: dvt show --inline \"select * from {{{{ ref('{compiled_node.name}') }}}}\""
        with as_dbt_errors():
            error = NotFederable(what, "only run and build compute across databases", hint)
            raise error.about(compiled_node.name, compiled_node.original_file_path)


FEDERATED: Mapping[type[Any], type[Any]] = {
    ModelRunner: FederatedModelRunner,
    MicrobatchBatchRunner: FederatedBatchRunner,
    ShowRunner: NoFederatedShow,
    TestRunner: FederatedTestRunner,
}
"""What runs a federated node where dbt would use this runner. Others compile only, or delegate."""


def is_federated(session: Session, node: Any) -> bool:
    """True for nodes that dvt computes, and for unit tests of such models."""
    if node.resource_type == "unit_test":
        return any(session.federated(unique_id) for unique_id in node.depends_on.nodes)
    return session.federated(node.unique_id)


def federated_runner(session: Session, runner: Any) -> Any:
    """A federated runner with all that the runner holds, or the runner itself where its kind has none."""
    kind = FEDERATED.get(type(runner))
    if kind is None:
        return runner
    made: Any = object.__new__(kind)
    vars(made).update(vars(runner), session=session)
    return made


def with_figures(result: Any, outcome: Outcome) -> Any:
    """The result, which says what was moved too (`run_results.json`'s adapter_response)."""
    response = dict(result.adapter_response or {})
    loaded = next((moved.rows for moved in reversed(outcome.moved) if moved.what == "load"), -1)
    if result.status == NodeStatus.Success and response.get("rows_affected", -1) < 0 <= loaded:
        result.message = f"SELECT {loaded}"
        response |= {"_message": result.message, "code": "SELECT", "rows_affected": loaded}
    extracted = [moved for moved in outcome.moved if moved.what == "extract"]
    response["rows_moved"] = sum(moved.rows for moved in extracted if not moved.reused)
    response["bytes_moved"] = sum(moved.bytes for moved in extracted if not moved.reused)
    response["dvt"] = [asdict(moved) for moved in outcome.moved]
    result.adapter_response = response
    return result


def written(session: Session, node: Any) -> None:
    """Tell the federation what a node that has run wrote; the bridge calls it for every node."""
    federator = session.federating
    if federator is None:
        return
    home = session.output_of(node.unique_id)
    if has_changed(session):
        federator.wrote(home, None)
    if not getattr(node, "is_relational", False):
        return
    hooks = hooks_of(node)
    if any(elsewhere(hook, home) is None for hook in hooks):
        federator.wrote(home, None)
        return
    kind = dialects.of_type(session.outputs.types[home])
    relation = session.targets.adapter(home).Relation.create_from(session.targets.config(home), node)
    federator.wrote(home, table_ref(relation, home, kind))
