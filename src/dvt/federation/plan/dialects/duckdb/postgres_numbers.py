"""PostgreSQL's numbers in DuckDB: widths of integers, numeric division, results of aggregates."""

from __future__ import annotations

from sqlglot import exp

from dvt.core.types import MAX_DIGITS
from dvt.federation.plan.dialects.duckdb.exact_numbers import (
    DECIMAL,
    FLOATS,
    INTEGERS,
    aggregated,
    digits,
    sum_and_count,
)
from dvt.federation.plan.dialects.duckdb.expressions import function, is_a, typed

_BASE_DIGITS = 4
"""Decimal digits in one digit of PostgreSQL's numerics."""


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
    elif precision + own < MAX_DIGITS:
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


def sum_of_integers(node: exp.Expr) -> exp.Expr:
    """Give a sum the type that PostgreSQL gives it."""
    of_bigints = is_a(aggregated(node), exp.DataType.Type.BIGINT)
    return typed(exp.Paren(this=node.copy()), "DECIMAL(38,0)" if of_bigints else "BIGINT")


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


def average(node: exp.Expr) -> exp.Expr:
    """Divide the sum by the count, as PostgreSQL does."""
    return divided(*sum_and_count(node))
