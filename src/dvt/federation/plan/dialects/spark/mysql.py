"""MySQL's and MariaDB's expressions in Spark: those of DuckDB's table, then in Spark's functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from sqlglot import exp

from dvt.federation.plan.data_types import data_type
from dvt.federation.plan.dialects.duckdb import mysql
from dvt.federation.plan.dialects.duckdb.exact_numbers import INTEGERS, constant
from dvt.federation.plan.dialects.duckdb.expressions import function, is_a
from dvt.federation.plan.dialects.spark.expressions import (
    ANOTHER_NAME,
    NO_NULL,
    NO_TOTAL,
    as_bigint,
    is_float,
    is_value_of_membership,
    orders_by_hidden_name,
    ranks,
    typed,
)
from dvt.federation.plan.dialects.spark.postgres_numbers import whole_double
from dvt.federation.plan.dialects.spark.templates import filled
from dvt.federation.plan.dialects.translation import Entry, macro, wrong

_WAY_OUT = "compute the model in DuckDB or on its target, or write it in Spark's SQL (`dialect: spark`)"
_WHOLE = "DECIMAL(38,0)"
_TIMES = (exp.DataType.Type.TIMESTAMP, exp.DataType.Type.DATETIME)
_SPANS = {"seconds": 3, "minutes": 2, "hours": 1, "days": 0, "weeks": 0}
"""Unit of an interval → its place among the arguments of Spark's function for days and times."""
_MONTHS = {"months": 1, "quarters": 3, "years": 12}


def _span(unit: str, node: exp.Anonymous) -> exp.Expr:
    """Return an interval of so many units."""
    number = exp.Paren(this=node.expressions[0].copy())
    zero = exp.Literal.number(0)
    if unit in _MONTHS:
        months = exp.Mul(this=number, expression=exp.Literal.number(_MONTHS[unit]))
        return function("make_ym_interval", zero, months)
    count: exp.Expr = exp.Mul(this=number, expression=exp.Literal.number(7)) if unit == "weeks" else number
    parts: list[exp.Expr] = [zero.copy() for _ in range(4)]
    parts[_SPANS[unit]] = count
    return function("make_dt_interval", *parts)


def _to_template(template: str, *names: str) -> Callable[[exp.Anonymous], exp.Expr]:
    def fill(node: exp.Anonymous) -> exp.Expr:
        return filled(template, **dict(zip(names, node.expressions, strict=True)))

    return fill


def _renamed(name: str) -> Callable[[exp.Anonymous], exp.Expr]:
    return lambda node: function(name, *(argument.copy() for argument in node.expressions))


def _truncated(node: exp.Anonymous) -> exp.Expr:
    places = constant(node.expressions[1]) or 0
    return filled("my_cut", str(places), x=node.expressions[0])


def _in_seconds(node: exp.Anonymous) -> exp.Expr:
    moment = node.expressions[1]
    micros = exp.Extract(this=exp.var("SECOND"), expression=exp.Paren(this=moment.copy()))
    whole = exp.Paren(this=exp.Sub(this=micros, expression=function("floor", micros.copy())))
    zero = exp.Literal.number(0)
    span = function("make_dt_interval", zero, zero.copy(), zero.copy(), whole)
    return exp.Paren(this=exp.Sub(this=exp.Paren(this=moment.copy()), expression=span))


def _day_of_week(node: exp.Anonymous) -> exp.Expr:
    """Count from 0, which is Sunday, as DuckDB does."""
    day = function("dayofweek", node.expressions[0].copy())
    return exp.Paren(this=exp.Sub(this=day, expression=exp.Literal.number(1)))


def _iso_day(node: exp.Anonymous) -> exp.Expr:
    return exp.Extract(this=exp.var("DOW_ISO"), expression=exp.Paren(this=node.expressions[0].copy()))


def _microseconds(node: exp.Anonymous) -> exp.Expr:
    seconds = exp.Extract(this=exp.var("SECOND"), expression=exp.Paren(this=node.expressions[0].copy()))
    return typed(exp.Mul(this=seconds, expression=exp.Literal.number(1_000_000)), "INT")


def _of_known(node: exp.Expr) -> exp.Expr:
    """Give NULL where an argument is NULL, which Spark leaves out."""
    values = [value for value in (node.this, *node.expressions) if isinstance(value, exp.Expr)]
    missing = exp.or_(*(exp.Is(this=exp.Paren(this=value.copy()), expression=exp.null()) for value in values))
    return exp.Case(ifs=[exp.If(this=missing, true=exp.null())], default=node.copy())


_CALLS: Mapping[str, Callable[[exp.Anonymous], exp.Expr]] = {
    "dvt_my_divide": _to_template("kept_quotient", "n", "d", "power", "unit"),
    "dvt_my_in_range": _to_template("in_range", "x"),
    "dvt_my_sqrt": _to_template("root_or_null", "x"),
    "dvt_my_substring": _to_template("my_part", "s", "start", "size"),
    "dvt_my_left": _to_template("my_left", "s", "size"),
    "dvt_my_right": _to_template("my_right", "s", "size"),
    "dvt_my_parts": _to_template("my_parts", "s", "delimiter", "size"),
    "dvt_my_moment": _to_template("my_moment", "x"),
    "dvt_pg_upper": _to_template("upper", "s"),
    "dayofweek": _day_of_week,
    "isodow": _iso_day,
    "microsecond": _microseconds,
    "error": _renamed("raise_error"),
    "strlen": _renamed("octet_length"),
    "trunc": _truncated,
    "round_even": lambda node: function("rint", node.expressions[0].copy()),
    "date_trunc": _in_seconds,
    **{f"to_{unit}": lambda node, unit=unit: _span(unit, node) for unit in (*_SPANS, *_MONTHS)},  # type: ignore[misc]
}
"""DuckDB's function → what Spark has instead."""


def _finish(holder: exp.Expr) -> None:
    """Write Spark's functions and types in the place of DuckDB's."""
    for node in reversed(list(holder.walk(bfs=False))):
        if node is holder:
            continue
        if isinstance(node, exp.Anonymous) and node.name in _CALLS:
            _put(node, _CALLS[node.name](node))
        elif isinstance(node, exp.DataType) and node.this in _TIMES:
            node.replace(data_type("TIMESTAMP_NTZ", "spark"))
        elif isinstance(node, exp.DataType) and node.this is exp.DataType.Type.INT128:
            node.replace(data_type(_WHOLE, "spark"))
        elif isinstance(node, exp.Sum) and is_a(_summed(node), *INTEGERS):
            argument = _summed(node)
            argument.replace(typed(argument, _WHOLE))
        elif isinstance(node, exp.Lower):
            _put(node, filled("lower", s=node.this))


def _put(node: exp.Expr, new: exp.Expr) -> None:
    new.type = node.type
    node.replace(new)


def _summed(node: exp.Sum) -> exp.Expr:
    argument: exp.Expr = node.this
    while isinstance(argument, exp.Distinct):
        argument = argument.expressions[0]
    return argument


_TEXT = exp.DataType.TEXT_TYPES
_READ = (
    *exp.DataType.NUMERIC_TYPES,
    *exp.DataType.TEMPORAL_TYPES,
)
"""Types as which MySQL reads a text by its beginning, where Spark asks for all of it."""


def _is_text(node: exp.Expr | None) -> bool:
    """True for a text that is not written out."""
    return is_a(node, *_TEXT) and not isinstance(node.unnest() if node else None, exp.Literal | exp.Null)


def _reads_text(node: exp.Expr) -> bool:
    return _is_text(node.this) and node.args["to"].this in _READ


def _compares_text(node: exp.Expr) -> bool:
    """True for a comparison of a text with a number or a moment."""
    sides = (node.this, node.expression)
    return any(_is_text(side) for side in sides) and any(is_a(side, *_READ) for side in sides)


def _judges_text(node: exp.Expr) -> bool:
    """True where a text is a condition."""
    judged = [node.this, node.args.get("expression"), node.args.get("on")]
    return any(_is_text(value) for value in judged if isinstance(value, exp.Expr))


def _has_no_pattern(node: exp.Expr) -> bool:
    return not isinstance(node.expression.unnest(), exp.Literal)


def _of_text(node: exp.Expr) -> bool:
    return _is_text(node.this)


def _first(name: str, why: str, when: Callable[[exp.Expr], bool]) -> tuple[Entry, ...]:
    return (wrong(why, _WAY_OUT, when), *mysql.TRANSLATION.entries.get(name, ()))


_OTHERWISE = "MySQL reads a number or a time from the beginning of a text, Spark from all of it"
_TEXTS_READ = {
    "Cast": _first("Cast", _OTHERWISE, _reads_text),
    **{
        name: _first(name, _OTHERWISE, _compares_text)
        for name in ("EQ", "NEQ", "LT", "LTE", "GT", "GTE", "NullSafeEQ", "NullSafeNEQ")
    },
    **{
        name: _first(name, _OTHERWISE, _judges_text)
        for name in ("And", "Or", "Xor", "Not", "Where", "Having", "Join", "If")
    },
    **{
        name: _first(name, _OTHERWISE, _of_text)
        for name in ("StrToDate", "TsOrDsToDate", "TsOrDsToTimestamp")
    },
    "RegexpLike": _first("RegexpLike", "Spark's library reads patterns otherwise", _has_no_pattern),
}
"""What reads texts."""
_ODD = {
    "Ordered": (
        wrong(ANOTHER_NAME, _WAY_OUT, orders_by_hidden_name),
        *mysql.TRANSLATION.entries.get("Ordered", ()),
    ),
    "In": _first("In", NO_NULL, is_value_of_membership),
    **dict.fromkeys(("Cube", "Rollup", "GroupingSets"), (wrong(NO_TOTAL, _WAY_OUT),)),
    **dict.fromkeys(("TimestampDiff",), (wrong("Spark counts such units otherwise", _WAY_OUT),)),
    **dict.fromkeys(
        ("WithinGroup", "PercentileCont", "PercentileDisc", "Mode", "Unnest", "Bracket", "ArrayAgg"),
        (wrong("Spark answers otherwise", _WAY_OUT),),
    ),
}
_WINDOW = (*mysql.TRANSLATION.entries["Window"], macro(as_bigint, ranks))
_EXTREME = (macro(_of_known),)
_WHOLE_DOUBLES = (macro(whole_double, is_float),)
TRANSLATION = replace(
    mysql.TRANSLATION,
    entries={
        **mysql.TRANSLATION.entries,
        **_TEXTS_READ,
        **_ODD,
        "Window": _WINDOW,
        "Greatest": _EXTREME,
        "Least": _EXTREME,
        "Ceil": (*_WHOLE_DOUBLES, *mysql.TRANSLATION.entries["Ceil"]),
        "Floor": (*_WHOLE_DOUBLES, *mysql.TRANSLATION.entries["Floor"]),
    },
    finish=_finish,
)
"""How expressions are written so that they answer alike; the table of proofs tells which then do."""
