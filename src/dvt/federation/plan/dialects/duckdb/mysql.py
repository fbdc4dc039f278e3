"""MySQL's and MariaDB's expressions in DuckDB."""

from __future__ import annotations

from sqlglot import exp

from dvt.federation.plan.dialects.duckdb.expressions import (
    IN_ENGINE,
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
    Entry,
    Status,
    Translation,
    macro,
    unverified,
    verified,
    wrong,
)
from dvt.federation.plan.state import SETTLED

_TEXT = exp.DataType.TEXT_TYPES
_DAYS = ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
_LETTERS = "DuckDB distinguishes upper and lower case"
_BYTEWISE = "text is compared byte by byte here, by its collation in the database"


def _is_output(node: exp.Expr) -> bool:
    holder = node.parent if not isinstance(node.parent, exp.Alias) else node.parent.parent
    return isinstance(holder, exp.Select) and node.arg_key in ("expressions", "this")


def _as_integer(node: exp.Expr) -> exp.Expr:
    return typed(exp.Paren(this=node.copy()), "INTEGER")


def _as_value(node: exp.Expr) -> exp.Expr:
    """Cast a boolean in the output to an integer: MySQL has only 1 and 0."""
    return _as_integer(node) if _is_output(node) else node.copy()


def _alike(node: exp.Expr) -> exp.Expr:
    """Give LIKE the backslash as its escape character, as MySQL does."""
    new: exp.Expr = node.copy()
    if needs_escape(node):
        new = exp.Escape(this=new, expression=exp.Literal.string("\\"))
    return _as_integer(new) if _is_output(node) else new


def _compares_text(node: exp.Expr) -> bool:
    sides = [node.this, node.args.get("expression"), *(node.args.get("expressions") or [])]
    typed_sides = [side for side in sides if isinstance(side, exp.Expr) and not is_unknown(side)]
    return bool(typed_sides) and all(is_a(side, *_TEXT) for side in typed_sides)


def _of_date(node: exp.Expr) -> bool:
    days = node.expression if isinstance(node.expression, exp.Interval) else node
    return is_a(node.this, exp.DataType.Type.DATE) and days.text("unit").upper() in _DAYS


def _from_zero(node: exp.Expr) -> bool:
    return node.text("start") == "0"


def _from_a_number(node: exp.Expr) -> bool:
    start = node.args.get("start")
    return isinstance(start.this if isinstance(start, exp.Neg) else start, exp.Literal)


def _from_year_zero(node: exp.Expr) -> bool:
    return any(literal.name.startswith("0000") for literal in node.find_all(exp.Literal))


def _without_zone(node: exp.Expr) -> exp.Expr:
    return typed(node.copy(), "TIMESTAMP")


def _of_numbers(node: exp.Expr) -> bool:
    return not is_a(node.this, *exp.DataType.FLOAT_TYPES)


def _as_date(node: exp.Expr) -> exp.Expr:
    return typed(node.copy(), "DATE")


def _is_char(node: exp.Expr) -> bool:
    to = node.args["to"]
    return to.this in (exp.DataType.Type.CHAR, exp.DataType.Type.NCHAR) and bool(to.expressions)


def _in_bytes(node: exp.Expr) -> bool:
    return bool(node.args.get("binary"))


def _is_settled(node: exp.Expr) -> bool:
    """True where the planner has rewritten the comparison, or has named the columns already."""
    return SETTLED in node.meta


_TRUTH = (
    macro(_as_value, _is_settled),
    Entry(status=Status.UNVERIFIED, why=_BYTEWISE, when=_compares_text, fix=_as_value),
    macro(_as_integer, _is_output),
)
_LOGIC = (macro(_as_integer, _is_output),)

TRANSLATION = Translation(
    entries=verified(
        "Count Sum Max Min RowNumber Rank DenseRank Lag Lead FirstValue LastValue Ntile Coalesce Nullif "
        "Greatest Least Case If Abs Ceil Floor Sign Sqrt Power Pow Exp Ln Log Upper Lower Trim Replace "
        "Reverse Left Right Concat ConcatWs Pad Repeat MD5 Hex Ascii Date Year Month Day DayOfMonth "
        "DayOfYear Quarter Hour Minute Second Extract LastDay StrToDate Round Trunc Cast TryCast Exists "
        "Interval CurrentDate TsOrDsToDate TsOrDsToTimestamp GroupConcat Rand"
    )
    | {
        **dict.fromkeys(("EQ", "NEQ", "LT", "LTE", "GT", "GTE", "In", "Between"), _TRUTH),
        **dict.fromkeys(("Is", "Not", "And", "Or", "Xor"), _LOGIC),
        **dict.fromkeys(("DateAdd", "DateSub", "Add", "Sub"), (macro(_as_date, _of_date), *VERIFIED)),
        "Like": (
            macro(_alike, _is_settled),
            Entry(status=Status.UNVERIFIED, why=_BYTEWISE, fix=_alike),
        ),
        "Div": (unverified("MySQL keeps four more decimals, DuckDB all of a DOUBLE's"),),
        "Avg": (
            unverified("MySQL keeps four more decimals, DuckDB all of a DOUBLE's", _of_numbers),
            *VERIFIED,
        ),
        "BitwiseNot": (unverified("MySQL's bits are unsigned"),),
        "BitwiseLeftShift": (unverified("MySQL's bits are unsigned"),),
        "Round": (macro(round_half_even, is_float), *VERIFIED),
        "Substring": (
            wrong("DuckDB counts 0 as 1", f"start at 1, {IN_ENGINE}", _from_zero),
            Entry(status=Status.VERIFIED, when=_from_a_number),
            unverified("a start of 0 gives another text"),
        ),
        "TimeToStr": (
            Entry(status=Status.VERIFIED, when=plain_format),
            unverified("formats differ in details"),
        ),
        "DateDiff": (
            wrong("DuckDB counts one day less", f"use DATEDIFF, {IN_ENGINE}", _from_year_zero),
            *VERIFIED,
        ),
        "Cast": (wrong("DuckDB does not cut CHAR(n)", f"use LEFT(), {IN_ENGINE}", _is_char), *VERIFIED),
        "RegexpLike": (wrong(_LETTERS, f"use LOWER(), {IN_ENGINE}"),),
        "StrPosition": (wrong(_LETTERS, f"use LOWER(), {IN_ENGINE}"),),
        "DayOfWeek": (wrong("DuckDB's Sunday is 0, MySQL's 1", f"compute the day otherwise, {IN_ENGINE}"),),
        "weekday()": (wrong("DuckDB's Sunday is 0, MySQL's 6", f"compute the day otherwise, {IN_ENGINE}"),),
        "Week": (wrong("DuckDB's weeks are ISO weeks", f"compute the week otherwise, {IN_ENGINE}"),),
        "TimestampDiff": (
            wrong("DuckDB counts boundaries crossed, MySQL whole units", f"subtract instead, {IN_ENGINE}"),
        ),
        "NumberToStr": (wrong("DuckDB rounds otherwise", f"use ROUND, {IN_ENGINE}"),),
        "UnixToTime": (macro(_without_zone),),
        "UnixToStr": (wrong("the format is lost", f"use DATE_FORMAT, {IN_ENGINE}"),),
        "Length": (wrong("MySQL counts bytes", f"use CHAR_LENGTH, {IN_ENGINE}", _in_bytes), *VERIFIED),
    },
)
"""Compared with MariaDB 10.11 on a live table (tests/acceptance/test_mysql_dialect.py)."""
