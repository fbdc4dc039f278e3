"""Wraps dbt's compiler: federated nodes compile with markers, ephemeral models compile anew for each mode.

dbt stores an ephemeral model's compiled SQL on its node, which all its readers share. But that SQL depends on
the reader's target, on whether the reader is federated, and on the dialect. So each such mode compiles copies
of the ephemeral models.
"""

from __future__ import annotations

import copy
import threading
from collections import ChainMap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dvt.dbt_bridge.outputs import dialects
from dvt.dbt_bridge.session import Session


@dataclass(frozen=True, slots=True)
class Mode:
    """The properties of a reader that decide how an ephemeral model compiles."""

    target: str
    dialect: str | None = None
    """Dialect of a federated node's SQL; None for a native node."""
    unit: bool = False
    """Whether the reader is a unit test, which reads given rows instead of tables."""
    forecast: bool = False
    """Whether the reader does not run yet (`nodes.expecting`)."""
    engine: bool = False
    """Whether an engine is named for the reader; else its own target may compute it."""


_lock = threading.Lock()
"""Held while a view is looked up or made."""
_VIEWS = "_dvt_views"
"""Attribute of a manifest: the session, and its views of the manifest by mode."""
_MODE = "_dvt_mode"
"""Attribute of a view of a manifest: its mode."""
_SELECTS = frozenset({"model", "snapshot", "test", "sql_operation", "analysis"})
"""Types of nodes that are a SELECT, which may be federated."""
_ENGINE_VARIABLES = {"dvt_federated": True}
"""Variables that tell the macros of dvt's adapters that their SQL is translated for the engine."""


def compile_node(
    original: Callable[..., Any], session: Session, self: Any, node: Any, manifest: Any, *args: Any, **kw: Any
) -> Any:
    """Compile the node as dbt does, but inline ephemeral models that are compiled for the node's mode."""
    mode = _mode(session, node, str(self.config.target_name))
    if mode is not None:
        manifest = _view(session, manifest, mode)
    return original(self, node, manifest, *args, **kw)


def compile_code(
    original: Callable[..., Any], self: Any, node: Any, manifest: Any, *args: Any, **kw: Any
) -> Any:
    """Compile the node's own code as dbt does; subqueries that dbt writes for relations have one alias."""
    compiled = original(self, node, manifest, *args, **kw)
    if "_subq_" in (compiled.compiled_code or "") and str(getattr(compiled, "language", "sql")) == "sql":
        from dvt.dbt_bridge.jinja.aliases import with_one_alias  # a plain dbt run needs no SQLGlot

        mode = manifest.__dict__.get(_MODE)
        kind = str(self.config.credentials.type)
        dialect = mode.dialect if mode is not None and mode.dialect is not None else dialects.of_type(kind)
        compiled.compiled_code = with_one_alias(compiled.compiled_code, dialect)
    return compiled


def create_node_context(  # noqa: PLR0917 - dbt's own parameters, after ours
    original: Callable[..., Any],
    session: Session,
    self: Any,
    node: Any,
    manifest: Any,
    extra_context: dict[str, Any],
) -> Any:
    """Return dbt's context, or the federated one for a federated node and what is inlined into it."""
    mode = manifest.__dict__.get(_MODE)
    if mode is None or mode.dialect is None:
        context = original(self, node, manifest, extra_context)
        if not session.plain:
            from dvt.dbt_bridge.jinja.statements import NotingDatabaseWrapper

            output = str(self.config.target_name)
            context |= {"adapter": NotingDatabaseWrapper.over(session, output, context["adapter"])}
        return context
    from dvt.dbt_bridge.jinja.contexts import federated_context, fixture_context
    from dvt.dbt_bridge.jinja.scope import Scope

    if mode.unit:
        context = original(self, node, manifest, extra_context)
        if node.resource_type != "unit_test":
            scope = Scope(session, node.unique_id, mode.target, mode.dialect)
            context |= fixture_context(scope, node, self.config, manifest, context["adapter"])
    else:
        context = federated_context(session, node, self.config, manifest, mode.dialect)
        context |= extra_context
    if mode.engine:
        context |= _ENGINE_VARIABLES  # changed in place, since macros refer to this object
    if mode.forecast:
        from dvt.dbt_bridge.jinja.forecasting import make_silent

        make_silent(context)
    return context


def _mode(session: Session, node: Any, target: str) -> Mode | None:
    """Return the node's mode; None for a native node on the default target, which compiles as under dbt."""
    tested = getattr(node, "tested_node_unique_id", None)
    if tested and session.manifest is not None and session.is_federated(tested):
        dialect = _dialect(session, session.manifest.nodes[tested], target)
        return Mode(target, dialect, unit=True, engine=session.names_engine(tested))
    if node.resource_type in _SELECTS and session.is_federated(node.unique_id):
        engine, dialect = session.names_engine(node.unique_id), _dialect(session, node, target)
        return Mode(target, dialect, forecast=session.forecasting, engine=engine)
    return None if target == session.default else Mode(target)


def _dialect(session: Session, node: Any, target: str) -> str:
    return dialects.of_node(node, session.outputs.types[target], session.engine_dialect)


def _view(session: Session, manifest: Any, mode: Mode) -> Any:
    """Return the mode's view of the manifest; all nodes of a mode share one during a session."""
    with _lock:
        owner, views = manifest.__dict__.get(_VIEWS, (None, {}))
        if owner is not session:
            views = {}
            manifest.__dict__[_VIEWS] = (session, views)
        if mode not in views:
            views[mode] = make_view(manifest, mode)
        return views[mode]


def make_view(manifest: Any, mode: Mode) -> Any:
    """Return a copy of the manifest, with the mode and with uncompiled copies of the ephemeral models."""
    view = object.__new__(type(manifest))
    view.__dict__.update(manifest.__dict__)
    view.__dict__[_MODE] = mode
    fresh = {uid: fresh_copy(node) for uid, node in manifest.nodes.items() if node.is_ephemeral_model}
    view.nodes = ChainMap(fresh, manifest.nodes)
    return view


def fresh_copy(node: Any) -> Any:
    """Return a copy of an ephemeral model that is not compiled yet."""
    copied = copy.copy(node)
    copied.compiled, copied.compiled_code, copied.compiled_path = False, None, None
    copied.extra_ctes, copied.extra_ctes_injected = [], False
    copied._pre_injected_sql = None  # noqa: SLF001 - dbt stores the SQL before inlining there
    return copied
