"""PostgreSQL's expressions in Spark."""

from __future__ import annotations

from sqlglot import exp

from dvt.federation.plan.dialects.duckdb.exact_numbers import INTEGERS, as_integer, averages_exact
from dvt.federation.plan.dialects.duckdb.expressions import is_a, plain_format
from dvt.federation.plan.dialects.duckdb.postgres_numbers import of_numerics
from dvt.federation.plan.dialects.duckdb.postgres_texts import is_untyped_output
from dvt.federation.plan.dialects.duckdb.postgres_times import of_dates
from dvt.federation.plan.dialects.duckdb.tuples import any_different, each_equal, of_rows
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
    sum_of_bigints,
    sums_bigints,
    typed,
    whole_division,
    without_zone,
)
from dvt.federation.plan.dialects.translation import Entry, Status, Translation, macro, wrong

_WAY_OUT = "compute the model in DuckDB or on its target, or write it in Spark's SQL (`dialect: spark`)"


def _differs(why: str) -> tuple[Entry, ...]:
    return (wrong(why, _WAY_OUT),)


def _of_integer(node: exp.Expr) -> bool:
    return is_a(node.this, *INTEGERS)


def _of_integer_alone(node: exp.Expr) -> bool:
    return _of_integer(node) and node.args.get("decimals") is None


def _is_distinct_on(node: exp.Expr) -> bool:
    return node.args.get("on") is not None


def _untyped(node: exp.Expr) -> exp.Expr:
    return typed(node, "STRING")


_APPROXIMATE = _differs("Spark answers by an approximation")
_UNORDERED = _differs("Spark's list has another order, and no NULL")
_BY_PATTERN = (
    macro(texts.matched, texts.by_pattern),
    wrong("Spark's library reads patterns otherwise", _WAY_OUT),
)
_WHOLE = (macro(numbers.as_double, _of_integer), macro(numbers.whole_double, is_float))

TRANSLATION = Translation(
    functions=Status.VERIFIED,
    entries={
        "DataType": (macro(without_zone, is_moment_without_zone),),
        "Div": (macro(whole_division, of_integers), macro(numbers.division, of_numerics)),
        "Null": (macro(_untyped, is_untyped_output),),
        "Sum": (macro(sum_of_bigints, sums_bigints),),
        "Avg": (macro(numbers.average, averages_exact),),
        "Filter": (macro(numbers.average, averages_exact),),
        "Window": (macro(numbers.average, averages_exact), macro(as_bigint, ranks)),
        "Sign": (macro(numbers.as_number_of),),
        "Ceil": _WHOLE,
        "Floor": _WHOLE,
        "Round": (
            macro(numbers.as_double, _of_integer_alone),
            macro(numbers.rounded_integer, _of_integer),
            macro(numbers.half_even, is_float),
        ),
        "Trunc": (macro(numbers.whole_double, is_float), macro(numbers.truncated)),
        "Sqrt": (macro(numbers.root),),
        "Pow": (macro(numbers.power),),
        "Ln": (macro(numbers.logarithm),),
        "Log": (macro(numbers.logarithm, numbers.has_no_base),),
        "Hex": (macro(numbers.hex_of_integer),),
        "Cast": (
            wrong("Spark reads its digits otherwise", _WAY_OUT, numbers.is_double_to_decimal),
            wrong("Spark has no text that is filled up with spaces", _WAY_OUT, texts.is_padded),
            macro(texts.cut, texts.is_sized),
            macro(texts.read, texts.is_read),
            macro(texts.moment_as_text, texts.is_moment_to_text),
            macro(numbers.numeric, numbers.is_unsized_numeric),
            macro(numbers.rounded, numbers.rounds_to_integer),
        ),
        "EQ": (macro(each_equal, of_rows),),
        "NEQ": (macro(any_different, of_rows),),
        "Upper": (macro(texts.cased),),
        "Lower": (macro(texts.cased),),
        "Chr": (wrong("Spark knows the first 256 characters alone", _WAY_OUT, texts.is_no_ascii),),
        "Left": (macro(texts.side),),
        "Right": (macro(texts.side),),
        "Substring": (macro(texts.substring),),
        "Concat": (macro(texts.concatenation),),
        "ConcatWs": (macro(texts.concatenation),),
        "DPipe": (macro(texts.joined),),
        "RegexpLike": _BY_PATTERN,
        "RegexpILike": _BY_PATTERN,
        "RegexpCount": _BY_PATTERN,
        "RegexpReplace": (
            macro(texts.replaced, texts.replaces_all),
            wrong("Spark replaces all that matches, and names groups otherwise", _WAY_OUT),
        ),
        "Sub": (macro(times.days, of_dates), macro(times.moved_date, times.moves_date)),
        "Add": (macro(times.moved_date, times.moves_date),),
        "Extract": (macro(times.extracted),),
        "TimestampTrunc": (
            macro(times.truncated, times.cuts_plainly),
            wrong("Spark does not cut to this unit", _WAY_OUT),
        ),
        "TimeToStr": (
            macro(times.formatted, plain_format),
            wrong("Spark formats it otherwise", _WAY_OUT),
        ),
        "AtTimeZone": (
            macro(times.in_zone, times.has_known_zone),
            wrong("where clocks go back, Spark takes the other one of two hours", _WAY_OUT),
        ),
        "make_date()": (macro(times.of_parts),),
        "Grouping": (macro(as_integer),),
        "Distinct": (wrong("DISTINCT ON is PostgreSQL's own", _WAY_OUT, _is_distinct_on),),
        "In": (wrong(NO_NULL, _WAY_OUT, is_value_of_membership),),
        "Ordered": (wrong(ANOTHER_NAME, _WAY_OUT, orders_by_hidden_name),),
        **dict.fromkeys(("Cube", "Rollup", "GroupingSets"), _differs(NO_TOTAL)),
        "ArrayAgg": _UNORDERED,
        **dict.fromkeys(("WithinGroup", "PercentileCont", "PercentileDisc", "Mode"), _APPROXIMATE),
        **dict.fromkeys(("Unnest", "Lateral", "Bracket", "Array"), _differs("Spark's lists begin elsewhere")),
    },
)
"""How expressions are written so that they answer alike; the table of proofs tells which then do."""
