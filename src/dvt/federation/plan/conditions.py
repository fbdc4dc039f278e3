"""Conditions that can be pushed to a source: their forms, and what they imply for one table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from sqlglot import Token, TokenType, exp

from dvt.federation.plan.values import answer_name

COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
"""Comparisons of a column with a constant that can be pushed."""
_CONSTANT = (
    exp.Literal, exp.Boolean, exp.Neg, exp.Paren, exp.Cast, exp.Interval, exp.Var, exp.DataType,
    exp.DataTypeParam, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Coalesce,
    exp.TimestampTrunc, exp.DateTrunc, exp.DateAdd, exp.DateSub, exp.TsOrDsAdd, exp.Date, exp.Null,
)  # fmt: skip
"""Expressions that a constant may consist of: none reads data or changes from call to call."""

_SPAN = re.compile(r"\s*[-+]?\d+(\.\d+)?(\s*[a-z]+)?\s*\Z", re.IGNORECASE)
"""Matches the text of an interval of one number and one unit."""


def conjuncts(condition: exp.Expr | None) -> list[exp.Expr]:
    """Return the parts that AND joins."""
    if condition is None:
        return []
    inner = condition.unnest()
    if isinstance(inner, exp.And):
        return conjuncts(inner.left) + conjuncts(inner.right)
    return [inner]


def is_constant(node: exp.Expr) -> bool:
    """True for an expression with one value, for which no data is read but scalar queries' answers."""
    return all(isinstance(part, _CONSTANT) or answer_name(part) is not None for part in node.walk())


def misreads_intervals(tokens: Sequence[Token]) -> bool:
    """True if a text has an interval with several numbers or units, of which SQLGlot reads the first only."""
    return any(
        word.token_type is TokenType.INTERVAL
        and text.token_type is TokenType.STRING
        and not _SPAN.match(text.text)
        for word, text in pairwise(tokens)
    )


def implied(condition: exp.Expr, alias: str) -> exp.Expr | None:
    """Return the strongest pushable condition on `alias` alone that `condition` implies."""
    inner = condition.unnest()
    if isinstance(inner, exp.And):
        parts = [
            part for part in (implied(inner.left, alias), implied(inner.right, alias)) if part is not None
        ]
        return exp.and_(*parts) if parts else None
    if isinstance(inner, exp.Or):
        left, right = implied(inner.left, alias), implied(inner.right, alias)
        return None if left is None or right is None else exp.or_(left, right)
    column = column_of(inner)
    return inner if column is not None and column.table == alias else None


def column_of(leaf: exp.Expr) -> exp.Column | None:
    """Return the column that a simple condition compares with constants; None if it is not simple."""
    if isinstance(leaf, exp.Not):
        inner = leaf.this.unnest()
        return column_of(inner) if isinstance(inner, exp.In | exp.Between | exp.Is) else None
    if isinstance(leaf, COMPARISONS):
        sides = (leaf.left.unnest(), leaf.right.unnest())
        columns = [side for side in sides if isinstance(side, exp.Column)]
        constant = len(columns) == 1 and all(side is columns[0] or is_constant(side) for side in sides)
        return columns[0] if constant else None
    return _column_of_range(leaf)


def constants_of(leaf: exp.Expr) -> list[exp.Expr]:
    """Return the constants that a simple condition compares its column with."""
    inner = leaf.this.unnest() if isinstance(leaf, exp.Not) else leaf
    if isinstance(inner, exp.Between):
        return [inner.args["low"], inner.args["high"]]
    if isinstance(inner, exp.In):
        return list(inner.expressions)
    if isinstance(inner, exp.Is):
        return []
    return [side for side in (inner.this, inner.expression) if not isinstance(side.unnest(), exp.Column)]


def _column_of_range(leaf: exp.Expr) -> exp.Column | None:
    column = leaf.this.unnest() if isinstance(leaf, exp.In | exp.Between | exp.Is) else None
    if not isinstance(column, exp.Column):
        return None
    if isinstance(leaf, exp.Between):
        plain = not leaf.args.get("symmetric")
        return column if plain and _of_one_type([leaf.args["low"], leaf.args["high"]]) else None
    if isinstance(leaf, exp.In):
        listed = bool(leaf.expressions) and not leaf.args.get("query") and not leaf.args.get("unnest")
        return column if listed and _of_one_type(leaf.expressions) else None
    return column if isinstance(leaf.expression, exp.Null) else None


def _of_one_type(operands: Sequence[exp.Expr]) -> bool:
    """True for constants that are all texts, or none of them: all operands of a list get one common type."""
    texts = {isinstance(operand.unnest(), exp.Literal) and operand.unnest().is_string for operand in operands}
    return len(texts) == 1 and all(is_constant(operand) for operand in operands)


def rejects_null(condition: exp.Expr) -> bool:
    """True if a row whose columns are all NULL can never meet the condition."""
    inner = condition.unnest()
    if isinstance(inner, exp.And):
        return rejects_null(inner.left) or rejects_null(inner.right)
    if isinstance(inner, exp.Or):
        return rejects_null(inner.left) and rejects_null(inner.right)
    return not isinstance(inner, exp.Is)


def with_columns(condition: exp.Expr, columns: dict[str, exp.Expr]) -> exp.Expr | None:
    """Return the condition over other columns, by name; None if a column has no counterpart."""
    copy = exp.Paren(this=condition.copy())
    for column in list(copy.find_all(exp.Column)):
        new = columns.get(column.name)
        if new is None:
            return None
        column.replace(new.copy())
    renamed: exp.Expr = copy.this
    return renamed
