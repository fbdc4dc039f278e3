"""PostgreSQL's dates and times in DuckDB."""

from __future__ import annotations

from sqlglot import exp

from dvt.federation.plan.dialects.duckdb.expressions import function, is_a, typed

_DATE = exp.DataType.Type.DATE
_INSTANT = exp.DataType.Type.TIMESTAMPTZ
_ENDLESS = ("YEAR", "DECADE", "CENTURY", "MILLENNIUM", "ISOYEAR", "EPOCH", "JULIAN")
"""Parts of which PostgreSQL says that they are infinite for an infinite date."""
_FRACTIONS = {
    "SECOND": "0.000001",
    "SECONDS": "0.000001",
    "MILLISECOND": "0.001",
    "MILLISECONDS": "0.001",
}
"""Part → microseconds' share in it."""


def extracted(node: exp.Expr) -> exp.Expr:
    """Extract a part as a numeric, as PostgreSQL does."""
    part, moment = node.name.upper(), node.expression
    if part in _FRACTIONS:
        micros = typed(exp.Extract(this=exp.var("microseconds"), expression=moment.copy()), "DECIMAL(18,0)")
        return exp.Paren(this=exp.Mul(this=micros, expression=exp.Literal.number(_FRACTIONS[part])))
    if part == "EPOCH" and not is_a(moment, _DATE):
        micros = typed(function("epoch_us", moment.copy()), "DECIMAL(20,0)")
        value: exp.Expr = exp.Paren(this=exp.Mul(this=micros, expression=exp.Literal.number("0.000001")))
    else:
        value = typed(node.copy(), "DECIMAL(18,0)")
    if part in ("YEAR", "ISOYEAR") and not is_a(moment, exp.DataType.Type.INTERVAL):
        return function("dvt_pg_year", value, moment.copy())
    if part in _ENDLESS and not is_a(moment, exp.DataType.Type.INTERVAL, exp.DataType.Type.TIME):
        return function("dvt_pg_finite", value, moment.copy())
    return value


def of_dates(node: exp.Expr) -> bool:
    """True for a difference of two dates."""
    return is_a(node.this, _DATE) and is_a(node.expression, _DATE)


def formatted(node: exp.Expr) -> exp.Expr:
    """Format a date or time."""
    return function("dvt_pg_formatted", node.copy(), node.this.copy())


def days(node: exp.Expr) -> exp.Expr:
    """Subtract dates."""
    return function("dvt_pg_days", node.this.copy(), node.expression.copy())


def of_instants(node: exp.Expr) -> bool:
    """True for a difference of two moments with a time zone."""
    return is_a(node.this, _INSTANT) and is_a(node.expression, _INSTANT)


def apart(node: exp.Expr) -> exp.Expr:
    """Subtract moments: PostgreSQL counts their seconds, DuckDB the days in the session's time zone."""
    this, other = (
        exp.Paren(this=exp.AtTimeZone(this=moment.copy(), zone=exp.Literal.string("UTC")))
        for moment in (node.this, node.expression)
    )
    return exp.Sub(this=this, expression=other)


def of_mixed_interval(node: exp.Expr) -> bool:
    """True for a moment with a time zone that moves by an interval which may have several parts."""
    sides = (node.this, node.expression)
    interval = next((side for side in sides if is_a(side, exp.DataType.Type.INTERVAL)), None)
    is_single = isinstance(interval, exp.Interval) and interval.args.get("unit") is not None
    return interval is not None and not is_single and any(is_a(side, _INSTANT) for side in sides)


def moved(node: exp.Expr) -> exp.Expr:
    """Move a moment by months, then by days, then by the rest, as PostgreSQL does."""
    moment, interval = node.this, node.expression
    if is_a(moment, exp.DataType.Type.INTERVAL):
        moment, interval = interval, moment
    way = interval.copy() if isinstance(node, exp.Add) else exp.Neg(this=exp.Paren(this=interval.copy()))
    return function("dvt_pg_moved", moment.copy(), way)


def of_hours(node: exp.Expr) -> bool:
    """True for a moment with a time zone that is truncated to its hour."""
    return is_a(node.this, _INSTANT) and node.text("unit").upper() == "HOUR"


def hour(node: exp.Expr) -> exp.Expr:
    """Truncate to the hour."""
    return function("dvt_pg_hour", node.this.copy())
