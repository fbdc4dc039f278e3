"""Conditions and replacements that the tables of several dialects share."""

from __future__ import annotations

import re

from sqlglot import exp

from dvt.federation.plan.data_types import data_type

DIALECT = "duckdb"
"""SQLGlot's name of the engine's SQL."""
IN_ENGINE = "or write the model in the engine's SQL: config(dialect='compute')"
"""Last part of a hint: the way out for every expression that cannot be translated."""
_PLAIN_FORMAT = re.compile(r"^(%[YmdHMS]|[-/:., _])*$")
"""Matches a format of years, months, days, hours, minutes and seconds."""


def is_a(node: exp.Expr | None, *types: object) -> bool:
    """True if the node's type is known to be one of these."""
    return node is not None and node.type is not None and node.type.this in types


def is_unknown(node: exp.Expr | None) -> bool:
    """True if the node's type is not known."""
    return node is None or node.type is None or node.type.this is exp.DataType.Type.UNKNOWN


def function(name: str, *arguments: exp.Expr) -> exp.Expr:
    """Call one of the engine's functions by its own name."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def typed(node: exp.Expr, to: str) -> exp.Cast:
    """Cast to one of the engine's types."""
    return exp.Cast(this=node, to=data_type(to, DIALECT))


def needs_escape(node: exp.Expr) -> bool:
    """True for a LIKE without ESCAPE whose pattern may hold a backslash."""
    pattern = node.expression.unnest()
    plain = isinstance(pattern, exp.Literal) and "\\" not in pattern.name
    return not plain and not isinstance(node.parent, exp.Escape)


def plain_format(node: exp.Expr) -> bool:
    """True for a format of years, months, days, hours, minutes and seconds alone."""
    format_ = node.args.get("format")
    return isinstance(format_, exp.Literal) and bool(_PLAIN_FORMAT.match(format_.name))


def round_half_even(node: exp.Expr) -> exp.Expr:
    """Round halves to the even neighbour."""
    return function("round_even", node.this.copy(), exp.Literal.number(0))


def is_float(node: exp.Expr) -> bool:
    """True where a floating point number is rounded to a whole one."""
    return node.args.get("decimals") is None and is_a(node.this, *exp.DataType.FLOAT_TYPES)
