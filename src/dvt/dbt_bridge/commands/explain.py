"""Implements `dvt explain`: compiles the selected nodes as `dvt compile` does, and plans them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click
from dbt.artifacts.schemas.results import RunStatus
from dbt.cli import params as p
from dbt.cli import requires
from dbt.cli.main import global_flags
from dbt.graph import ResourceTypeSelector
from dbt.node_types import NodeType
from dbt.task.base import resource_types_from_args
from dbt.task.compile import CompileTask
from dbt_common.exceptions import DbtBaseException

from dvt.core.errors import DvtError, TableNotFound
from dvt.core.explanation import Explanation, StagedIn
from dvt.core.places import Choice, Place
from dvt.core.plan import CopyPlan, FederationPlan, SourcePlan
from dvt.dbt_bridge.nodes.request import node_request
from dvt.dbt_bridge.session import Session, current_session

BUILT = frozenset({NodeType.Model, NodeType.Seed, NodeType.Snapshot})
"""Types of nodes that `explain` selects by default."""

Formats = Mapping[str, Callable[[Sequence[Explanation]], str]]
"""Name of a format → function that writes explanations in it."""


def make_command(formats: Formats) -> click.Command:
    """Make the click command, whose --format offers these formats."""

    @click.command("explain")
    @click.pass_context
    @global_flags
    @p.exclude
    @p.exclude_resource_type
    @p.full_refresh
    @p.profiles_dir
    @p.project_dir
    @p.resource_type
    @p.select
    @p.selector
    @p.target_path
    @p.threads
    @p.vars
    @click.option(
        "--format",
        "explain_format",
        type=click.Choice(list(formats)),
        default="text",
        help="Text for people or JSON for programs.",
    )
    @_quietly
    @requires.postflight
    @requires.preflight
    @requires.profile
    @requires.project
    @getattr(requires, "catalogs", lambda function: function)  # dbt-core 1.12 has removed it
    @requires.runtime_config
    @requires.manifest(write=False)
    def explain(ctx: click.Context, **kwargs: Any) -> tuple[list[Explanation], bool]:
        """Show how the selected nodes would run: natively or federated, and why.

        For federated nodes also where they are computed and why (on the target, at the source, in an
        engine), what each other place would cost or lacks, and the plan: every query that would be sent,
        what is pushed into it, what is not and why, copies or transform, and load; the bucket in which it
        stages, and what is there of a run that failed. Databases are asked for columns and sizes, buckets
        for what is there; nothing is extracted, computed or written.
        """
        flags = ctx.obj["flags"]
        task = ExplainTask(flags, ctx.obj["runtime_config"], ctx.obj["manifest"])
        task.run()
        click.echo(formats[kwargs["explain_format"]](task.explanations))
        return task.explanations, not any(explanation.problem for explanation in task.explanations)

    command: click.Command = explain
    return command


def _quietly(function: Callable[..., Any]) -> Callable[..., Any]:
    """Print nothing but the explanation: dbt's log lines go to its log file only."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        args[0].params["quiet"] = True
        args[0].params["write_json"] = False
        return function(*args, **kwargs)

    wrapper.__doc__ = function.__doc__
    return wrapper


class ExplainTask(CompileTask):
    """Compiles the selected nodes, and explains how each of them would run."""

    def __init__(self, args: Any, config: Any, manifest: Any) -> None:
        super().__init__(args, config, manifest)
        self.explanations: list[Explanation] = []

    def raise_on_first_error(self) -> bool:
        """Continue after a node that does not compile; its explanation has the error."""
        return False

    def get_node_selector(self) -> ResourceTypeSelector:
        """Select models, seeds and snapshots, or the types of --resource-type."""
        all_types = {*BUILT, NodeType.Test, NodeType.Unit}
        return ResourceTypeSelector(
            graph=self.graph,
            manifest=self.manifest,
            previous_state=self.previous_state,
            resource_types=list(resource_types_from_args(self.args, all_types, set(BUILT))),
            include_empty_nodes=True,
        )

    def after_run(self, adapter: Any, results: Any) -> None:
        """Explain the nodes in the order of the DAG, before the connections are closed."""
        session = current_session()
        compiled = {result.node.unique_id: result for result in results or ()}
        if session is not None:
            self.explanations += explain_nodes(session, self.manifest, self._in_order(), compiled)
        super().after_run(adapter, results)

    def task_end_messages(self, results: Any) -> None:
        """Log nothing: the explanations are the command's output."""

    def _in_order(self) -> Iterator[Any]:
        """Yield the selected nodes, each after the nodes that it reads."""
        pending = {node.unique_id: node for node in self._flattened_nodes or ()}
        while pending:
            ready = [uid for uid, node in pending.items() if not self._ancestors(node) & pending.keys()]
            for uid in sorted(ready) or list(pending):
                yield pending.pop(uid)

    def _ancestors(self, node: Any) -> set[str]:
        """Return the ids of all nodes that the node reads, directly or through others."""
        visited: set[str] = set()
        nodes = list(node.depends_on_nodes)
        while nodes:
            uid = nodes.pop()
            if uid not in visited and uid in self.manifest.nodes:
                visited.add(uid)
                nodes += self.manifest.nodes[uid].depends_on_nodes
        return visited


def explain_nodes(
    session: Session, manifest: Any, nodes: Iterator[Any], compiled: dict[str, Any]
) -> Iterator[Explanation]:
    """Yield the explanation of each node; `compiled` are dbt's results of compiling, by id."""
    for node in nodes:
        result = compiled.get(node.unique_id)
        problem = str(result.message) if result and result.status == RunStatus.Error else None
        yield _explain(session, manifest, node, problem)


@dataclass(frozen=True, slots=True)
class _Planned:
    """Where a node would be computed, and the plan for that place."""

    choice: Choice | None = None
    plan: FederationPlan | None = None
    copies: CopyPlan | None = None
    at_source: SourcePlan | None = None
    staged: StagedIn | None = None


def _planned(session: Session, node: Any, manifest: Any) -> _Planned:
    federator = session.federator()
    request = node_request(session, node, manifest, federator.run)
    choice = federator.choose(request)
    if choice.place is Place.TARGET:
        copies = federator.plan_copies(request)
        return _Planned(choice, copies=copies, staged=federator.staged(request, copies))
    if choice.place is Place.SOURCE:
        at_source = federator.plan_at_source(request)
        return _Planned(choice, at_source=at_source, staged=federator.staged(request, at_source))
    plan = federator.plan(request)
    return _Planned(choice, plan=plan, staged=federator.staged(request, plan))


def _explain(session: Session, manifest: Any, node: Any, problem: str | None) -> Explanation:
    placement = session.placement(node.unique_id)
    planned: _Planned = _Planned()
    unbuilt: tuple[str, ...] = ()
    if problem is None and session.is_federated(node.unique_id) and not node.is_ephemeral_model:
        try:
            planned = _planned(session, node, manifest)
        except TableNotFound as error:
            unbuilt = _unbuilt(manifest, node, error.table)
            problem = None if unbuilt else str(error.about(node.name, node.original_file_path))
        except DvtError as error:
            problem = str(error.about(node.name, node.original_file_path))
        except DbtBaseException as error:
            problem = str(error)
    path = "native" if placement is None else str(placement.path)
    return Explanation(
        unique_id=node.unique_id,
        name=node.name,
        kind=str(node.resource_type),
        file=node.original_file_path,
        target=session.output_of(node.unique_id),
        path="inlined" if node.is_ephemeral_model else path,
        why=placement.why if placement else "",
        materialized=str(getattr(node.config, "materialized", "") or ""),
        compute=session.compute_of(node).name if planned.plan else None,
        plan=planned.plan,
        copies=planned.copies,
        at_source=planned.at_source,
        choice=planned.choice,
        staged=planned.staged,
        unbuilt=unbuilt,
        problem=problem,
    )


def _unbuilt(manifest: Any, node: Any, table: str) -> tuple[str, ...]:
    """Return the names of the nodes that the node reads and whose table is the missing one."""
    parents = (manifest.nodes.get(uid) for uid in node.depends_on_nodes)
    return tuple(
        parent.name for parent in parents if parent is not None and table.endswith(f".{parent.identifier}")
    )
