"""PostgreSQL's expressions in DuckDB."""

from __future__ import annotations

from sqlglot import exp

from dvt.federation.plan.dialects.duckdb import postgres_numbers as numbers
from dvt.federation.plan.dialects.duckdb import postgres_texts as texts
from dvt.federation.plan.dialects.duckdb import postgres_times as times
from dvt.federation.plan.dialects.duckdb.exact_numbers import (
    DECIMAL,
    FLOATS,
    INTEGERS,
    as_integer,
    averages_exact,
    beside_smallint,
    checked,
    rounded_all_away,
    rounds_all_away,
    sums_integers,
)
from dvt.federation.plan.dialects.duckdb.expressions import (
    function,
    is_a,
    is_float,
    needs_escape,
    plain_format,
    round_half_even,
    typed,
)
from dvt.federation.plan.dialects.duckdb.tuples import any_different, each_equal, of_rows
from dvt.federation.plan.dialects.translation import Status, Translation, macro

_TEXT = exp.DataType.TEXT_TYPES
_TEMPORAL = exp.DataType.TEMPORAL_TYPES


def _whole_division(node: exp.Expr) -> exp.Expr:
    return checked(node, exp.IntDiv(this=_operand(node.this), expression=_operand(node.expression)))


def _division(node: exp.Expr) -> exp.Expr:
    divided = exp.Div(this=_operand(node.this), expression=_operand(node.expression), typed=False, safe=False)
    return checked(node, divided)


def _modulo(node: exp.Expr) -> exp.Expr:
    return checked(node, exp.Mod(this=_operand(node.this), expression=_operand(node.expression)))


def _operand(node: exp.Expr) -> exp.Expr:
    return exp.Paren(this=node.copy()) if isinstance(node, exp.Binary | exp.Case) else node.copy()


def _of_integers(node: exp.Expr) -> bool:
    return is_a(node.this, *INTEGERS) and is_a(node.expression, *INTEGERS)


def _sized(node: exp.Expr) -> bool:
    return bool(node.args["to"].expressions)


def _truncated_text(node: exp.Expr) -> exp.Expr:
    size = node.args["to"].expressions[0].this.copy()
    return function("left", typed(node.this.copy(), "VARCHAR"), size)


def _is_sized_varchar(node: exp.Expr) -> bool:
    return node.args["to"].this in (exp.DataType.Type.VARCHAR, exp.DataType.Type.NVARCHAR) and _sized(node)


def _is_unsized_numeric(node: exp.Expr) -> bool:
    return node.args["to"].this in DECIMAL and not _sized(node)


def _numeric(node: exp.Expr) -> exp.Expr:
    """Cast to a DECIMAL with enough digits: PostgreSQL keeps all, DuckDB's plain DECIMAL three decimals."""
    if is_a(node.this, *INTEGERS):
        return typed(node.this.copy(), "DECIMAL(38,0)")
    if is_a(node.this, *DECIMAL):
        return exp.Paren(this=node.this.copy())
    return typed(node.this.copy(), "DECIMAL(38,15)")


def _rounds_to_integer(node: exp.Expr) -> bool:
    return node.args["to"].this in INTEGERS and is_a(node.this, *DECIMAL)


def _rounded(node: exp.Expr) -> exp.Expr:
    """Round a numeric half away from zero, even if DuckDB has computed it as a DOUBLE."""
    new = node.copy()
    new.this.replace(exp.Round(this=new.this.copy()))
    return new


def _escaped(node: exp.Expr) -> exp.Expr:
    return exp.Escape(this=node.copy(), expression=exp.Literal.string("\\"))


def _starts_late(node: exp.Expr) -> bool:
    start = node.args.get("start")
    return start is None or (isinstance(start, exp.Literal) and start.is_int and int(start.name) > 0)


def _from_any_start(node: exp.Expr) -> exp.Expr:
    """Count from a start before the first character as PostgreSQL does; DuckDB counts from the end.

    `substring(t, start, length)` becomes `substring(t, greatest(start, 1), greatest(length + least(start, 1)
    - 1, 0))`, in a CASE because greatest and least ignore NULL.
    """
    start, length = node.args["start"], node.args.get("length")
    first, zero = exp.Literal.number(1), exp.Literal.number(0)
    arguments = [node.this.copy(), function("greatest", start.copy(), first)]
    is_null: exp.Expr = exp.Is(this=exp.Paren(this=start.copy()), expression=exp.null())
    if length is not None:
        lost = exp.Sub(this=function("least", start.copy(), first.copy()), expression=first.copy())
        remaining = exp.Add(this=exp.Paren(this=length.copy()), expression=exp.Paren(this=lost))
        negative = exp.LT(this=exp.Paren(this=length.copy()), expression=zero.copy())
        refusal = function("error", exp.Literal.string("negative substring length not allowed"))
        checked = exp.Case(
            ifs=[exp.If(this=negative, true=refusal)], default=function("greatest", remaining, zero)
        )
        arguments.append(checked)
        is_null = exp.or_(is_null, exp.Is(this=exp.Paren(this=length.copy()), expression=exp.null()))
    substring = function("substring", *arguments)
    return exp.Case(ifs=[exp.If(this=is_null, true=exp.null())], default=substring)


def _every(node: exp.Expr) -> exp.Expr:
    return function("bool_and", *(argument.copy() for argument in node.expressions))


def _of_date(node: exp.Expr) -> bool:
    return is_a(node.this, exp.DataType.Type.DATE)


def _cut_with_zone(node: exp.Expr) -> exp.Expr:
    """Truncate a date as a timestamp with time zone, as PostgreSQL does."""
    new = node.copy()
    new.this.replace(typed(new.this.copy(), "TIMESTAMPTZ"))
    return new


def _with_zone(node: exp.Expr) -> exp.Expr:
    return typed(node.copy(), "TIMESTAMPTZ")


def _is_text_to_integer(node: exp.Expr) -> bool:
    return (
        not isinstance(node.this, exp.Literal)
        and node.args["to"].this in INTEGERS
        and is_a(node.this, *_TEXT)
    )


def _is_text_to_number(node: exp.Expr) -> bool:
    column = not isinstance(node.this, exp.Literal)
    return column and node.args["to"].this in (*DECIMAL, *FLOATS) and is_a(node.this, *_TEXT)


def _is_double_to_decimal(node: exp.Expr) -> bool:
    return node.args["to"].this in DECIMAL and is_a(node.this, *FLOATS)


def _is_time_to_text(node: exp.Expr) -> bool:
    times_ = (exp.DataType.Type.DATE, exp.DataType.Type.TIMESTAMP)
    return node.args["to"].this in _TEXT and is_a(node.this, *times_)


def _is_ntile(node: exp.Expr) -> bool:
    return isinstance(node.this, exp.Ntile)


def _of_no_integer(node: exp.Expr) -> bool:
    return is_a(node.this, *DECIMAL, *FLOATS)


def _of_integer(node: exp.Expr) -> bool:
    return is_a(node.this, *INTEGERS)


def _of_integer_alone(node: exp.Expr) -> bool:
    return _of_integer(node) and node.args.get("decimals") is None


def _rounded_integer(node: exp.Expr) -> exp.Expr:
    new = node.copy()
    new.this.replace(typed(node.this.copy(), "DECIMAL(38,4)"))
    return new


def _array_length(node: exp.Expr) -> exp.Expr:
    """Give NULL for an empty list, and for any dimension but the first: a list has no other."""
    length = typed(function("len", node.this.copy()), "INTEGER")
    known = exp.Nullif(this=length, expression=exp.Literal.number(0))
    first = exp.EQ(this=node.expression.copy(), expression=exp.Literal.number(1))
    return exp.Case(ifs=[exp.If(this=first, true=known)])


def _starts_anywhere(node: exp.Expr) -> bool:
    return not _starts_late(node) or node.args.get("length") is not None


def _of_integers_of_32_bits(node: exp.Expr) -> bool:
    return all(is_a(argument, exp.DataType.Type.INT) for argument in node.expressions)


def _is_percentile_of_decimals(node: exp.Expr) -> bool:
    ordered = node.expression.expressions[0].this
    return isinstance(node.this, exp.PercentileCont) and is_a(ordered, *DECIMAL)


def _of_doubles(node: exp.Expr) -> exp.Expr:
    new = node.copy()
    ordered = new.expression.expressions[0]
    ordered.set("this", typed(ordered.this.copy(), "DOUBLE"))
    return new


_AGGREGATES = (
    macro(numbers.sum_of_integers, sums_integers),
    macro(numbers.average, averages_exact),
)
_IN_32_BITS = (macro(as_integer),)

TRANSLATION = Translation(
    functions=Status.VERIFIED,
    entries={
        "Div": (
            macro(_whole_division, _of_integers),
            macro(numbers.division, numbers.of_numerics),
            macro(_division),
        ),
        "Mod": (macro(_modulo),),
        "Literal": (macro(as_integer, beside_smallint),),
        "Null": (macro(texts.untyped, texts.is_untyped_output),),
        "Sum": _AGGREGATES,
        "Avg": _AGGREGATES,
        "Filter": _AGGREGATES,
        "Window": (*_AGGREGATES, macro(as_integer, _is_ntile)),
        "Sign": (macro(numbers.as_number_of, _of_no_integer),),
        "Pow": (macro(numbers.power),),
        "Hex": (macro(numbers.hex_of_integer),),
        "Cast": (
            macro(_truncated_text, _is_sized_varchar),
            macro(texts.text_to_integer, _is_text_to_integer),
            macro(texts.text_to_number, _is_text_to_number),
            macro(numbers.double_as_decimal, _is_double_to_decimal),
            macro(_numeric, _is_unsized_numeric),
            macro(_rounded, _rounds_to_integer),
            macro(texts.time_to_text, _is_time_to_text),
        ),
        "EQ": (macro(each_equal, of_rows),),
        "NEQ": (macro(any_different, of_rows),),
        "Like": (macro(_escaped, needs_escape),),
        "ILike": (macro(_escaped, needs_escape),),
        "Extract": (macro(times.extracted),),
        "TimeToStr": (macro(times.formatted),),
        "StrToTime": (macro(_with_zone, plain_format),),
        "Round": (
            macro(rounded_all_away, rounds_all_away),
            macro(numbers.rounded_double, _of_integer_alone),
            macro(_rounded_integer, _of_integer),
            macro(round_half_even, is_float),
        ),
        "Trunc": (macro(rounded_all_away, rounds_all_away),),
        "Substring": (macro(_from_any_start, _starts_anywhere),),
        "Upper": (macro(texts.upper),),
        "SplitPart": (macro(texts.split),),
        "Concat": (macro(texts.concatenation, texts.joins_times),),
        "ConcatWs": (macro(texts.concatenation, texts.joins_times),),
        "DPipe": (macro(texts.joined, texts.joins_times),),
        "every()": (macro(_every),),
        "TimestampTrunc": (macro(_cut_with_zone, _of_date), macro(times.hour, times.of_hours)),
        "DateTrunc": (macro(_cut_with_zone, _of_date),),
        "JSONExtractScalar": (macro(texts.json_text),),
        "JSONBExtractScalar": (macro(texts.json_by_path, texts.by_plain_path),),
        "JSONBExtract": (macro(texts.json_by_path, texts.by_plain_path),),
        "Bracket": (macro(texts.element, texts.by_computed_index),),
        "WithinGroup": (macro(_of_doubles, _is_percentile_of_decimals),),
        "Sub": (
            macro(times.days, times.of_dates),
            macro(times.apart, times.of_instants),
            macro(times.moved, times.of_mixed_interval),
        ),
        "Add": (macro(times.moved, times.of_mixed_interval),),
        "ArraySize": (macro(_array_length),),
        "ArrayToString": (macro(texts.joined_list),),
        **dict.fromkeys(("Length", "StrPosition", "BitLength", "RegexpCount", "Grouping"), _IN_32_BITS),
        "gcd()": (macro(as_integer, _of_integers_of_32_bits),),
        "lcm()": (macro(as_integer, _of_integers_of_32_bits),),
    },
)
"""How expressions are written so that they answer alike; the table of proofs tells which then do."""
