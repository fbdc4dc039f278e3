"""Compiling: a federated node's SQL gets markers, and ephemeral models are inlined anew where that matters.

dbt keeps an ephemeral model's compiled SQL on the one node all its readers share. What it compiles to
depends on the reader's target, on whether that is federated and in which dialect: each such mode sees
copies of its own.
"""

from __future__ import annotations

import copy
import threading
from collections import ChainMap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dvt.dbt_bridge.session import Session


@dataclass(frozen=True, slots=True)
class Mode:
    """For whom an ephemeral model is compiled."""

    target: str
    dialect: str | None = None
    """Of the federated node's SQL; None for a native node."""
    unit: bool = False
    """For a unit test, whose given rows stand in for what the node reads."""


_lock = threading.Lock()
_VIEWS = "_dvt_views"
_MODE = "_dvt_mode"
_FOR_THE_ENGINE = {"dvt_federated": True}
"""Tells macros of our adapters that their SQL is translated for the engine."""


def compile_node(
    original: Callable[..., Any], session: Session, self: Any, node: Any, manifest: Any, *args: Any, **kw: Any
) -> Any:
    """Compile as dbt does, with the copies of the ephemeral models that this node's mode sees."""
    mode = _mode(session, node, str(self.config.target_name))
    view = manifest if mode is None else _view(session, manifest, mode)
    return original(self, node, view, *args, **kw)


def create_node_context(  # noqa: PLR0917 - dbt's own parameters, after ours
    original: Callable[..., Any],
    session: Session,
    self: Any,
    node: Any,
    manifest: Any,
    extra_context: dict[str, Any],
) -> Any:
    """The context as dbt makes it, or that of a federated node and of what is inlined into it."""
    mode = manifest.__dict__.get(_MODE)
    if mode is None or mode.dialect is None:
        made = original(self, node, manifest, extra_context)
        if not session.plain:
            from dvt.dbt_bridge.jinja.statements import NotingDatabaseWrapper

            output = str(self.config.target_name)
            made |= {"adapter": NotingDatabaseWrapper.over(session, output, made["adapter"])}
        return made
    from dvt.dbt_bridge.jinja.contexts import federated_context, fixture_context
    from dvt.dbt_bridge.jinja.scope import Scope

    if mode.unit:
        made = original(self, node, manifest, extra_context)
        if node.resource_type != "unit_test":
            scope = Scope(session, mode.target, mode.dialect)
            made |= fixture_context(scope, node, self.config, manifest, made["adapter"])
    else:
        made = federated_context(session, node, self.config, manifest, mode.dialect)
        made |= extra_context
    made |= _FOR_THE_ENGINE  # in place: it is what macros see
    return made


def _mode(session: Session, node: Any, target: str) -> Mode | None:
    """The node's mode; None for a native node on the default target, which is dbt's own case."""
    tested = getattr(node, "tested_node_unique_id", None)
    if tested and session.manifest is not None and session.federated(tested):
        return Mode(target, _dialect(session, session.manifest.nodes[tested], target), unit=True)
    if node.resource_type in {"model", "test"} and session.federated(node.unique_id):
        return Mode(target, _dialect(session, node, target))
    return None if target == session.default else Mode(target)


def _dialect(session: Session, node: Any, target: str) -> str:
    from dvt.dbt_bridge.outputs import dialects

    return dialects.of_node(node, session.outputs.types[target], session.engine_dialect)


def _view(session: Session, manifest: Any, mode: Mode) -> Any:
    """The manifest with ephemeral models of the mode's own; one for all nodes of that mode in a run."""
    with _lock:
        owner, views = manifest.__dict__.get(_VIEWS, (None, {}))
        if owner is not session:
            views = {}
            manifest.__dict__[_VIEWS] = (session, views)
        if mode not in views:
            views[mode] = make_view(manifest, mode)
        return views[mode]


def make_view(manifest: Any, mode: Mode) -> Any:
    """The manifest again, with ephemeral models that nobody has compiled yet for this mode."""
    view = object.__new__(type(manifest))
    view.__dict__.update(manifest.__dict__)
    view.__dict__[_MODE] = mode
    fresh = {uid: fresh_copy(node) for uid, node in manifest.nodes.items() if node.is_ephemeral_model}
    view.nodes = ChainMap(fresh, manifest.nodes)
    return view


def fresh_copy(node: Any) -> Any:
    """An ephemeral model that nobody has compiled yet."""
    made = copy.copy(node)
    made.compiled, made.compiled_code, made.compiled_path = False, None, None
    made.extra_ctes, made.extra_ctes_injected = [], False
    made._pre_injected_sql = None  # noqa: SLF001 - where dbt keeps the SQL before inlining
    return made
