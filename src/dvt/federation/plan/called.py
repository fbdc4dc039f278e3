"""Names by which functions are called: SQLGlot makes the same node of an operator, or of another function."""

from __future__ import annotations

from sqlglot import exp

_CALLED = "dvt_called"
"""Key of a node's `meta`: the name by which the SQL calls it."""


def note_call(node: exp.Expr, sql: str) -> None:
    """Note at a node of `sql` the name by which it is called, if it is a call.

    SQLGlot keeps the place of a call's name, and none for an operator.
    """
    if isinstance(node, exp.Func | exp.Binary) and "start" in node.meta:
        name = sql[node.meta["start"] : node.meta["end"] + 1]
        node.meta[_CALLED] = name.strip('"') if name.startswith('"') else name.lower()


def called(node: exp.Expr) -> str:
    """Return the name by which a node is called, in lower case; empty for what is no call."""
    return str(node.meta.get(_CALLED, ""))
