"""Conditions and replacements that Spark's tables of several dialects share."""

from __future__ import annotations

from collections.abc import Iterator

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
NO_NULL = "outside of a condition Spark has FALSE where a query without the value has a NULL"
"""Why no other value is made of IN and a query."""
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


def is_value_of_membership(node: exp.Expr) -> bool:
    """True for IN and a query, but in a condition that takes FALSE and NULL for the same."""
    if node.args.get("query") is None:
        return False
    *sides, condition = _climbed(node)
    return not _is_judged(condition) or any(_is_met_by_either(node, side) for side in sides)


def _climbed(node: exp.Expr) -> Iterator[exp.Expr]:
    """Yield a boolean, or its opposite, and each AND and OR above it of which it is a side."""
    above = _out_of_parentheses(node)
    if isinstance(above.parent, exp.Not):
        above = _out_of_parentheses(above.parent)
    yield above
    while isinstance(above.parent, exp.And | exp.Or):
        above = _out_of_parentheses(above.parent)
        yield above


def _is_judged(node: exp.Expr) -> bool:
    """True for all of a condition."""
    parent = node.parent
    if isinstance(parent, exp.If):
        case = parent.parent
        return node.arg_key == "this" and not (isinstance(case, exp.Case) and case.this)
    if isinstance(parent, exp.Join):
        return node.arg_key == "on"
    return isinstance(parent, exp.Where | exp.Having)


def _is_met_by_either(node: exp.Expr, side: exp.Expr) -> bool:
    """True if a side of OR has IN, and the other one NOT IN: Spark asks whether a value of the same is NULL.

    The queries are not compared: names in them have changed.
    """
    if not isinstance(side.parent, exp.Or):
        return False
    other = side.parent.expression if side.arg_key == "this" else side.parent.this
    return any(
        inner.this == node.this and _is_negated(inner) is not _is_negated(node)
        for inner in other.find_all(exp.In)
        if inner.args.get("query") is not None
    )


def _is_negated(node: exp.Expr) -> bool:
    return isinstance(_out_of_parentheses(node).parent, exp.Not)


def _out_of_parentheses(node: exp.Expr) -> exp.Expr:
    while isinstance(node.parent, exp.Paren):
        node = node.parent
    return node


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
