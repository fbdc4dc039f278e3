"""Exact numbers of any dialect in DuckDB: their digits, aggregates over them, division by zero."""

from __future__ import annotations

from sqlglot import exp

from dvt.core.types import MAX_DIGITS
from dvt.federation.plan.dialects.duckdb.expressions import function, is_a, typed

INTEGERS = exp.DataType.INTEGER_TYPES
DECIMAL = (exp.DataType.Type.DECIMAL,)
FLOATS = exp.DataType.FLOAT_TYPES
_INTEGER_DIGITS = {
    exp.DataType.Type.SMALLINT: 5,
    exp.DataType.Type.INT: 10,
    exp.DataType.Type.BIGINT: 19,
}
_AROUND = (exp.Window, exp.Filter, exp.IgnoreNulls, exp.RespectNulls)
"""Nodes around an aggregate that a cast of its result has to enclose."""


def digits(node: exp.Expr) -> tuple[int, int]:
    """Return the precision and scale of a node's values."""
    if node.type is not None and node.type.this in _INTEGER_DIGITS:
        return _INTEGER_DIGITS[node.type.this], 0
    sizes = [int(size.name) for size in node.type.expressions] if node.type is not None else []
    return (sizes[0], sizes[1]) if len(sizes) == 2 else (MAX_DIGITS, 0)  # noqa: PLR2004


def innermost(node: exp.Expr) -> exp.Expr:
    """Return the aggregate within its FILTER and OVER."""
    while isinstance(node, _AROUND):
        node = node.this
    return node


def is_outermost(node: exp.Expr) -> bool:
    """True for an aggregate, or what is around it, that is not within more of its kind."""
    return not (isinstance(node.parent, _AROUND) and node.parent.this is node)


def aggregated(node: exp.Expr) -> exp.Expr | None:
    """Return what a SUM or AVG takes in."""
    argument = innermost(node).this
    if isinstance(argument, exp.Distinct):
        argument = argument.expressions[0]
    return argument if isinstance(argument, exp.Expr) else None


def sums_integers(node: exp.Expr) -> bool:
    """True for a SUM of integers."""
    inner = innermost(node)
    return isinstance(inner, exp.Sum) and is_outermost(node) and is_a(aggregated(node), *INTEGERS)


def averages_exact(node: exp.Expr) -> bool:
    """True for an AVG of exact numbers."""
    inner = innermost(node)
    return isinstance(inner, exp.Avg) and is_outermost(node) and is_a(aggregated(node), *INTEGERS, *DECIMAL)


def sum_and_count(node: exp.Expr) -> tuple[exp.Expr, exp.Expr]:
    """Return the sum of an AVG's exact numbers, with their scale, and their count."""
    argument = aggregated(node)
    assert argument is not None  # noqa: S101  `averages_exact` has seen it
    total, number = _instead(node, exp.Sum), _instead(node, exp.Count)
    size = f"DECIMAL({MAX_DIGITS},{digits(argument)[1]})"
    total.type = exp.DataType.build(size)
    summed = typed(exp.Paren(this=total), size)
    summed.type = total.type
    number.type = exp.DataType.build("BIGINT")
    return summed, number


def _instead(node: exp.Expr, aggregate: type[exp.Expr]) -> exp.Expr:
    """Return a copy of an aggregate and what is around it, with another aggregate."""
    new = node.copy()
    inner = innermost(new)
    other = aggregate(this=inner.this.copy())
    if inner is new:
        return other
    inner.replace(other)
    return new


def checked(node: exp.Expr, divided: exp.Expr) -> exp.Expr:
    """Raise an error on division by zero, where DuckDB gives NULL or infinity."""
    divisor = node.expression.unnest()
    if isinstance(divisor, exp.Literal) and not divisor.is_string and float(divisor.this) != 0:
        return exp.Paren(this=divided)
    zero = exp.and_(
        exp.EQ(this=exp.Paren(this=node.expression.copy()), expression=exp.Literal.number(0)),
        exp.Not(this=exp.Is(this=exp.Paren(this=node.this.copy()), expression=exp.null())),
    )
    return exp.Case(
        ifs=[exp.If(this=zero, true=function("error", exp.Literal.string("division by zero")))],
        default=exp.Paren(this=divided),
    )


_FITTED = (
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Mod,
    exp.Div,
    exp.IntDiv,
    exp.Coalesce,
    exp.Greatest,
    exp.Least,
    exp.Nullif,
)
"""Expressions whose type follows from all their operands."""


def beside_smallint(node: exp.Expr) -> bool:
    """True for a whole number beside a smallint, to which DuckDB would fit it."""
    if node.args.get("is_string") or not str(node.this).isdigit() or "dvt" not in node.meta:
        return False
    holder = node.parent
    if not isinstance(holder, _FITTED):
        return False
    siblings = [child for child in holder.iter_expressions() if child is not node]
    return any(is_a(sibling, exp.DataType.Type.SMALLINT) for sibling in siblings)


def as_integer(node: exp.Expr) -> exp.Expr:
    """Cast to an integer of 32 bits."""
    return typed(exp.Paren(this=node.copy()), "INTEGER")
