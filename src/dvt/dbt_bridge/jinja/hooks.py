"""Hooks of a node: on its own target as in dbt, or on the output that a hook's `connection:` names.

dbt's Hook knows `sql`, `transaction` and `index` only. A hook's connection therefore travels in its
SQL, as a Jinja comment that renders to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from dbt.clients.jinja import get_rendered
from dbt.context.providers import generate_runtime_model_context

from dvt.core.errors import UnknownConnection
from dvt.dbt_bridge.dbt_errors import as_dbt_errors
from dvt.dbt_bridge.jinja.overriding import override

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from dvt.dbt_bridge.session import Session

_CONNECTION = re.compile(r"\A\{# dvt connection: (.*?) #\}")


def with_connection(hook: Any) -> Any:
    """A hook as `dbt.hooks.get_hook_dict` gives it, its `connection` moved to where dbt keeps it."""
    if not isinstance(hook, dict) or "connection" not in hook:
        return hook
    rest = {key: value for key, value in hook.items() if key != "connection"}
    return {**rest, "sql": f"{{# dvt connection: {hook['connection']} #}}{hook.get('sql', '')}"}


def connection_of(hook: Mapping[str, Any]) -> str | None:
    """The output a hook names, else None."""
    found = _CONNECTION.match(hook.get("sql") or "")
    return found[1] if found else None


def elsewhere(hook: Mapping[str, Any], home: str) -> str | None:
    """The output a hook names, if it is another than the node's own; that one's connection is in use."""
    output = connection_of(hook)
    return None if output == home else output


def hooks_of(node: Any) -> list[Mapping[str, Any]]:
    """A node's hooks, those before and those after."""
    both = [*getattr(node.config, "pre_hook", ()), *getattr(node.config, "post_hook", ())]
    return [hook.to_dict(omit_none=True) for hook in both]


def route_hooks(session: Session, context: dict[str, Any], node: Any, manifest: Manifest) -> None:
    """Make the context's `run_hooks` send each hook where it belongs; dbt's own when none says."""
    if not any(connection_of(hook) for hook in hooks_of(node)):
        return
    override(context, "run_hooks", lambda run_hooks: _routed(session, run_hooks, node, manifest))


def _routed(
    session: Session, run_hooks: Callable[..., Any], node: Any, manifest: Manifest
) -> Callable[..., str]:
    home = session.output_of(node.unique_id)

    def run(hooks: list[Mapping[str, Any]], inside_transaction: bool = True) -> str:
        chosen = [hook for hook in hooks if hook.get("transaction", True) == inside_transaction]
        for connection, group in groupby(chosen, key=lambda hook: elsewhere(hook, home)):
            if connection is None:
                run_hooks(list(group), inside_transaction=inside_transaction)
            else:
                _run_on(session, connection, group, node, manifest)
        return ""

    return run


def _run_on(
    session: Session, output: str, hooks: Iterator[Mapping[str, Any]], node: Any, manifest: Manifest
) -> None:
    """Run hooks on another output, each in a transaction of its own, `this` and ref in its dialect."""
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
    wrote(session, output)


def wrote(session: Session, output: str) -> None:
    """Tell the federation that anything may have changed on an output."""
    federator = session.federating
    if federator is not None:
        federator.wrote(output, None)
