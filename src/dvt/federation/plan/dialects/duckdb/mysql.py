"""MySQL's and MariaDB's expressions in DuckDB."""

from __future__ import annotations

from dvt.federation.plan.dialects.duckdb import mysql_conditions as conditions
from dvt.federation.plan.dialects.duckdb import mysql_doubles as doubles
from dvt.federation.plan.dialects.duckdb import mysql_numbers as numbers
from dvt.federation.plan.dialects.duckdb import mysql_texts as texts
from dvt.federation.plan.dialects.duckdb import mysql_times as times
from dvt.federation.plan.dialects.duckdb.exact_numbers import (
    as_integer,
    averages_exact,
    beside_smallint,
    rounds_all_away,
    sums_integers,
)
from dvt.federation.plan.dialects.duckdb.expressions import is_float, round_half_even
from dvt.federation.plan.dialects.duckdb.postgres_texts import is_untyped_output, untyped
from dvt.federation.plan.dialects.translation import Status, Translation, macro

_CONDITION = (macro(conditions.as_number, conditions.is_value),)
_JUDGING = (macro(conditions.judged),)
_IN_RANGE = macro(doubles.in_range(), doubles.overflows)
_SUMS = (
    macro(numbers.sum_of_integers, sums_integers),
    macro(numbers.average, averages_exact),
)
_ARITHMETIC = (
    macro(times.moved, times.moves),
    macro(numbers.in_64_bits, numbers.of_integers),
    macro(numbers.wide_product, numbers.of_wide_decimals),
    _IN_RANGE,
)
_IN_32_BITS = (macro(as_integer),)


TRANSLATION = Translation(
    functions=Status.VERIFIED,
    entries={
        **dict.fromkeys(("And", "Or", "Xor", "Not", "Where", "Having", "Join"), _JUDGING),
        **dict.fromkeys(
            ("EQ", "NEQ", "LT", "LTE", "GT", "GTE", "NullSafeEQ", "NullSafeNEQ"),
            (macro(conditions.with_compared_sides, numbers.compares_quotients), *_CONDITION),
        ),
        **dict.fromkeys(("In", "Between", "Exists"), _CONDITION),
        "Boolean": _CONDITION,
        "Select": (macro(numbers.with_shown_quotients, numbers.has_quotients),),
        "Escape": _CONDITION,
        "RegexpLike": _CONDITION,
        "Is": (macro(conditions.tested, conditions.is_truth_test), *_CONDITION),
        "If": (macro(conditions.judged, conditions.is_call_of_if),),
        "Column": (macro(conditions.as_number, conditions.is_computed_boolean),),
        "Like": (macro(conditions.alike),),
        **dict.fromkeys(("Add", "Sub", "Mul"), _ARITHMETIC),
        **dict.fromkeys(("DateAdd", "DateSub", "TimestampAdd"), (macro(times.moved),)),
        "Neg": (macro(numbers.in_64_bits, numbers.of_integer),),
        "Abs": (macro(numbers.in_64_bits, numbers.of_integer),),
        **dict.fromkeys(("Pow", "Exp", "Degrees", "Cot"), (_IN_RANGE,)),
        "Sqrt": (macro(numbers.square_root),),
        "Div": (
            macro(numbers.division, numbers.of_exact),
            macro(doubles.in_range(numbers.division_of_doubles), doubles.overflows),
            macro(numbers.division_of_doubles),
        ),
        "IntDiv": (macro(numbers.whole_division, numbers.of_integers),),
        "Mod": (macro(numbers.modulo),),
        "BitwiseCount": (macro(numbers.bits, numbers.of_integer),),
        "Sum": _SUMS,
        "Avg": _SUMS,
        "Window": _SUMS,
        "Round": (
            macro(round_half_even, is_float),
            macro(numbers.rounded_all, rounds_all_away),
            macro(numbers.rounded, numbers.of_decimal),
            macro(numbers.rounded_integer, numbers.of_integer),
        ),
        "Trunc": (
            macro(numbers.rounded_all, rounds_all_away),
            macro(numbers.rounded, numbers.of_decimal),
            macro(numbers.rounded_integer, numbers.of_integer),
        ),
        "Ceil": (macro(numbers.whole, numbers.of_integer), macro(numbers.whole, numbers.of_decimal)),
        "Floor": (macro(numbers.whole, numbers.of_integer), macro(numbers.whole, numbers.of_decimal)),
        **dict.fromkeys(("Sign", "StrPosition", "Ascii", "Grouping"), _IN_32_BITS),
        "Literal": (
            macro(numbers.as_bigint, numbers.is_long_integer),
            macro(as_integer, beside_smallint),
        ),
        "Length": (macro(texts.length),),
        "octet_length()": (macro(texts.bytes_of),),
        "Upper": (macro(texts.upper),),
        "Null": (macro(untyped, is_untyped_output),),
        "Trim": (macro(texts.trimmed, texts.trims_words),),
        "Substring": (macro(texts.substring),),
        "mid()": (macro(texts.substring, texts.has_three_arguments),),
        "Left": (macro(texts.side),),
        "Right": (macro(texts.side),),
        "SubstringIndex": (macro(texts.parts),),
        "Concat": (macro(texts.concatenation),),
        "ConcatWs": (macro(texts.concatenation),),
        "GroupConcat": (macro(texts.listed),),
        **dict.fromkeys(
            ("Year", "Month", "Day", "DayOfMonth", "DayOfYear", "Quarter", "Hour", "Minute", "Extract"),
            _IN_32_BITS,
        ),
        "DayOfWeek": (macro(times.day_of_week),),
        "weekday()": (macro(times.weekday),),
        "Second": _IN_32_BITS,
        "TimestampDiff": (macro(times.between),),
        "DateDiff": (macro(as_integer),),
        "microsecond()": (macro(times.microsecond),),
        "Cast": (
            macro(times.as_timestamp, times.is_timestamp),
            macro(times.in_seconds, times.is_datetime),
            macro(texts.truncated, texts.is_sized),
        ),
    },
)
"""How expressions are written so that they answer alike; the table of proofs tells which then do."""
