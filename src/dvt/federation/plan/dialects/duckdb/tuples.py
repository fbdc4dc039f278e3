"""Comparisons of rows of values, such as `(a, b) = (1, 2)`, value by value."""

from __future__ import annotations

from sqlglot import exp


def of_rows(node: exp.Expr) -> bool:
    """True for a comparison of two rows of values that are written out."""
    sides = (node.this, node.expression)
    rows = [side for side in sides if isinstance(side, exp.Tuple)]
    return len(rows) == len(sides) and len(rows[0].expressions) == len(rows[1].expressions)


def each_equal(node: exp.Expr) -> exp.Expr:
    """Compare each value with its partner."""
    pairs = zip(node.this.expressions, node.expression.expressions, strict=True)
    return exp.Paren(
        this=exp.and_(*(exp.EQ(this=left.copy(), expression=right.copy()) for left, right in pairs))
    )


def any_different(node: exp.Expr) -> exp.Expr:
    """Tell whether a value is another than its partner."""
    pairs = zip(node.this.expressions, node.expression.expressions, strict=True)
    return exp.Paren(
        this=exp.or_(*(exp.NEQ(this=left.copy(), expression=right.copy()) for left, right in pairs))
    )
