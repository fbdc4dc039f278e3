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


def constant(node: exp.Expr | None) -> int | None:
    """Return a whole number that is written out, with any signs; None for anything else."""
    inner = node.unnest() if node is not None else None
    while isinstance(inner, exp.Cast) and inner.to.this in INTEGERS:
        inner = inner.this.unnest()
    if isinstance(inner, exp.Neg):
        value = constant(inner.this)
        return None if value is None else -value
    return int(inner.name) if isinstance(inner, exp.Literal) and inner.is_int else None


def rounds_all_away(node: exp.Expr) -> bool:
    """True for a ROUND or TRUNC of an exact number to more places before the point than it has digits there.

    DuckDB answers 0 then, also where the number carries over, and for NULL.
    """
    places = constant(node.args.get("decimals"))
    precision, scale = digits(node.this)
    exact = is_a(node.this, *INTEGERS, *DECIMAL)
    return exact and places is not None and -places >= max(precision - scale, 1)


def rounded_all_away(node: exp.Expr) -> exp.Expr:
    """Round or truncate with room to carry over; a number far below the place asked for gives 0."""
    precision, scale = digits(node.this)
    places = constant(node.args["decimals"]) or 0
    value = exp.Paren(this=node.this.copy())
    needed = scale - places + 1
    if needed > MAX_DIGITS:
        null = exp.If(this=exp.Is(this=value, expression=exp.null()), true=exp.null())
        return exp.Case(ifs=[null], default=typed(exp.Literal.number(0), f"DECIMAL({MAX_DIGITS},0)"))
    wide = typed(value, f"DECIMAL({max(needed, precision)},{scale})")
    name = "round" if isinstance(node, exp.Round) else "trunc"
    return function(name, wide, exp.Literal.number(places))


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


_PASSING = (exp.Paren, exp.Neg, exp.If, exp.Case, *_FITTED)
"""Expressions whose type is that of what is in them, or follows from it."""


def beside_smallint(node: exp.Expr) -> bool:
    """True for a whole number whose type decides that of an expression with a smallint.

    DuckDB would fit the number to the smallint, in parentheses or with a sign, too.
    """
    if node.args.get("is_string") or not str(node.this).isdigit() or "dvt" not in node.meta:
        return False
    whole = node
    while isinstance(whole.parent, _PASSING) and not _is_condition(whole):
        whole = whole.parent
    return whole is not node and any(is_a(part, exp.DataType.Type.SMALLINT) for part in whole.walk())


def _is_condition(node: exp.Expr) -> bool:
    """True for what a CASE only compares: its values have another type."""
    return isinstance(node.parent, exp.If | exp.Case) and node.arg_key == "this"


def as_integer(node: exp.Expr) -> exp.Expr:
    """Cast to an integer of 32 bits."""
    return typed(exp.Paren(this=node.copy()), "INTEGER")
