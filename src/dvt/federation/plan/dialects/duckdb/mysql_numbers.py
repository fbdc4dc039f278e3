"""MySQL's numbers in DuckDB: integers of 64 bits, quotients with the digits that the server keeps."""

from __future__ import annotations

from sqlglot import exp

from dvt.core.types import MAX_DIGITS, rounded_precision
from dvt.federation.plan.dialects.duckdb.exact_numbers import (
    DECIMAL,
    checked,
    constant,
    digits,
    rounded_all_away,
    sum_and_count,
)
from dvt.federation.plan.dialects.duckdb.expressions import function, is_a, typed

_SIGNED = exp.DataType.SIGNED_INTEGER_TYPES
QUOTIENT = "dvt_my_divide"
"""The engine's function that divides exact numbers."""
_WORD = 9
"""Decimal digits in one word of the server's decimals."""
_NARROW_DIGITS = 18
"""Digits of a product of two decimals that DuckDB computes in 64 bits, whatever its type says."""
_BIGINT_DIGITS = 18
"""Digits before the point that an integer of 64 bits holds, whatever they are."""
_INTEGER_DIGITS = 9
"""Most digits of a whole number in the text that is an integer of 32 bits."""
_MORE_DIGITS = 4
"""Digits behind the point that a quotient shows more than its dividend (`div_precision_increment`)."""


def of_integers(node: exp.Expr) -> bool:
    """True for an operator over two signed integers."""
    return is_a(node.this, *_SIGNED) and is_a(node.expression, *_SIGNED)


def of_integer(node: exp.Expr) -> bool:
    """True for an expression over a signed integer."""
    return is_a(node.this, *_SIGNED)


def in_64_bits(node: exp.Expr) -> exp.Expr:
    """Compute in 64 bits."""
    new = node.copy()
    for name in ("this", "expression"):
        if new.args.get(name) is not None:
            new.set(name, typed(exp.Paren(this=new.args[name].copy()), "BIGINT"))
    return exp.Paren(this=new)


def of_wide_decimals(node: exp.Expr) -> bool:
    """True for a product of exact numbers with more digits than DuckDB multiplies them in."""
    sides = (node.this, node.expression)
    exact = all(is_a(side, *_SIGNED, *DECIMAL) for side in sides)
    precisions = [digits(side)[0] for side in sides]
    return isinstance(node, exp.Mul) and exact and max(precisions) <= _NARROW_DIGITS < sum(precisions)


def wide_product(node: exp.Expr) -> exp.Expr:
    """Multiply with all digits that a decimal may have."""
    new = node.copy()
    precision, scale = digits(node.this)
    wide = min(precision + digits(node.expression)[0], MAX_DIGITS)
    new.set("this", typed(exp.Paren(this=node.this.copy()), f"DECIMAL({wide},{scale})"))
    return exp.Paren(this=new)


def as_bigint(node: exp.Expr) -> exp.Expr:
    """Cast to an integer of 64 bits."""
    return typed(exp.Paren(this=node.copy()), "BIGINT")


def is_long_integer(node: exp.Expr) -> bool:
    """True for a whole number of the text that is an integer of 64 bits for its digits alone."""
    digits_ = str(node.this)
    is_number = not node.args.get("is_string") and digits_.isdigit() and "dvt" in node.meta
    return is_number and len(digits_) > _INTEGER_DIGITS and int(digits_) < 2**31


def square_root(node: exp.Expr) -> exp.Expr:
    """Give NULL for the square root of a negative number."""
    return function("dvt_my_sqrt", typed(exp.Paren(this=node.this.copy()), "DOUBLE"))


def bits(node: exp.Expr) -> exp.Expr:
    """Count the bits of an integer of 64 bits."""
    return typed(function("bit_count", typed(node.this.copy(), "BIGINT")), "INTEGER")


def whole_division(node: exp.Expr) -> exp.Expr:
    """Divide integers by DIV, where a divisor of 0 is an error."""
    return checked(node, exp.IntDiv(**_sides(in_64_bits(node).this)))


def modulo(node: exp.Expr) -> exp.Expr:
    """Take the rest, where a divisor of 0 is an error."""
    return checked(node, exp.Mod(**_sides(in_64_bits(node).this if of_integers(node) else node)))


def division_of_doubles(node: exp.Expr) -> exp.Expr:
    """Divide doubles, where a divisor of 0 is an error."""
    sides = {name: typed(exp.Paren(this=node.args[name].copy()), "DOUBLE") for name in ("this", "expression")}
    return checked(node, exp.Div(**sides, typed=False, safe=False))


def _sides(node: exp.Expr) -> dict[str, exp.Expr]:
    return {"this": exp.Paren(this=node.this.copy()), "expression": exp.Paren(this=node.expression.copy())}


def of_exact(node: exp.Expr) -> bool:
    """True for a division of exact numbers."""
    return all(is_a(side, *_SIGNED, *DECIMAL) for side in (node.this, node.expression))


def division(node: exp.Expr) -> exp.Expr:
    """Divide exact numbers."""
    return _divided(node.this, node.expression)


def _divided(dividend: exp.Expr, divisor: exp.Expr) -> exp.Expr:
    """Divide to the digits that the server keeps; an output shows fewer, rounded."""
    scales = digits(dividend)[1], digits(divisor)[1]
    kept = kept_digits(*scales)
    whole = [_unscaled(dividend), _unscaled(divisor)]
    power = exp.Literal.number(10 ** (kept - scales[0] + scales[1]))
    unit = typed(exp.Literal.string(f"0.{'0' * (kept - 1)}1"), f"DECIMAL({kept},{kept})")
    return function(QUOTIENT, whole[0], whole[1], typed(power, "HUGEINT"), unit)


def kept_digits(dividend: int, divisor: int) -> int:
    """Return the digits behind the point that the server computes of a quotient; the scales are its parts'.

    Example:
        >>> kept_digits(2, 2), kept_digits(0, 0), kept_digits(5, 0)
        (18, 9, 9)
    """
    words = [-(-scale // _WORD) * _WORD for scale in (dividend, divisor)]
    more = max(_MORE_DIGITS - (words[0] - dividend) - (words[1] - divisor), 0)
    return -(-(sum(words) + more) // _WORD) * _WORD


def _unscaled(node: exp.Expr) -> exp.Expr:
    """Return a number times 10^scale as a whole number."""
    precision, own = digits(node)
    value = exp.Paren(this=node.copy())
    if not own:
        return typed(value, "HUGEINT")
    text = typed(typed(value, f"DECIMAL({precision},{own})"), "VARCHAR")
    return typed(function("replace", text, exp.Literal.string("."), exp.Literal.string("")), "HUGEINT")


def has_quotients(node: exp.Expr) -> bool:
    """True for a SELECT with outputs that are computed from quotients."""
    return any(_quotient_shown(projection) for projection in node.expressions)


def with_shown_quotients(node: exp.Expr) -> exp.Expr:
    """Round outputs that are computed from quotients, which have more digits than they show."""
    new = node.copy()
    for projection, as_was in zip(new.expressions, node.expressions, strict=True):
        if _quotient_shown(as_was):
            value = projection.unalias()
            _, scale = digits(as_was.unalias())
            value.replace(typed(exp.Paren(this=value.copy()), f"DECIMAL({MAX_DIGITS},{scale})"))
    return new


def _quotient_shown(projection: exp.Expr) -> bool:
    return _is_quotient(projection.unalias(), projection.parent)


def _is_quotient(value: exp.Expr, select: exp.Expr | None) -> bool:
    """True for a decimal that is computed from a quotient of the same SELECT."""
    return is_a(value, *DECIMAL) and any(
        call.name == QUOTIENT and call.parent_select is select for call in value.find_all(exp.Anonymous)
    )


def compares_quotients(node: exp.Expr) -> bool:
    """True for a comparison with what is computed from a quotient."""
    return any(_is_quotient(side, node.parent_select) for side in (node.this, node.expression))


def with_compared_quotients(node: exp.Expr) -> exp.Expr:
    """Round what is computed from a quotient as it is shown: so the server compares it, but in BETWEEN."""
    new = node.copy()
    for name in ("this", "expression"):
        side = node.args[name]
        if _is_quotient(side, node.parent_select):
            shown = f"DECIMAL({MAX_DIGITS},{digits(side)[1]})"
            new.set(name, typed(exp.Paren(this=side.copy()), shown))
    return new


def sum_of_integers(node: exp.Expr) -> exp.Expr:
    """Give a sum of integers as a decimal."""
    return typed(exp.Paren(this=node.copy()), "DECIMAL(38,0)")


def of_decimal(node: exp.Expr) -> bool:
    """True for an expression over a decimal."""
    return is_a(node.this, *DECIMAL)


def rounded(node: exp.Expr) -> exp.Expr:
    """Round or truncate a decimal; the result has as many digits as are asked for."""
    wanted = _places(node)
    if wanted is None:
        return node.copy()
    precision = rounded_precision(*digits(node.this), wanted)
    return typed(_rounded_to(node, node.this, wanted), f"DECIMAL({precision},{max(wanted, 0)})")


def rounded_integer(node: exp.Expr) -> exp.Expr:
    """Round or truncate an integer."""
    wanted = _places(node)
    if wanted is None or wanted >= 0:
        return as_bigint(node.this) if wanted is not None else node.copy()
    return typed(_rounded_to(node, typed(node.this.copy(), "DECIMAL(20,0)"), wanted), "BIGINT")


def rounded_all(node: exp.Expr) -> exp.Expr:
    """Round or truncate to more places before the point than an exact number has digits there."""
    return typed(rounded_all_away(node), "BIGINT" if of_integer(node) else "DECIMAL(38,0)")


def _rounded_to(node: exp.Expr, value: exp.Expr, places: int) -> exp.Expr:
    name = "round" if isinstance(node, exp.Round) else "trunc"
    return function(name, exp.Paren(this=value.copy()), exp.Literal.number(places))


def _places(node: exp.Expr) -> int | None:
    """Return the digits behind the point that are asked for; None if they are computed."""
    decimals = node.args.get("decimals")
    return 0 if decimals is None else constant(decimals)


def whole(node: exp.Expr) -> exp.Expr:
    """Round up or down to an integer of 64 bits, where it holds the value."""
    precision, scale = digits(node.this)
    if is_a(node.this, *_SIGNED):
        return as_bigint(node.this)
    return typed(node.copy(), "BIGINT") if precision - scale < _BIGINT_DIGITS else node.copy()


def average(node: exp.Expr) -> exp.Expr:
    """Divide the sum by the count."""
    return _divided(*sum_and_count(node))
