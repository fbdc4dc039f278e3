"""PostgreSQL's numbers in Spark: widths of integers, numeric division, roundings, casts."""

from __future__ import annotations

from sqlglot import exp

from dvt.core.types import MAX_DIGITS
from dvt.federation.plan.called import called
from dvt.federation.plan.dialects.duckdb.exact_numbers import DECIMAL, FLOATS, INTEGERS, digits
from dvt.federation.plan.dialects.duckdb.expressions import function, is_a
from dvt.federation.plan.dialects.spark.expressions import sum_and_count, typed
from dvt.federation.plan.dialects.spark.templates import filled

_BASE_DIGITS = 4
"""Decimal digits in one digit of PostgreSQL's numerics."""


def divided(dividend: exp.Expr, divisor: exp.Expr, scales: tuple[int, int]) -> exp.Expr:
    """Divide two exact numbers, of these digits behind the point, as PostgreSQL divides numerics."""
    scale = max(scales)
    common = -(-scale // _BASE_DIGITS) * _BASE_DIGITS
    n, d = (unscaled(side, own, common) for side, own in zip((dividend, divisor), scales, strict=True))
    return filled("quotient", n=n, d=d, scale=exp.Literal.number(scale))


def division(node: exp.Expr) -> exp.Expr:
    """Divide as PostgreSQL's `/` does over numerics."""
    scales = (_scale(node.this), _scale(node.expression))
    return divided(node.this, node.expression, scales)


def _scale(node: exp.Expr) -> int:
    return digits(node)[1] if is_a(node, *DECIMAL) else 0


def unscaled(node: exp.Expr, own: int, scale: int) -> exp.Expr:
    """Return a number times 10^scale as a whole number."""
    whole: exp.Expr = exp.Paren(this=node.copy())
    if own:
        text = typed(typed(node, f"DECIMAL({MAX_DIGITS},{own})"), "STRING")
        whole = function("replace", text, exp.Literal.string("."), exp.Literal.string(""))
    whole = typed(whole, f"DECIMAL({MAX_DIGITS},0)")
    if scale == own:
        return whole
    factor = typed(exp.Literal.number(10 ** (scale - own)), f"DECIMAL({scale - own + 1},0)")
    return typed(exp.Mul(this=whole, expression=factor), f"DECIMAL({MAX_DIGITS},0)")


def average(node: exp.Expr) -> exp.Expr:
    """Divide the sum by the count, as PostgreSQL does."""
    total, number, scale = sum_and_count(node)
    return divided(total, number, (scale, 0))


def as_number_of(node: exp.Expr) -> exp.Expr:
    """Cast SIGN to the type of its argument."""
    return typed(node, "DOUBLE" if is_a(node.this, *FLOATS) else "DECIMAL(38,0)")


def as_double(node: exp.Expr) -> exp.Expr:
    """Round an integer, which PostgreSQL does as a double."""
    return typed(node.this, "DOUBLE")


def rounded_integer(node: exp.Expr) -> exp.Expr:
    """Round an integer to digits, which PostgreSQL does as a numeric."""
    new = node.copy()
    new.this.replace(typed(node.this, "DECIMAL(20,0)"))
    return new


def half_even(node: exp.Expr) -> exp.Expr:
    """Round halves to the even neighbour."""
    return function("rint", node.this.copy())


def whole_double(node: exp.Expr) -> exp.Expr:
    """Round a double up or down, or cut it off, to a double: Spark gives a BIGINT."""
    names: dict[type[exp.Expr], str] = {exp.Ceil: "ceil(x)", exp.Floor: "floor(x)"}
    inner = names.get(type(node), "CAST(x AS BIGINT)")
    return filled("whole_double", inner, x=node.this)


def truncated(node: exp.Expr) -> exp.Expr:
    """Cut off an exact number's digits."""
    places = node.args.get("decimals") or exp.Literal.number(0)
    value = exp.Paren(this=node.this.copy())
    positive = exp.GTE(this=value, expression=exp.Literal.number(0))
    down, up = (function(name, node.this.copy(), places.copy()) for name in ("floor", "ceil"))
    return exp.Case(ifs=[exp.If(this=positive, true=down)], default=up)


def power(node: exp.Expr) -> exp.Expr:
    """Raise to a power with PostgreSQL's errors."""
    return filled("power", x=node.this, y=node.expression)


def root(node: exp.Expr) -> exp.Expr:
    """Take a square root, which a negative number does not have."""
    return filled("of_no_negative", "sqrt(x)", x=node.this)


def logarithm(node: exp.Expr) -> exp.Expr:
    """Take a natural or a decadic logarithm; Spark gives NULL where there is none."""
    value = node.expression if called(node) == "log10" and node.expression else node.this
    return filled("of_positive", "ln(x)" if isinstance(node, exp.Ln) else "log10(x)", x=value)


def has_no_base(node: exp.Expr) -> bool:
    """True for a logarithm of one argument, also by its name alone."""
    return node.expression is None or called(node) == "log10"


def hex_of_integer(node: exp.Expr) -> exp.Expr:
    """Give the hexadecimal digits of 32 bits."""
    if is_a(node.this, exp.DataType.Type.BIGINT):
        return exp.Lower(this=function("hex", node.this.copy()))
    bits = exp.BitwiseAnd(
        this=typed(node.this, "BIGINT"), expression=typed(exp.Literal.number(2**32 - 1), "BIGINT")
    )
    return function("lower", function("hex", bits))


def is_unsized_numeric(node: exp.Expr) -> bool:
    """True for a cast to numeric without digits."""
    return node.args["to"].this in DECIMAL and not node.args["to"].expressions


def numeric(node: exp.Expr) -> exp.Expr:
    """Cast to a decimal with enough digits: PostgreSQL keeps all."""
    if is_a(node.this, *DECIMAL):
        return exp.Paren(this=node.this.copy())
    return typed(node.this, "DECIMAL(38,0)" if is_a(node.this, *INTEGERS) else "DECIMAL(38,15)")


def rounds_to_integer(node: exp.Expr) -> bool:
    """True for a cast of a number with digits behind the point to an integer."""
    return node.args["to"].this in INTEGERS and is_a(node.this, *DECIMAL, *FLOATS)


def rounded(node: exp.Expr) -> exp.Expr:
    """Round before the cast: decimals half away from zero, doubles to the even neighbour."""
    new = node.copy()
    is_exact = is_a(node.this, *DECIMAL)
    zero = exp.Literal.number(0)
    value = function("round", node.this.copy(), zero) if is_exact else function("rint", node.this.copy())
    new.this.replace(value)
    return new


def is_double_to_decimal(node: exp.Expr) -> bool:
    """True for a cast of a floating point number to a decimal."""
    is_literal = isinstance(node.this.unnest(), exp.Literal)  # SQLGlot takes 1.5 for a double
    return not is_literal and node.args["to"].this in DECIMAL and is_a(node.this, *FLOATS)
