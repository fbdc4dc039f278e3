"""MySQL's dates and times in DuckDB."""

from __future__ import annotations

from sqlglot import exp

from dvt.federation.plan.dialects.duckdb.expressions import function, is_a, typed

_DATE = exp.DataType.Type.DATE
_TIMESTAMP = exp.DataType.Type.TIMESTAMP
_DAYS = ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")


def moves(node: exp.Expr) -> bool:
    """True for a date or time plus or minus an interval."""
    return isinstance(node.expression, exp.Interval) or isinstance(node.this, exp.Interval)


def moved(node: exp.Expr) -> exp.Expr:
    """Move a date or time by an interval; the server has no year after 9999."""
    moment, interval = node.this, node.expression
    if isinstance(moment, exp.Interval):
        moment, interval = interval, moment
    amount = interval.this if isinstance(interval, exp.Interval) else interval
    unit = (interval if isinstance(interval, exp.Interval) else node).text("unit").upper()
    whole = isinstance(amount, exp.Literal) or is_a(amount, *exp.DataType.INTEGER_TYPES)
    number = typed(exp.Paren(this=amount.copy()), "INTEGER") if whole else exp.Paren(this=amount.copy())
    span = function(f"to_{unit.lower()}s", number)
    operator = exp.Sub if isinstance(node, exp.Sub | exp.DateSub) else exp.Add
    value: exp.Expr = operator(this=typed(exp.Paren(this=moment.copy()), "TIMESTAMP"), expression=span)
    checked = function("dvt_my_moment", exp.Paren(this=value))
    return typed(checked, "DATE") if is_a(moment, _DATE) and unit in _DAYS else checked


def day_of_week(node: exp.Expr) -> exp.Expr:
    """Count from 1, which is Sunday."""
    return typed(
        exp.Paren(
            this=exp.Add(this=function("dayofweek", node.this.copy()), expression=exp.Literal.number(1))
        ),
        "INTEGER",
    )


def weekday(node: exp.Expr) -> exp.Expr:
    """Count from 0, which is Monday."""
    day = function("isodow", node.expressions[0].copy())
    return typed(exp.Paren(this=exp.Sub(this=day, expression=exp.Literal.number(1))), "INTEGER")


def microsecond(node: exp.Expr) -> exp.Expr:
    """Give the fraction of the second."""
    micros = function("microsecond", node.expressions[0].copy())
    return typed(exp.Paren(this=exp.Mod(this=micros, expression=exp.Literal.number(1_000_000))), "INTEGER")


def is_timestamp(node: exp.Expr) -> bool:
    """True for `timestamp '…'`, which has no time zone."""
    return node.args["to"].this is exp.DataType.Type.TIMESTAMPTZ


def as_timestamp(node: exp.Expr) -> exp.Expr:
    """Cast to a timestamp without a time zone."""
    return typed(node.this.copy(), "TIMESTAMP")


def is_datetime(node: exp.Expr) -> bool:
    """True for a cast to DATETIME without digits of a second."""
    to = node.args["to"]
    return to.this in (exp.DataType.Type.DATETIME, exp.DataType.Type.TIMESTAMP) and not to.expressions


def in_seconds(node: exp.Expr) -> exp.Expr:
    """Cast to a timestamp of whole seconds."""
    return function("date_trunc", exp.Literal.string("second"), typed(node.this.copy(), "TIMESTAMP"))


def between(node: exp.Expr) -> exp.Expr:
    """Count the whole units between two moments."""
    sides = [typed(exp.Paren(this=side.copy()), "TIMESTAMP") for side in (node.expression, node.this)]
    return function("date_sub", exp.Literal.string(node.text("unit").lower()), *sides)
