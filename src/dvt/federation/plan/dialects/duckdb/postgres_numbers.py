"""PostgreSQL's numbers in DuckDB: widths of integers, numeric division, results of aggregates."""

from __future__ import annotations

from sqlglot import exp

from dvt.federation.plan.dialects.duckdb.expressions import function, is_a, typed

INTEGERS = exp.DataType.INTEGER_TYPES
DECIMAL = (exp.DataType.Type.DECIMAL,)
FLOATS = exp.DataType.FLOAT_TYPES
_MAX_DIGITS = 38
_INTEGER_DIGITS = {
    exp.DataType.Type.SMALLINT: 5,
    exp.DataType.Type.INT: 10,
    exp.DataType.Type.BIGINT: 19,
}
_BASE_DIGITS = 4
"""Decimal digits in one digit of PostgreSQL's numerics."""
_AROUND = (exp.Window, exp.Filter, exp.IgnoreNulls, exp.RespectNulls)
"""Nodes around an aggregate that a cast of its result has to enclose."""


def digits(node: exp.Expr) -> tuple[int, int]:
    """Return the precision and scale of a node's values."""
    if node.type is not None and node.type.this in _INTEGER_DIGITS:
        return _INTEGER_DIGITS[node.type.this], 0
    sizes = [int(size.name) for size in node.type.expressions] if node.type is not None else []
    return (sizes[0], sizes[1]) if len(sizes) == 2 else (_MAX_DIGITS, 0)  # noqa: PLR2004


def of_numerics(node: exp.Expr) -> bool:
    """True for an operator over two exact numbers that are not both integers."""
    sides = (node.this, node.expression)
    exact = all(is_a(side, *INTEGERS, *DECIMAL) for side in sides)
    return exact and any(is_a(side, *DECIMAL) for side in sides)


def divided(dividend: exp.Expr, divisor: exp.Expr) -> exp.Expr:
    """Divide two exact numbers as PostgreSQL divides numerics, with the digits that it gives."""
    scale = max(digits(dividend)[1], digits(divisor)[1])
    common = -(-scale // _BASE_DIGITS) * _BASE_DIGITS
    unscaled = [_unscaled(side, common) for side in (dividend, divisor)]
    return function("dvt_pg_divide", *unscaled, exp.Literal.number(scale))


def division(node: exp.Expr) -> exp.Expr:
    """Divide as PostgreSQL's `/` does over numerics."""
    return divided(node.this, node.expression)


def _unscaled(node: exp.Expr, scale: int) -> exp.Expr:
    """Return a number times 10^scale as a whole number."""
    precision, own = digits(node)
    value = exp.Paren(this=node.copy())
    if not own:
        whole: exp.Expr = typed(value, "HUGEINT")
    elif precision + own < _MAX_DIGITS:
        factor = typed(exp.Literal.string(str(10**own)), f"DECIMAL({own + 1}, 0)")
        decimal = typed(value, f"DECIMAL({precision}, {own})")
        whole = typed(exp.Paren(this=exp.Mul(this=decimal, expression=factor)), "HUGEINT")
    else:
        text = typed(typed(value, f"DECIMAL({precision}, {own})"), "VARCHAR")
        parts = (text, exp.Literal.string("."), exp.Literal.string(""))
        whole = typed(function("replace", *parts), "HUGEINT")
    if scale == own:
        return whole
    return exp.Paren(this=exp.Mul(this=whole, expression=exp.Literal.number(10 ** (scale - own))))


def innermost(node: exp.Expr) -> exp.Expr:
    """Return the aggregate within its FILTER and OVER."""
    while isinstance(node, _AROUND):
        node = node.this
    return node


def is_outermost(node: exp.Expr) -> bool:
    """True for an aggregate, or what is around it, that is not within more of its kind."""
    return not (isinstance(node.parent, _AROUND) and node.parent.this is node)


def _aggregated(node: exp.Expr) -> exp.Expr | None:
    """Return what a SUM or AVG takes in."""
    argument = innermost(node).this
    if isinstance(argument, exp.Distinct):
        argument = argument.expressions[0]
    return argument if isinstance(argument, exp.Expr) else None


def sums_integers(node: exp.Expr) -> bool:
    """True for a SUM of integers."""
    inner = innermost(node)
    return isinstance(inner, exp.Sum) and is_outermost(node) and is_a(_aggregated(node), *INTEGERS)


def sum_of_integers(node: exp.Expr) -> exp.Expr:
    """Give a sum the type that PostgreSQL gives it."""
    of_bigints = is_a(_aggregated(node), exp.DataType.Type.BIGINT)
    return typed(exp.Paren(this=node.copy()), "DECIMAL(38,0)" if of_bigints else "BIGINT")


def averages_exact(node: exp.Expr) -> bool:
    """True for an AVG of exact numbers."""
    inner = innermost(node)
    return isinstance(inner, exp.Avg) and is_outermost(node) and is_a(_aggregated(node), *INTEGERS, *DECIMAL)


def average(node: exp.Expr) -> exp.Expr:
    """Divide the sum by the count, as PostgreSQL does."""
    argument = _aggregated(node)
    assert argument is not None  # noqa: S101  `averages_exact` has seen it
    total, number = node.copy(), node.copy()
    inner = innermost(total)
    inner.replace(exp.Sum(this=inner.this.copy())) if inner is not total else None
    counted = innermost(number)
    counted.replace(exp.Count(this=counted.this.copy())) if counted is not number else None
    if inner is total:
        total, number = exp.Sum(this=inner.this.copy()), exp.Count(this=counted.this.copy())
    scale = digits(argument)[1]
    total.type = exp.DataType.build(f"DECIMAL({_MAX_DIGITS}, {scale})")
    summed = typed(exp.Paren(this=total), f"DECIMAL({_MAX_DIGITS},{scale})")
    summed.type = total.type
    number.type = exp.DataType.build("BIGINT")
    return divided(summed, number)


def beside_smallint(node: exp.Expr) -> bool:
    """True for a whole number beside a smallint, to which DuckDB would fit it."""
    if node.args.get("is_string") or not str(node.this).isdigit() or "dvt" not in node.meta:
        return False
    holder = node.parent
    if not isinstance(holder, _FITTED):
        return False
    siblings = [child for child in holder.iter_expressions() if child is not node]
    return any(is_a(sibling, exp.DataType.Type.SMALLINT) for sibling in siblings)


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


def as_integer(node: exp.Expr) -> exp.Expr:
    """Cast to an integer of 32 bits."""
    return typed(exp.Paren(this=node.copy()), "INTEGER")


def as_number_of(node: exp.Expr) -> exp.Expr:
    """Cast SIGN to the type of its argument."""
    to = "DOUBLE" if is_a(node.this, *FLOATS) else "DECIMAL(38,0)"
    return typed(node.copy(), to)


def rounded_double(node: exp.Expr) -> exp.Expr:
    """Round an integer, which PostgreSQL does as a double."""
    return typed(node.this.copy(), "DOUBLE")


def double_as_decimal(node: exp.Expr) -> exp.Expr:
    """Cast a double to a decimal by its 15 digits, as PostgreSQL does."""
    new = node.copy()
    if not new.args["to"].expressions:
        new.set("to", exp.DataType.build("DECIMAL(38, 15)"))
    new.this.replace(function("format", exp.Literal.string("{:.15g}"), typed(node.this.copy(), "DOUBLE")))
    return new


def power(node: exp.Expr) -> exp.Expr:
    """Raise to a power with PostgreSQL's errors."""
    sides = [typed(exp.Paren(this=side.copy()), "DOUBLE") for side in (node.this, node.expression)]
    return function("dvt_pg_power", *sides)


def hex_of_integer(node: exp.Expr) -> exp.Expr:
    """Give the hexadecimal digits of 32 bits."""
    if is_a(node.this, exp.DataType.Type.BIGINT):
        return exp.Lower(this=node.copy())
    bits = exp.BitwiseAnd(this=typed(node.this.copy(), "BIGINT"), expression=exp.Literal.number(2**32 - 1))
    return exp.Lower(this=exp.Hex(this=exp.Paren(this=bits)))
