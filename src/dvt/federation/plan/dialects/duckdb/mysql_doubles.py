"""MySQL's doubles in DuckDB: where the server raises "out of range", DuckDB gives infinity or NaN."""

from __future__ import annotations

from sqlglot import exp

from dvt.federation.plan.dialects.duckdb.exact_numbers import FLOATS
from dvt.federation.plan.dialects.duckdb.expressions import function, is_a
from dvt.federation.plan.dialects.translation import Fix

IN_RANGE = "dvt_my_in_range"
"""The engine's function that raises an error for infinity and NaN, which MariaDB does not have."""

_PASSING = (exp.Add, exp.Sub, exp.Mul, exp.Neg, exp.Abs, exp.Paren)
"""Expressions that give infinity or NaN where an operand is one: the outermost alone has to be checked."""
_SUMS = (exp.Add, exp.Sub, exp.Mul, exp.Div)
"""Operators whose type follows from their operands; the other functions give doubles of all numbers."""


def overflows(node: exp.Expr) -> bool:
    """True for a computed double that may be out of range, unless the expression around it is checked."""
    if isinstance(node, _SUMS) and not any(is_a(side, *FLOATS) for side in (node.this, node.expression)):
        return False
    return _groups_by_expressions(node) or not _is_checked_outside(node)


def _is_checked_outside(node: exp.Expr) -> bool:
    outer = node.parent
    while isinstance(outer, exp.Paren | exp.Neg | exp.Abs):
        outer = outer.parent
    return isinstance(outer, _PASSING) and overflows(outer)


def _groups_by_expressions(node: exp.Expr) -> bool:
    """True in a SELECT whose outputs are compared with expressions of GROUP BY: these must stay alike."""
    group = node.parent_select.args.get("group") if node.parent_select else None
    return group is not None and not all(isinstance(part, exp.Column) for part in group.iter_expressions())


def in_range(fix: Fix | None = None) -> Fix:
    """Return a fix that raises an error for what is out of range; `fix` mends the expression before."""

    def checked(node: exp.Expr) -> exp.Expr:
        return function(IN_RANGE, exp.Paren(this=fix(node) if fix else node.copy()))

    return checked
