"""Executing: batches of federated models, hooks on other outputs, and word of what every node wrote."""

from __future__ import annotations

import sys
from collections.abc import Callable
from inspect import signature
from typing import Any

from dvt.dbt_bridge.session import Session


def run_task(original: Callable[..., Any], session: Session, self: Any) -> Any:
    """As dbt; the last line says what was moved between databases."""
    try:
        return original(self)
    finally:
        if session.federating is not None:
            from dvt.dbt_bridge.events import summarize

            summarize(session.federating.totals)


def call_runner(original: Callable[..., Any], session: Session, self: Any, runner: Any) -> Any:
    """As dbt; whatever the node did, the federation no longer trusts what it read of its table."""
    from dvt.dbt_bridge.jinja.statements import begin_node
    from dvt.dbt_bridge.nodes.federated_runner import FEDERATED, federated_runner, is_federated, written

    begin_node(session)
    if type(runner) in FEDERATED and is_federated(session, runner.node):
        runner = federated_runner(session, runner)
    try:
        return original(self, runner)
    finally:
        if not runner.skip:
            written(session, runner.node)


def execute_model(
    original: Callable[..., Any], session: Session, self: Any, *args: Any, **kwargs: Any
) -> Any:
    """As dbt, with hooks that name a connection run there."""
    if session.manifest is not None:
        from dvt.dbt_bridge.jinja.hooks import route_hooks

        given = signature(original).bind(self, *args, **kwargs).arguments
        route_hooks(session, given["context"], given["model"], session.manifest)
    return original(self, *args, **kwargs)


def fire_event(original: Callable[..., Any], e: Any, *args: Any, **kwargs: Any) -> None:
    """As dbt, but for Ctrl-C: nobody needs a traceback of having stopped a run."""
    stopped = isinstance(sys.exception(), KeyboardInterrupt)
    if not (stopped and type(e).__name__ in {"MainEncounteredError", "MainStackTrace"}):
        original(e, *args, **kwargs)


def get_hook_dict(original: Callable[..., Any], source: Any) -> Any:
    """As dbt; a hook's `connection` is kept where dbt keeps nothing but SQL."""
    from dvt.dbt_bridge.jinja.hooks import with_connection

    return with_connection(original(source))
