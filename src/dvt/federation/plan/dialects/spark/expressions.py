"""Conditions and replacements that Spark's tables of several dialects share."""

from __future__ import annotations

from sqlglot import exp

from dvt.federation.plan.data_types import data_type
from dvt.federation.plan.dialects.duckdb.exact_numbers import (
    DECIMAL,
    FLOATS,
    INTEGERS,
    aggregated,
    digits,
    innermost,
    is_outermost,
)
from dvt.federation.plan.dialects.duckdb.expressions import function, is_a

NO_TOTAL = "without any row Spark gives no total either"
"""Why no rows are grouped in several ways."""
ANOTHER_NAME = "in an expression of ORDER BY Spark may take an output for a column of the same name"
"""Why no rows are ordered by an expression over a name that an output hides."""
_WIDTHS = ("SMALLINT", "INT", "BIGINT")
"""Spark's integers, the narrowest first."""
_RANKS = (exp.RowNumber, exp.Rank, exp.DenseRank)
"""Functions of windows that count rows."""


def orders_by_hidden_name(node: exp.Expr) -> bool:
    """True for an expression in ORDER BY over a name that another expression of the SELECT has, too."""
    select = node.find_ancestor(exp.Select, exp.SetOperation, exp.Window, exp.WithinGroup)
    if not isinstance(select, exp.Select) or isinstance(node.this, exp.Column):
        return False
    hidden = {
        output.alias.lower()
        for output in select.selects
        if isinstance(output, exp.Alias) and output.this.name.lower() != output.alias.lower()
    }
    return any(not column.table and column.name.lower() in hidden for column in node.find_all(exp.Column))


def typed(node: exp.Expr, to: str) -> exp.Cast:
    """Cast to one of Spark's types."""
    return exp.Cast(this=exp.Paren(this=node.copy()), to=data_type(to, "spark"))


def of_integers(node: exp.Expr) -> bool:
    """True for an operator over two integers."""
    return is_a(node.this, *INTEGERS) and is_a(node.expression, *INTEGERS)


def whole_division(node: exp.Expr, like: exp.Expr | None = None) -> exp.Expr:
    """Divide integers, of the types that those of `like` have: Spark's DIV is a BIGINT."""
    types = [side.type for side in ((like or node).this, (like or node).expression)]
    width = max(_WIDTHS.index(type_.this.value) for type_ in types if type_ is not None)
    left, right = (exp.Paren(this=side.copy()) for side in (node.this, node.expression))
    return typed(exp.IntDiv(this=left, expression=right), _WIDTHS[width])


def ranks(node: exp.Expr) -> bool:
    """True for a window of a function that counts rows."""
    return isinstance(innermost(node), _RANKS) and is_outermost(node)


def as_bigint(node: exp.Expr) -> exp.Expr:
    """Cast to an integer of 64 bits."""
    return typed(node, "BIGINT")


def sums_bigints(node: exp.Expr) -> bool:
    """True for a SUM of BIGINTs."""
    return is_a(aggregated(node), exp.DataType.Type.BIGINT)


def sum_of_bigints(node: exp.Expr) -> exp.Expr:
    """Sum with the digits of a decimal: Spark's sum of BIGINTs is one itself."""
    new = node.copy()
    argument = aggregated(new)
    assert argument is not None  # noqa: S101  `sums_bigints` has seen it
    argument.replace(typed(argument, "DECIMAL(38,0)"))
    return new


def sum_and_count(node: exp.Expr) -> tuple[exp.Expr, exp.Expr, int]:
    """Return the sum of an AVG's exact numbers, with room, their count, and the digits behind the point."""
    argument = aggregated(node)
    assert argument is not None  # noqa: S101  `averages_exact` has seen it
    scale = digits(argument)[1] if is_a(argument, *DECIMAL) else 0
    total, number = _instead(node, exp.Sum), _instead(node, exp.Count)
    summed = aggregated(total)
    assert summed is not None  # noqa: S101
    summed.replace(typed(summed, f"DECIMAL(38,{scale})"))
    return total, number, scale


def _instead(node: exp.Expr, aggregate: type[exp.Expr]) -> exp.Expr:
    new = node.copy()
    inner = innermost(new)
    other = aggregate(this=inner.this.copy())
    if inner is new:
        return other
    inner.replace(other)
    return new


def is_float(node: exp.Expr) -> bool:
    """True for a function of a floating point number without digits to keep."""
    return node.args.get("decimals") is None and is_a(node.this, *FLOATS)


def as_function(name: str, node: exp.Expr) -> exp.Expr:
    """Call a function of Spark's with a node's argument."""
    return function(name, node.this.copy())


def is_moment_without_zone(node: exp.Expr) -> bool:
    """True for the type of a date with a time, which Spark has by another name."""
    return node.args["this"] is exp.DataType.Type.TIMESTAMP and not node.expressions


def without_zone(_node: exp.Expr) -> exp.Expr:
    """Return Spark's type of a date with a time."""
    return data_type("TIMESTAMP_NTZ", "spark")
