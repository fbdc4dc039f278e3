"""PostgreSQL's expressions in DuckDB."""

from __future__ import annotations

from sqlglot import exp

from dvt.federation.plan.dialects.duckdb.expressions import (
    IN_ENGINE,
    function,
    is_a,
    is_float,
    is_unknown,
    needs_escape,
    plain_format,
    round_half_even,
    typed,
)
from dvt.federation.plan.dialects.translation import (
    VERIFIED,
    Condition,
    Entry,
    Fix,
    Status,
    Translation,
    macro,
    unverified,
    verified,
    wrong,
)

_INTEGERS = exp.DataType.INTEGER_TYPES
_DECIMAL = (exp.DataType.Type.DECIMAL,)
_FLOATS = exp.DataType.FLOAT_TYPES
_TEXT = exp.DataType.TEXT_TYPES
_TEMPORAL = exp.DataType.TEMPORAL_TYPES
_CAST = "CAST the operands to the types you mean, " + IN_ENGINE


def _checked(node: exp.Expr, divided: exp.Expr) -> exp.Expr:
    """Raise an error on division by zero, as PostgreSQL does; DuckDB gives NULL or infinity."""
    divisor = node.expression.unnest()
    if isinstance(divisor, exp.Literal) and not divisor.is_string and float(divisor.this) != 0:
        return exp.Paren(this=divided)
    zero = exp.EQ(this=exp.Paren(this=node.expression.copy()), expression=exp.Literal.number(0))
    return exp.Case(
        ifs=[exp.If(this=zero, true=function("error", exp.Literal.string("division by zero")))],
        default=exp.Paren(this=divided),
    )


def _whole_division(node: exp.Expr) -> exp.Expr:
    return _checked(node, exp.IntDiv(this=_operand(node.this), expression=_operand(node.expression)))


def _division(node: exp.Expr) -> exp.Expr:
    divided = exp.Div(this=_operand(node.this), expression=_operand(node.expression), typed=False, safe=False)
    return _checked(node, divided)


def _modulo(node: exp.Expr) -> exp.Expr:
    return _checked(node, exp.Mod(this=_operand(node.this), expression=_operand(node.expression)))


def _operand(node: exp.Expr) -> exp.Expr:
    return exp.Paren(this=node.copy()) if isinstance(node, exp.Binary | exp.Case) else node.copy()


def _of_integers(node: exp.Expr) -> bool:
    return is_a(node.this, *_INTEGERS) and is_a(node.expression, *_INTEGERS)


def _of_unknowns(node: exp.Expr) -> bool:
    return is_unknown(node.this) or is_unknown(node.expression)


def _sized(node: exp.Expr) -> bool:
    return bool(node.args["to"].expressions)


def _truncated_text(node: exp.Expr) -> exp.Expr:
    size = node.args["to"].expressions[0].this.copy()
    return function("left", typed(node.this.copy(), "VARCHAR"), size)


def _is_sized_varchar(node: exp.Expr) -> bool:
    return node.args["to"].this in (exp.DataType.Type.VARCHAR, exp.DataType.Type.NVARCHAR) and _sized(node)


def _is_char(node: exp.Expr) -> bool:
    return node.args["to"].this in (exp.DataType.Type.CHAR, exp.DataType.Type.BPCHAR)


def _is_unsized_numeric(node: exp.Expr) -> bool:
    return node.args["to"].this in _DECIMAL and not _sized(node)


def _numeric(node: exp.Expr) -> exp.Expr:
    """Cast to a DECIMAL with enough digits: PostgreSQL keeps all, DuckDB's plain DECIMAL three decimals."""
    if is_a(node.this, *_INTEGERS):
        return typed(node.this.copy(), "DECIMAL(38,0)")
    if is_a(node.this, *_DECIMAL) and not _computed_as_double(node.this):
        return exp.Paren(this=node.this.copy())
    return typed(node.this.copy(), "DECIMAL(38,15)")


def _computed_as_double(node: exp.Expr) -> bool:
    """True if PostgreSQL computes a numeric and DuckDB a DOUBLE."""
    return node.find(exp.Div, exp.Avg, exp.IntDiv, exp.Anonymous, exp.Case) is not None


def _rounds_to_integer(node: exp.Expr) -> bool:
    return node.args["to"].this in _INTEGERS and is_a(node.this, *_DECIMAL)


def _rounded(node: exp.Expr) -> exp.Expr:
    """Round a numeric half away from zero, even if DuckDB has computed it as a DOUBLE."""
    new = node.copy()
    new.this.replace(exp.Round(this=new.this.copy()))
    return new


def _is_double_to_text(node: exp.Expr) -> bool:
    return node.args["to"].this in _TEXT and is_a(node.this, *_FLOATS)


def _escaped(node: exp.Expr) -> exp.Expr:
    return exp.Escape(this=node.copy(), expression=exp.Literal.string("\\"))


def _of_many(node: exp.Expr) -> bool:
    return isinstance(node.expression, exp.Any | exp.All | exp.Tuple)


def _part(*names: str) -> Condition:
    return lambda node: node.name.upper() in names


def _fraction(scale: str) -> Fix:
    def fix(node: exp.Expr) -> exp.Expr:
        micros = exp.Extract(this=exp.var("microseconds"), expression=node.expression.copy())
        return exp.Paren(
            this=exp.Mul(this=typed(micros, "DECIMAL(18,0)"), expression=exp.Literal.number(scale))
        )

    return fix


def _plain_timestamp_format(node: exp.Expr) -> bool:
    return plain_format(node) and is_a(node.this, *_TEMPORAL)


def _starts_late(node: exp.Expr) -> bool:
    start = node.args.get("start")
    return start is None or (isinstance(start, exp.Literal) and start.is_int and int(start.name) > 0)


def _by_pattern(node: exp.Expr) -> bool:
    start = node.args.get("start")
    return (isinstance(start, exp.Literal) and start.is_string) or is_a(start, *_TEXT)


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
        arguments.append(function("greatest", remaining, zero))
        is_null = exp.or_(is_null, exp.Is(this=exp.Paren(this=length.copy()), expression=exp.null()))
    substring = function("substring", *arguments)
    return exp.Case(ifs=[exp.If(this=is_null, true=exp.null())], default=substring)


def _every(node: exp.Expr) -> exp.Expr:
    return function("bool_and", *(argument.copy() for argument in node.expressions))


def _lower(node: exp.Expr) -> exp.Expr:
    return exp.Lower(this=node.copy())


def _of_date(node: exp.Expr) -> bool:
    return is_a(node.this, exp.DataType.Type.DATE)


def _cut_with_zone(node: exp.Expr) -> exp.Expr:
    """Truncate a date as a timestamp with time zone, as PostgreSQL does."""
    new = node.copy()
    new.this.replace(typed(new.this.copy(), "TIMESTAMPTZ"))
    return new


def _with_zone(node: exp.Expr) -> exp.Expr:
    return typed(node.copy(), "TIMESTAMPTZ")


def _of_rows(node: exp.Expr) -> bool:
    sides = (node.this, node.expression)
    rows = [side for side in sides if isinstance(side, exp.Tuple)]
    return len(rows) == len(sides) and len(rows[0].expressions) == len(rows[1].expressions)


def _each_equal(node: exp.Expr) -> exp.Expr:
    pairs = zip(node.this.expressions, node.expression.expressions, strict=True)
    return exp.Paren(
        this=exp.and_(*(exp.EQ(this=left.copy(), expression=right.copy()) for left, right in pairs))
    )


def _any_different(node: exp.Expr) -> exp.Expr:
    pairs = zip(node.this.expressions, node.expression.expressions, strict=True)
    return exp.Paren(
        this=exp.or_(*(exp.NEQ(this=left.copy(), expression=right.copy()) for left, right in pairs))
    )


def _of_interval(node: exp.Expr) -> bool:
    return is_a(node.expression, exp.DataType.Type.INTERVAL) or is_unknown(node.expression)


_ROWS = "DuckDB compares rows with NULLs otherwise"
_TYPES_UNKNOWN = "the types of its operands are not known, and PostgreSQL's `/` depends on them"

TRANSLATION = Translation(
    entries=verified(
        "Count Sum Avg Min Max LogicalAnd LogicalOr GroupConcat Stddev StddevSamp StddevPop Variance "
        "VariancePop Corr CovarPop CovarSamp PercentileCont PercentileDisc RowNumber Rank DenseRank "
        "PercentRank CumeDist Ntile Lag Lead FirstValue LastValue NthValue Coalesce Nullif Greatest "
        "Least Case If Exists And Or Xor Abs Ceil Floor Sign Sqrt Power Pow Exp Ln Log Length Upper "
        "Lower Trim Replace Reverse Repeat Left Right StrPosition Concat ConcatWs MD5 TimestampTrunc "
        "DateTrunc Rand Uuid Pad Array ArrayAgg ExplodingGenerateSeries GenerateSeries Explode Unnest "
        "TryCast CurrentTimestamp CurrentDate Localtimestamp Date DateAdd DateSub TsOrDsAdd Unicode "
        "Chr SplitPart Interval Round Trunc Cast StartsWith Ascii Translate Pi Degrees Radians Cbrt "
        "Factorial BitLength ArraySize StringToArray Initcap UnixToTime RegrSlope Mode BitwiseAndAgg "
        "BitwiseOrAgg MakeInterval JSONExtractScalar Sin Cos Tan make_date() gcd() isfinite() "
        "json_array_length() date_bin() DateBin"
    )
    | {
        "Div": (
            macro(_whole_division, _of_integers),
            Entry(status=Status.UNVERIFIED, fix=_division, when=_of_unknowns, why=_TYPES_UNKNOWN),
            macro(_division),
        ),
        "Mod": (macro(_modulo),),
        "Cast": (
            macro(_truncated_text, _is_sized_varchar),
            wrong("DuckDB neither cuts nor pads char(n)", f"cast to varchar(n), {IN_ENGINE}", _is_char),
            macro(_numeric, _is_unsized_numeric),
            macro(_rounded, _rounds_to_integer),
            unverified("the text of a floating point number may differ (1 and 1.0)", _is_double_to_text),
            *VERIFIED,
        ),
        "EQ": (macro(_each_equal, _of_rows), *VERIFIED),
        "NEQ": (macro(_any_different, _of_rows), *VERIFIED),
        "LT": (wrong(_ROWS, f"compare column by column, {IN_ENGINE}", _of_rows), *VERIFIED),
        "LTE": (wrong(_ROWS, f"compare column by column, {IN_ENGINE}", _of_rows), *VERIFIED),
        "GT": (wrong(_ROWS, f"compare column by column, {IN_ENGINE}", _of_rows), *VERIFIED),
        "GTE": (wrong(_ROWS, f"compare column by column, {IN_ENGINE}", _of_rows), *VERIFIED),
        "Like": (macro(_escaped, needs_escape), *VERIFIED),
        "ILike": (macro(_escaped, needs_escape), *VERIFIED),
        "SimilarTo": (
            wrong("DuckDB's SIMILAR TO is a plain regular expression", f"use ~ or LIKE, {IN_ENGINE}"),
        ),
        "Extract": (
            macro(_fraction("0.000001"), _part("SECOND", "SECONDS")),
            macro(_fraction("0.001"), _part("MILLISECONDS", "MILLISECOND")),
            unverified("intervals count their months differently", _of_interval),
            *VERIFIED,
        ),
        "TimeToStr": (
            Entry(status=Status.VERIFIED, when=_plain_timestamp_format),
            wrong("DuckDB knows other formats", f"use YYYY, MM, DD, HH24, MI, SS only, {IN_ENGINE}"),
        ),
        "ToChar": (wrong("DuckDB knows no to_char of numbers", f"format it by casts, {IN_ENGINE}"),),
        "StrToDate": (
            Entry(status=Status.VERIFIED, when=plain_format),
            wrong("DuckDB knows other formats", f"use YYYY, MM, DD only, {IN_ENGINE}"),
        ),
        "StrToTime": (
            macro(_with_zone, plain_format),
            wrong("DuckDB knows other formats", f"use YYYY, MM, DD, HH24, MI, SS only, {IN_ENGINE}"),
        ),
        "Round": (macro(round_half_even, is_float), *VERIFIED),
        "Substring": (
            Entry(status=Status.VERIFIED, when=_starts_late),
            wrong("DuckDB reads no pattern there", f"use regexp_replace, {IN_ENGINE}", _by_pattern),
            macro(_from_any_start),
        ),
        "age()": (wrong("DuckDB's age() counts months otherwise", f"subtract the timestamps, {IN_ENGINE}"),),
        "Format": (wrong("DuckDB's format() has other placeholders", f"use || or concat(), {IN_ENGINE}"),),
        "Decode": (wrong("DuckDB's decode() reads UTF-8", f"use from_base64() or unhex(), {IN_ENGINE}"),),
        "Encode": (wrong("DuckDB's encode() writes UTF-8", f"use base64() or hex(), {IN_ENGINE}"),),
        "every()": (macro(_every),),
        "Hex": (macro(_lower),),
        "TimestampTrunc": (macro(_cut_with_zone, _of_date), *VERIFIED),
        "DateTrunc": (macro(_cut_with_zone, _of_date), *VERIFIED),
        "regexp_matches()": (
            wrong("DuckDB's answers true or false", f"use ~ or regexp_replace, {IN_ENGINE}"),
        ),
        "JSONExtract": (unverified("JSON may be written with other blanks"),),
        "JSONBExtract": (unverified("JSON may be written with other blanks"),),
        "BitwiseLeftShift": (unverified("DuckDB refuses to shift negative numbers"),),
        "Any": (unverified("a NULL array answers otherwise"),),
        "RegexpLike": (unverified("regular expressions differ in details"),),
        "RegexpILike": (unverified("regular expressions differ in details"),),
    },
)
"""Compared with PostgreSQL 15 on live tables (tests/acceptance/test_postgres_dialect.py)."""
