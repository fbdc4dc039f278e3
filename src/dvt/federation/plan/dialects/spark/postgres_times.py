"""PostgreSQL's dates and times in Spark."""

from __future__ import annotations

import re

from sqlglot import exp

from dvt.federation.plan.data_types import data_type
from dvt.federation.plan.dialects.duckdb.expressions import function, is_a
from dvt.federation.plan.dialects.spark.expressions import typed
from dvt.federation.plan.dialects.spark.templates import filled

_DATE = exp.DataType.Type.DATE
_INSTANT = exp.DataType.Type.TIMESTAMPTZ
_LOCAL = (exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPNTZ)
_PARTS = {"ISODOW": "DOW_ISO", "ISOYEAR": "YEAROFWEEK"}
"""Part → Spark's name of it."""
_SECONDS = {"HOUR": 3600, "MINUTE": 60, "SECOND": 1}
"""Part of a time → its seconds."""
_FRACTIONS = {
    **dict.fromkeys(("SECOND", "SECONDS"), 1),
    **dict.fromkeys(("MILLISECOND", "MILLISECONDS"), 1_000),
    **dict.fromkeys(("MICROSECOND", "MICROSECONDS"), 1_000_000),
}
"""Part with digits behind the point of a second → how many of it a second has."""
_PLACES = {"%Y": (1, 4), "%m": (6, 2), "%d": (9, 2), "%H": (12, 2), "%M": (15, 2), "%S": (18, 2)}
"""Part of a format → where a moment's text has it, and how many characters."""
_DAYS = {"YEAR": "YEAR", "QUARTER": "QUARTER", "MONTH": "MONTH", "WEEK": "WEEK"}
"""Units of days → Spark's, to which a date can be cut."""


def days(node: exp.Expr) -> exp.Expr:
    """Subtract dates."""
    return function("datediff", node.this.copy(), node.expression.copy())


def moves_date(node: exp.Expr) -> bool:
    """True for a date that moves by an interval, which PostgreSQL gives a time."""
    sides = (node.this, node.expression)
    return any(is_a(side, _DATE) for side in sides) and any(_is_interval(side) for side in sides)


def _is_interval(node: exp.Expr) -> bool:
    return isinstance(node.unnest(), exp.Interval) or is_a(node, exp.DataType.Type.INTERVAL)


def moved_date(node: exp.Expr) -> exp.Expr:
    """Move a date as a timestamp."""
    new = node.copy()
    for name in ("this", "expression"):
        if is_a(node.args[name], _DATE):
            new.set(name, typed(node.args[name], "TIMESTAMP_NTZ"))
    return new


def extracted(node: exp.Expr) -> exp.Expr:
    """Extract a part as a numeric, as PostgreSQL does."""
    part, moment = node.name.upper(), node.expression
    if part == "EPOCH":
        return _epoch(moment)
    if part in _FRACTIONS:
        seconds = typed(_part("SECOND", moment), "DECIMAL(8,6)")
        return typed(exp.Mul(this=seconds, expression=exp.Literal.number(_FRACTIONS[part])), "DECIMAL(18,6)")
    value = extracted_part(part, moment)
    if part in ("YEAR", "ISOYEAR"):
        value = filled("year", x=value)
    return typed(value, "DECIMAL(18,0)")


def extracted_part(part: str, moment: exp.Expr) -> exp.Expr:
    """Extract a part of a moment: the days of a week are counted from 0, which is Sunday."""
    if part == "DOW":
        return exp.Sub(this=_part("DOW", moment), expression=exp.Literal.number(1))
    return _part(_PARTS.get(part, part), moment)


def _part(part: str, moment: exp.Expr) -> exp.Expr:
    return exp.Extract(this=exp.var(part), expression=exp.Paren(this=moment.copy()))


def _epoch(moment: exp.Expr) -> exp.Expr:
    if is_a(moment, _DATE):
        seconds = exp.Mul(
            this=typed(function("unix_date", moment.copy()), "BIGINT"), expression=exp.Literal.number(86400)
        )
        return typed(seconds, "DECIMAL(18,0)")
    if is_a(moment, *_LOCAL):  # in UTC, whatever the session's zone
        whole = exp.Literal.number(0)
        total: exp.Expr = typed(whole, "DECIMAL(20,6)")
        day = typed(function("unix_date", typed(moment, "DATE")), "BIGINT")
        counts = [(day, 86400), *((_part(part, moment), size) for part, size in _SECONDS.items())]
        for count, size in counts:
            product = exp.Mul(this=count, expression=exp.Literal.number(size))
            total = exp.Add(this=total, expression=exp.Paren(this=product))
        return exp.Paren(this=total)
    micros = typed(function("unix_micros", typed(moment, "TIMESTAMP_LTZ")), "DECIMAL(20,0)")
    return exp.Paren(this=exp.Mul(this=micros, expression=exp.Literal.number("0.000001")))


def truncated(node: exp.Expr) -> exp.Expr:
    """Cut a moment to a unit; one without a zone is never moved through the session's."""
    unit, moment = node.text("unit").upper(), node.this
    if is_a(moment, _DATE) and unit in _DAYS:
        return typed(function("trunc", moment.copy(), exp.Literal.string(unit)), "TIMESTAMP_LTZ")
    if is_a(moment, _DATE):
        return typed(moment, "TIMESTAMP_LTZ")
    if not is_a(moment, *_LOCAL):
        return function("date_trunc", exp.Literal.string(unit), moment.copy())
    day = typed(moment, "DATE")
    if unit in _DAYS:
        day = typed(function("trunc", day, exp.Literal.string(unit)), "DATE")
    start = typed(day, "TIMESTAMP_NTZ")
    parts = {"HOUR": 1, "MINUTE": 2, "SECOND": 3}.get(unit, 0)
    if not parts:
        return start
    zero = exp.Literal.number(0)
    second = function("floor", _part("SECOND", moment))
    values = [_part("HOUR", moment), _part("MINUTE", moment), second]
    times = [*values[:parts], *([zero.copy()] * (3 - parts))]
    interval = function("make_dt_interval", zero, *times)
    return exp.Paren(this=exp.Add(this=start, expression=interval))


def cuts_plainly(node: exp.Expr) -> bool:
    """True for a unit that both databases cut to."""
    return node.text("unit").upper() in {*_DAYS, "DAY", "HOUR", "MINUTE", "SECOND"}


def formatted(node: exp.Expr) -> exp.Expr:
    """Format a moment by parts of its text: Spark's own function would move it through the session's zone."""
    moment, format_ = node.this, node.args["format"].name
    text = typed(moment, "STRING")
    if is_a(moment, _DATE):
        text = typed(exp.DPipe(this=text, expression=exp.Literal.string(" 00:00:00")), "STRING")
    parts = [
        function("substring", text.copy(), *map(exp.Literal.number, _PLACES[part]))
        if part in _PLACES
        else exp.Literal.string(part)
        for part in re.findall("%.|[^%]+", format_)
    ]
    is_odd = exp.Not(this=_has_four_digits(_part("YEAR", moment)))
    refusal = function("raise_error", exp.Literal.string("only years of four digits are formatted"))
    return exp.Case(ifs=[exp.If(this=is_odd, true=refusal)], default=function("concat", *parts))


def has_known_zone(node: exp.Expr) -> bool:
    """True for a moment that is shown in a zone, and for one without a zone that was read in UTC.

    In other zones an hour comes twice when clocks go back, and Spark takes the first, PostgreSQL the second.
    """
    zone = node.args.get("zone")
    if not isinstance(zone, exp.Literal):
        return False
    return is_a(node.this, _INSTANT) or (is_a(node.this, *_LOCAL) and zone.name == "UTC")


def in_zone(node: exp.Expr) -> exp.Expr:
    """Show a moment in a zone, or read it in UTC, without the session's zone."""
    epoch = exp.Cast(this=exp.Literal.string("1970-01-01 00:00:00"), to=data_type("TIMESTAMP_NTZ", "spark"))
    if is_a(node.this, *_LOCAL):
        micros = exp.Mul(this=_epoch(node.this), expression=exp.Literal.number(1_000_000))
        return function("timestamp_micros", typed(micros, "BIGINT"))
    seconds = exp.Mul(
        this=typed(function("unix_micros", node.this.copy()), "DECIMAL(20,0)"),
        expression=exp.Literal.number("0.000001"),
    )
    zero = exp.Literal.number(0)
    interval = function("make_dt_interval", zero, zero.copy(), zero.copy(), typed(seconds, "DECIMAL(18,6)"))
    local = exp.Paren(this=exp.Add(this=epoch, expression=interval))
    return function("convert_timezone", exp.Literal.string("UTC"), node.args["zone"].copy(), local)


def of_parts(node: exp.Expr) -> exp.Expr:
    """Make a date of its parts, of a year of four digits: Spark has a year 0."""
    is_odd = exp.Not(this=_has_four_digits(exp.Paren(this=node.expressions[0].copy())))
    refusal = function("raise_error", exp.Literal.string("only dates of years of four digits are made"))
    return exp.Case(ifs=[exp.If(this=is_odd, true=refusal)], default=node.copy())


def _has_four_digits(year: exp.Expr) -> exp.Expr:
    return exp.Between(this=year, low=exp.Literal.number(1), high=exp.Literal.number(9999))
