"""The keys that a row proves: of its own construct, and of the parts of a query around it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from dvt.federation.plan.parse import Parsed
from dvt.federation.plan.planner import classified
from dvt.federation.plan.proven.check import class_of
from dvt.federation.plan.proven.keys import is_structure, keys
from tests.proofs.engine import Engine


@dataclass(frozen=True, slots=True)
class RowKeys:
    """Keys of a row."""

    own: tuple[str, ...] = ()
    """Of the row's own construct; empty for whole queries."""
    parts: tuple[str, ...] = ()
    """Of the parts of a query around it."""


def row_keys(engine: Engine, parsed: Parsed, section: str) -> RowKeys:
    """Return the keys that a row proves if it passes."""
    state = classified(parsed, engine.described(parsed), engine.context())
    name = class_of(state)
    own: tuple[str, ...] = ()
    if section != "query":
        root = state.tree.selects[-1].unalias()
        while isinstance(root, exp.Paren | exp.Window | exp.Filter | exp.IgnoreNulls):
            root = root.this
        own = keys(root, name)
    nodes = [node for node in state.tree.walk() if is_structure(node) or _is_part(node)]
    parts = [key for node in nodes for key in keys(node, name)]
    return RowKeys(own, tuple(dict.fromkeys(parts)))


def _is_part(node: exp.Expr) -> bool:
    """True for intervals, and for a comparison with the rows of a query: only a whole query proves it."""
    if isinstance(node, exp.Interval):
        return True
    quantified = isinstance(node, exp.Binary) and isinstance(node.expression, exp.Any | exp.All)
    return node.args.get("query") is not None or (quantified and node.expression.find(exp.Query) is not None)
