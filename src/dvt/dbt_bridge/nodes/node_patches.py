"""Wraps how dbt executes nodes: batches of federated models, hooks on other outputs, reports of writes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from inspect import signature
from typing import Any

from dvt.dbt_bridge.project.seed_files import check_reader
from dvt.dbt_bridge.session import Session

_FAILURES = frozenset({"error", "runtime error", "partial success"})
"""Statuses of nodes after which a later run may take what this one has extracted. A test that fails is not
among them: somebody mends the rows at the source, and wants them read anew."""


def run_task(original: Callable[..., Any], session: Session, self: Any) -> Any:
    """Run the task as dbt does, then log what was moved between databases."""
    try:
        return original(self)
    except BaseException:
        session.failed = True
        raise
    finally:
        if session.federator_if_exists is not None:
            from dvt.dbt_bridge.events import summarize

            summarize(session.federator_if_exists.totals)


def call_runner(original: Callable[..., Any], session: Session, self: Any, runner: Any) -> Any:
    """Run the node by dbt's runner or the federated one, then tell the federation what the node wrote."""
    from dvt.dbt_bridge.jinja.statements import begin_node
    from dvt.dbt_bridge.nodes.federated_runner import (
        FEDERATED_RUNNERS,
        federated_runner,
        needs_federated_runner,
        report_writes,
    )

    begin_node(session)
    if type(runner) in FEDERATED_RUNNERS and needs_federated_runner(session, runner.node):
        runner = federated_runner(session, runner)
    try:
        result = original(self, runner)
    except BaseException:
        session.failed = True
        raise
    else:
        session.failed |= result is None or str(result.status) in _FAILURES
        return result
    finally:
        if not runner.skip:
            report_writes(session, runner.node)


def execute_model(
    original: Callable[..., Any], session: Session, self: Any, *args: Any, **kwargs: Any
) -> Any:
    """Execute the model as dbt does, but run hooks that name a connection on that connection."""
    if session.manifest is not None:
        from dvt.dbt_bridge.jinja.hooks import route_hooks

        arguments = signature(original).bind(self, *args, **kwargs).arguments
        route_hooks(session, arguments["context"], arguments["model"], session.manifest)
    return original(self, *args, **kwargs)


def execute(original: Callable[..., Any], session: Session, self: Any, model: Any, manifest: Any) -> Any:
    """Execute a node as dbt does, but a seed with `engine: dvt` by dvt's reader and bulk load."""
    if str(model.resource_type) != "seed" or model.config.get("engine") != "dvt":
        if not hasattr(self, "session"):  # dbt's own runner, not dvt's, which publishes what it has loaded
            check_reader(model)
        return original(self, model, manifest)
    from dvt.dbt_bridge.nodes.seeding import bulk_runner

    return bulk_runner(session, self).execute(model, manifest)


def merge_batch_results(original: Callable[..., Any], self: Any, result: Any, batch_results: Any) -> None:
    """Merge the results of batches as dbt does; if all have failed, their first reason is the model's."""
    original(self, result, batch_results)
    reasons = [batch.message for batch in batch_results if batch.message not in {None, "ERROR", "SKIPPED"}]
    if result.message == "ERROR" and reasons:
        result.message = reasons[0]


def execute_show(
    original: Callable[..., Any], session: Session, self: Any, compiled_node: Any, manifest: Any
) -> Any:
    """Show as dbt does; SQL that ends with a limit of its own gets dbt's limit around it."""
    from dvt.dbt_bridge.nodes.show import with_own_limit

    if self.config.args.limit >= 0:
        kind = session.outputs.types[str(self.config.target_name)]
        compiled_node.compiled_code = with_own_limit(compiled_node.compiled_code, kind)
    return original(self, compiled_node, manifest)


def fire_event(original: Callable[..., Any], e: Any, *args: Any, **kwargs: Any) -> None:
    """Fire the event as dbt does, but not the error and the traceback of a Ctrl-C."""
    interrupted = isinstance(sys.exception(), KeyboardInterrupt)
    if not (interrupted and type(e).__name__ in {"MainEncounteredError", "MainStackTrace"}):
        original(e, *args, **kwargs)


def get_hook_dict(original: Callable[..., Any], source: Any) -> Any:
    """Parse a hook as dbt does, with its `connection`, which dbt would drop, kept in its SQL."""
    from dvt.dbt_bridge.outputs.hook_connections import with_connection

    return with_connection(original(source))
