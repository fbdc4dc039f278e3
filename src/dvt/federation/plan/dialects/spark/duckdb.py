"""DuckDB's expressions in Spark."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from dvt.core.types import MAX_DIGITS
from dvt.federation.plan.data_types import data_type
from dvt.federation.plan.dialects.duckdb.exact_numbers import (
    DECIMAL,
    FLOATS,
    INTEGERS,
    aggregated,
    averages_exact,
    constant,
    digits,
)
from dvt.federation.plan.dialects.duckdb.expressions import function, is_a, needs_escape, plain_format
from dvt.federation.plan.dialects.duckdb.postgres_times import of_dates
from dvt.federation.plan.dialects.spark import postgres_numbers as numbers
from dvt.federation.plan.dialects.spark import postgres_texts as texts
from dvt.federation.plan.dialects.spark import postgres_times as times
from dvt.federation.plan.dialects.spark.expressions import (
    ANOTHER_NAME,
    NO_NULL,
    NO_TOTAL,
    as_bigint,
    is_float,
    is_moment_without_zone,
    is_value_of_membership,
    of_integers,
    orders_by_hidden_name,
    ranks,
    sum_and_count,
    typed,
    whole_division,
    without_zone,
)
from dvt.federation.plan.dialects.spark.templates import filled
from dvt.federation.plan.dialects.translation import Entry, Status, Translation, macro, wrong

_WAY_OUT = "compute the model in DuckDB, or write it in Spark's SQL (`dialect: spark`)"
_HUGE = "DECIMAL(38,0)"
"""What Spark has for integers of 128 bits."""
_NARROW = 18
"""Digits that a result has where both operands have no more, and more than so many do not fit."""
_MOST_MOVED = 10_000_000
"""Most days by which a date is moved: beyond the last date Spark begins with the first one."""
_MOST_ROUNDED = 15
"""Most digits behind the point to which a double is rounded."""


def _is_huge(node: exp.Expr) -> bool:
    return node.args["this"] is exp.DataType.Type.INT128


def _huge(_node: exp.Expr) -> exp.Expr:
    return data_type(_HUGE, "spark")


def _of_decimals(node: exp.Expr) -> bool:
    """True for an operator over exact numbers whose digits are known, one of them a decimal."""
    sides = (node.this, node.expression)
    sized = [is_a(side, *DECIMAL) and bool(side.type and side.type.expressions) for side in sides]
    return any(sized) and all(
        known or is_a(side, *INTEGERS) for known, side in zip(sized, sides, strict=True)
    )


def _sized(node: exp.Expr) -> exp.Expr:
    """Cast a result to the type that DuckDB gives it: what does not fit is an error there."""
    (left, left_scale), (right, right_scale) = digits(node.this), digits(node.expression)
    if isinstance(node, exp.Mul):
        precision, scale = left + right, left_scale + right_scale
    else:
        scale = max(left_scale, right_scale)
        precision = max(left - left_scale, right - right_scale) + scale + 1
    if precision > _NARROW >= max(left, right):
        precision = _NARROW
    return typed(node, f"DECIMAL({max(min(precision, MAX_DIGITS), scale)},{scale})")


def _quotient(node: exp.Expr) -> exp.Expr:
    """Divide doubles, by zero too."""
    return filled("ieee_quotient", n=node.this, d=node.expression)


def _or_null(node: exp.Expr) -> exp.Expr:
    """Give NULL where the divisor is zero."""
    new = node.copy()
    if not constant(node.expression):
        zero = exp.Literal.number(0)
        new.set("expression", exp.Nullif(this=exp.Paren(this=node.expression.copy()), expression=zero))
    return new


def _divided(node: exp.Expr) -> exp.Expr:
    """Divide whole numbers, with NULL where the divisor is zero."""
    return whole_division(_or_null(node), node)


def _is_narrow(node: exp.Expr) -> bool:
    """True for an operator over integers of at most 64 bits."""
    huge = exp.DataType.Type.INT128
    return of_integers(node) and not is_a(node.this, huge) and not is_a(node.expression, huge)


def _is_exact(node: exp.Expr) -> bool:
    return all(is_a(side, *INTEGERS, *DECIMAL) for side in (node.this, node.expression))


def _sums_whole(node: exp.Expr) -> bool:
    return is_a(aggregated(node), *INTEGERS, exp.DataType.Type.BOOLEAN)


def _sum(node: exp.Expr) -> exp.Expr:
    """Sum whole numbers, and booleans, with the digits of an integer of 128 bits."""
    new = node.copy()
    argument = aggregated(new)
    assert argument is not None  # noqa: S101  `_sums_whole` has seen it
    value = typed(argument, "INT") if is_a(argument, exp.DataType.Type.BOOLEAN) else argument
    argument.replace(typed(value, _HUGE))
    return new


def _average(node: exp.Expr) -> exp.Expr:
    """Divide the exact sum by the count, as doubles."""
    total, count, scale = sum_and_count(node)
    number: exp.Expr = exp.Nullif(this=typed(count, "DOUBLE"), expression=exp.Literal.number(0))
    if scale:  # DuckDB divides the sum as a whole number
        total = numbers.unscaled(total, scale, scale)
        power = typed(exp.Literal.number(10**scale), "DOUBLE")
        number = exp.Paren(this=exp.Mul(this=number, expression=power))
    return exp.Paren(this=exp.Div(this=typed(total, "DOUBLE"), expression=number))


def _rounds_double(node: exp.Expr) -> bool:
    places = constant(node.args.get("decimals"))
    return is_a(node.this, *FLOATS) and places is not None and 0 <= places <= _MOST_ROUNDED


def _rounded_double(node: exp.Expr) -> exp.Expr:
    places = constant(node.args.get("decimals")) or 0
    return filled("rounded_double", f"1e{places}", x=node.this)


def _as_double(node: exp.Expr) -> exp.Expr:
    return typed(node.this, "DOUBLE")


def _as_tinyint(node: exp.Expr) -> exp.Expr:
    return typed(node, "TINYINT")


def _unsized_text(node: exp.Expr) -> exp.Expr:
    """Cast to text: DuckDB reads over its size."""
    return texts.as_text(node.this, short=False)


def _concatenation(node: exp.Expr) -> exp.Expr:
    """Put texts together, without those that are NULL."""
    empty = exp.Literal.string("")
    parts = [
        exp.Coalesce(this=texts.as_text(part, short=False), expressions=[empty.copy()])
        for part in node.expressions
    ]
    return function("concat", *parts)


def _substring(node: exp.Expr) -> exp.Expr:
    size = node.args.get("length") or exp.Literal.number(2**31 - 1)
    return filled("duck_part", s=node.this, start=node.args["start"], size=size)


def _escaped(node: exp.Expr) -> exp.Expr:
    """Let a backslash in a pattern be no more than itself."""
    new = node.copy()
    backslash, two = exp.Literal.string("\\"), exp.Literal.string("\\\\")
    new.set("expression", function("replace", node.expression.copy(), backslash, two))
    return new


def _any_case(node: exp.Expr) -> exp.Expr:
    """Match in lower case, letter by letter."""
    pattern = node.expression
    if not (isinstance(pattern, exp.Literal) and "\\" not in pattern.name):
        backslash, two = exp.Literal.string("\\"), exp.Literal.string("\\\\")
        pattern = function("replace", pattern.copy(), backslash, two)
    new = exp.Like(this=filled("duck_lower", s=node.this), expression=filled("duck_lower", s=pattern))
    new.set("negate", node.args.get("negate"))
    return new


def _moves_by_days(node: exp.Expr) -> bool:
    sides = (node.this, node.expression)
    return any(is_a(side, exp.DataType.Type.DATE) for side in sides) and any(
        is_a(side, *INTEGERS) for side in sides
    )


def _moved_by_days(node: exp.Expr) -> exp.Expr:
    """Move a date by days, as far as a calendar reaches."""
    if constant(node.expression) is not None and abs(constant(node.expression) or 0) <= _MOST_MOVED:
        return node
    name = "date_sub(p.d, p.n)" if isinstance(node, exp.Sub) else "date_add(p.d, p.n)"
    day, days = node.this, node.expression
    if is_a(days, exp.DataType.Type.DATE):
        day, days = days, day
    return filled("moved_day", name, d=day, n=days)


def _days(node: exp.Expr) -> exp.Expr:
    return as_bigint(times.days(node))


def _is_of_days(node: exp.Expr) -> bool:
    sides = (node.this, node.expression)
    return node.text("unit").upper() == "DAY" and all(is_a(side, exp.DataType.Type.DATE) for side in sides)


def _days_between(node: exp.Expr) -> exp.Expr:
    return as_bigint(function("datediff", node.this.copy(), node.expression.copy()))


def _extracted(node: exp.Expr) -> exp.Expr:
    new = times.extracted_part(node.name.upper(), node.expression)
    return as_bigint(new)


def _part(part: str) -> Callable[[exp.Expr], exp.Expr]:
    return lambda node: as_bigint(times.extracted_part(part, node.this))


def _truncated(node: exp.Expr) -> exp.Expr:
    """Cut a moment, which a date then is, too."""
    if not is_a(node.this, exp.DataType.Type.DATE):
        return times.truncated(node)
    new = node.copy()
    moment = typed(node.this, "TIMESTAMP_NTZ")
    moment.type = data_type("TIMESTAMP")
    new.set("this", moment)
    return times.truncated(new)


def _cuts_local(node: exp.Expr) -> bool:
    return times.cuts_plainly(node) and not is_a(node.this, exp.DataType.Type.TIMESTAMPTZ)


def _differs(why: str) -> tuple[Entry, ...]:
    return (wrong(why, _WAY_OUT),)


def _not_materialized(node: exp.Expr) -> exp.Expr:
    """Leave out whether a query within the query is kept, which changes no answer."""
    new = node.copy()
    new.set("materialized", None)
    return new


def _has_on(node: exp.Expr) -> bool:
    return node.args.get("on") is not None


_WHOLE = (macro(numbers.whole_double, is_float), macro(_as_double, lambda node: is_a(node.this, *INTEGERS)))
_PARTS = {
    "Year": "YEAR", "Quarter": "QUARTER", "Month": "MONTH", "Day": "DAY", "DayOfMonth": "DAY",
    "DayOfYear": "DOY", "DayOfWeek": "DOW", "DayOfWeekIso": "ISODOW", "Hour": "HOUR", "Minute": "MINUTE",
    "Second": "SECOND", "Week": "WEEK", "WeekOfYear": "WEEK",
}  # fmt: skip
"""Function of a part of a moment → the part."""
_ARITHMETIC = macro(_sized, _of_decimals)

TRANSLATION = Translation(
    functions=Status.VERIFIED,
    entries={
        "DataType": (macro(without_zone, is_moment_without_zone), macro(_huge, _is_huge)),
        "Add": (
            macro(times.moved_date, times.moves_date),
            macro(_moved_by_days, _moves_by_days),
            _ARITHMETIC,
        ),
        "Sub": (
            macro(_days, of_dates),
            macro(times.moved_date, times.moves_date),
            macro(_moved_by_days, _moves_by_days),
            _ARITHMETIC,
        ),
        "Mul": (_ARITHMETIC,),
        "Div": (macro(_quotient),),
        "IntDiv": (macro(_divided, _is_narrow),),
        "Mod": (macro(_or_null, _is_exact),),
        "Sum": (macro(_sum, _sums_whole),),
        "Avg": (macro(_average, averages_exact),),
        "Filter": (macro(_average, averages_exact),),
        "Window": (macro(_average, averages_exact), macro(as_bigint, ranks)),
        "Sign": (macro(_as_tinyint),),
        "Ceil": _WHOLE,
        "Floor": _WHOLE,
        "Round": (
            macro(_rounded_double, _rounds_double),
            macro(_rounded_double, is_float),
            wrong("Spark rounds other digits", _WAY_OUT, lambda node: is_a(node.this, *FLOATS)),
        ),
        "Trunc": (macro(numbers.whole_double, is_float), macro(numbers.truncated)),
        "Sqrt": (macro(numbers.root),),
        "Ln": (macro(numbers.logarithm),),
        "Cast": (
            wrong("Spark reads its digits otherwise", _WAY_OUT, numbers.is_double_to_decimal),
            macro(_unsized_text, lambda node: texts.is_sized(node) or texts.is_padded(node)),
            macro(texts.read, texts.is_read),
            macro(texts.moment_as_text, texts.is_moment_to_text),
            macro(numbers.rounded, numbers.rounds_to_integer),
        ),
        "Upper": (macro(lambda node: filled("duck_upper", s=node.this)),),
        "Lower": (macro(lambda node: filled("duck_lower", s=node.this)),),
        "Length": (macro(as_bigint),),
        "StrPosition": (macro(as_bigint),),
        "Chr": (wrong("Spark knows the first 256 characters alone", _WAY_OUT, texts.is_no_ascii),),
        "Left": (macro(texts.side),),
        "Right": (macro(texts.side),),
        "Substring": (macro(_substring, lambda node: node.args.get("start") is not None),),
        "Concat": (macro(_concatenation),),
        "DPipe": (macro(texts.joined),),
        "Like": (macro(_escaped, needs_escape),),
        "ILike": (macro(_any_case),),
        "Extract": (macro(_extracted),),
        **{name: (macro(_part(part)),) for name, part in _PARTS.items()},
        "DateDiff": (macro(_days_between, _is_of_days), wrong("Spark counts it otherwise", _WAY_OUT)),
        "TimestampTrunc": (
            macro(_truncated, _cuts_local),
            wrong("Spark does not cut to this unit", _WAY_OUT),
        ),
        "TimeToStr": (
            macro(times.formatted, plain_format),
            wrong("Spark formats it otherwise", _WAY_OUT),
        ),
        "Distinct": (wrong("DISTINCT ON is DuckDB's own", _WAY_OUT, _has_on),),
        "CTE": (macro(_not_materialized, lambda node: node.args.get("materialized") is not None),),
        "In": (wrong(NO_NULL, _WAY_OUT, is_value_of_membership),),
        "Ordered": (wrong(ANOTHER_NAME, _WAY_OUT, orders_by_hidden_name),),
        **dict.fromkeys(("Cube", "Rollup", "GroupingSets"), _differs(NO_TOTAL)),
        **dict.fromkeys(
            ("ArrayAgg", "GroupConcat", "First", "Last", "AnyValue", "ArgMax", "ArgMin", "Mode"),
            _differs("its answer depends on the order of rows"),
        ),
        **dict.fromkeys(
            ("PercentileCont", "PercentileDisc", "Quantile", "ApproxDistinct"),
            _differs("Spark answers by an approximation"),
        ),
        **dict.fromkeys(
            ("Unnest", "Lateral", "Bracket", "Array", "Struct", "Map", "Lambda", "Columns"),
            _differs("Spark has lists, structs and lambdas of its own"),
        ),
        **dict.fromkeys(
            ("RegexpLike", "RegexpReplace", "RegexpExtract"), _differs("Spark reads patterns otherwise")
        ),
        "TableSample": _differs("Spark samples otherwise"),
        "Qualify": _differs("Spark has no QUALIFY"),
    },
)
"""How expressions are written so that they answer alike; the table of proofs tells which then do."""
