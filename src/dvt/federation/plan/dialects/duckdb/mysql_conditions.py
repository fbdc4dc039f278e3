"""MySQL's conditions in DuckDB: a condition is a number there, and any number is a condition."""

from __future__ import annotations

from sqlglot import exp

from dvt.federation.plan.dialects.duckdb.expressions import is_a, needs_escape, typed
from dvt.federation.plan.dialects.duckdb.mysql_numbers import with_compared_quotients

_CONDITIONS = (
    *(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Is, exp.In),
    *(exp.Like, exp.Escape, exp.RegexpLike, exp.Between, exp.Exists, exp.And, exp.Or, exp.Xor, exp.Not),
    *(exp.Boolean, exp.Null),
)
"""Expressions that are conditions in DuckDB."""
_JUDGES = (exp.And, exp.Or, exp.Xor, exp.Not, exp.Where, exp.Having, exp.Escape, exp.Is)
"""Nodes whose operands are conditions."""
_COMPUTES = (exp.Binary, exp.In, exp.Between, exp.Sum, exp.Avg, exp.Concat, exp.ConcatWs, exp.Neg)
"""Nodes for which a boolean has to be a number."""


def is_value(node: exp.Expr) -> bool:
    """True for a condition that is used as a number."""
    while isinstance(node.parent, exp.Paren):
        node = node.parent
    return not _is_judged(node)


def _is_judged(node: exp.Expr) -> bool:
    """True for the operand of what takes conditions."""
    parent = node.parent
    if isinstance(parent, exp.If) and node.arg_key == "this":
        return not (isinstance(parent.parent, exp.Case) and parent.parent.this)
    return isinstance(parent, _JUDGES) or (isinstance(parent, exp.Join) and node.arg_key == "on")


def as_number(node: exp.Expr) -> exp.Expr:
    """Cast a condition to 1 or 0."""
    return typed(exp.Paren(this=node.copy()), "INTEGER")


def with_compared_sides(node: exp.Expr) -> exp.Expr:
    """Compare quotients as they are shown; the result is a number where it is a value."""
    new = with_compared_quotients(node)
    return as_number(new) if is_value(node) else new


def judged(node: exp.Expr) -> exp.Expr:
    """Make conditions of a node's operands, and a number of the node where it is a value."""
    new = node.copy()
    for name in ("this", "expression", "on"):
        operand = new.args.get(name)
        is_operand = not isinstance(new, exp.Join | exp.If) or name == (
            "on" if isinstance(new, exp.Join) else "this"
        )
        if isinstance(operand, exp.Expr) and is_operand:
            _judge(operand)
    return as_number(new) if isinstance(node, exp.Connector | exp.Not) and is_value(node) else new


def is_truth_test(node: exp.Expr) -> bool:
    """True for IS TRUE and IS FALSE."""
    return isinstance(node.expression, exp.Boolean)


def tested(node: exp.Expr) -> exp.Expr:
    """Test whether a number is true."""
    new = node.copy()
    _judge(new.this)
    return as_number(new) if is_value(node) else new


def _judge(operand: exp.Expr) -> None:
    """Compare an operand that is no condition with 0."""
    if not isinstance(operand.unnest(), _CONDITIONS) and not is_a(
        operand.unnest(), exp.DataType.Type.BOOLEAN
    ):
        operand.replace(
            exp.Paren(this=exp.NEQ(this=exp.Paren(this=operand.copy()), expression=exp.Literal.number(0)))
        )


def is_call_of_if(node: exp.Expr) -> bool:
    """True for a condition of CASE or IF."""
    return not (isinstance(node.parent, exp.Case) and node.parent.this is not None)


def is_computed_boolean(node: exp.Expr) -> bool:
    """True for a boolean column that is computed with."""
    parent = node.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    computed = isinstance(parent, _COMPUTES) and not isinstance(parent, exp.Connector | exp.Is)
    return computed and is_a(node, exp.DataType.Type.BOOLEAN)


def alike(node: exp.Expr) -> exp.Expr:
    """Give LIKE the backslash as its escape character."""
    new: exp.Expr = node.copy()
    if needs_escape(node):
        new = exp.Escape(this=new, expression=exp.Literal.string("\\"))
    return as_number(new) if is_value(node) else new
