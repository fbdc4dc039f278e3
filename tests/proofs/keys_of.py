"""The keys that a row proves: of its own construct, and of the parts of a query around it."""

from __future__ import annotations

from sqlglot import exp

from dvt.federation.plan.parse import Parsed
from dvt.federation.plan.proven.check import class_of, classified
from dvt.federation.plan.proven.keys import is_structure, keys
from tests.proofs.engine import Engine


def row_keys(engine: Engine, parsed: Parsed, section: str) -> tuple[str, ...]:
    """Return the keys; the first is that of the row's own construct, except for whole queries."""
    state = classified(parsed, engine.described(parsed), engine.context())
    name = class_of(state)
    found: list[str] = []
    if section != "query":
        root = state.tree.selects[-1].unalias()
        while isinstance(root, exp.Paren | exp.Window | exp.Filter | exp.IgnoreNulls):
            root = root.this
        found += keys(root, name)
    for node in state.tree.walk():
        if is_structure(node):
            found += keys(node, name)
    return tuple(dict.fromkeys(found))
