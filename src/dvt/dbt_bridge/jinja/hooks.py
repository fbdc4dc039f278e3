"""Runs a node's hooks: on its own target as dbt does, or on the output that a hook's `connection:` names."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from dbt.clients.jinja import get_rendered
from dbt.context.providers import generate_runtime_model_context

from dvt.core.errors import UnknownConnection
from dvt.dbt_bridge.dbt_errors import as_dbt_errors
from dvt.dbt_bridge.jinja.overriding import override
from dvt.dbt_bridge.outputs.hook_connections import connection_of, hooks_of

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from dvt.dbt_bridge.session import Session


def other_output(hook: Mapping[str, Any], target: str) -> str | None:
    """Return the output that a hook names; None if it names none, or the node's own target."""
    output = connection_of(hook)
    return None if output == target else output


def split_hooks(node: Any, target: str) -> tuple[Any, Any]:
    """Return copies of the node: one with the pre-hooks on other outputs, one with those on its own."""
    elsewhere, here = copy.copy(node), copy.copy(node)
    elsewhere.config, here.config = copy.copy(node.config), copy.copy(node.config)
    hooks = list(getattr(node.config, "pre_hook", ()))
    if hooks:
        is_elsewhere = [other_output(hook.to_dict(omit_none=True), target) is not None for hook in hooks]
        elsewhere.config.pre_hook = [hook for hook, away in zip(hooks, is_elsewhere, strict=True) if away]
        here.config.pre_hook = [hook for hook, away in zip(hooks, is_elsewhere, strict=True) if not away]
    return elsewhere, here


def route_hooks(session: Session, context: dict[str, Any], node: Any, manifest: Manifest) -> None:
    """Make the context's `run_hooks` run each hook on its own output, if any hook of the node names one."""
    if not any(connection_of(hook) for hook in hooks_of(node)):
        return
    override(context, "run_hooks", lambda run_hooks: _routing_run_hooks(session, run_hooks, node, manifest))


def _routing_run_hooks(
    session: Session, run_hooks: Callable[..., Any], node: Any, manifest: Manifest
) -> Callable[..., str]:
    """Return a macro that runs each hook on the output that it names, and the others by dbt's `run_hooks`."""
    target = session.output_of(node.unique_id)

    def run(hooks: list[Mapping[str, Any]], inside_transaction: bool = True) -> str:
        in_phase = [hook for hook in hooks if hook.get("transaction", True) == inside_transaction]
        for connection, group in groupby(in_phase, key=lambda hook: other_output(hook, target)):
            if connection is None:
                run_hooks(list(group), inside_transaction=inside_transaction)
            else:
                _run_on(session, connection, group, node, manifest)
        return ""

    return run


def _run_on(
    session: Session, output: str, hooks: Iterator[Mapping[str, Any]], node: Any, manifest: Manifest
) -> None:
    """Run hooks on another output, each in its own transaction; `this` and `ref` render in its dialect."""
    with as_dbt_errors():
        if output not in session.outputs.types:
            error = UnknownConnection("a hook", output, session.outputs.names)
            raise error.about(node.name, node.original_file_path)
        config, adapter = session.targets.config(output), session.targets.adapter(output)
    context = generate_runtime_model_context(node, config, manifest)
    with adapter.connection_named(f"hook of {node.unique_id} on {output}"):
        for hook in hooks:
            sql = str(get_rendered(hook["sql"], context, node)).strip()
            if sql:
                adapter.execute(sql, auto_begin=True, fetch=False)
                adapter.commit_if_has_connection()
    report_any_write(session, output)


def report_any_write(session: Session, output: str) -> None:
    """Tell the federation that any table of an output may have changed."""
    session.wrote(output, table=None)
