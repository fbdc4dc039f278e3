"""Values that are not known yet when a plan is made: placeholders in trees, places in texts."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import exp

from dvt.core.queries import Sql, ValuePlace, joined

SAMPLES = ("1", "2000-01-01", "00:00:00", "00000000-0000-0000-0000-000000000000")
"""Texts of values: one of them is a value of each type that a scalar query can have."""
_SAMPLE = "dvt_sample"
"""Meta key of a placeholder: text of some value of its type."""
ANSWER = "dvt_this_"
"""Prefix of the alias of a query for one value, and of the name of the placeholder for it."""


def answer_name(node: exp.Expr) -> str | None:
    """Return the alias of the query whose answer a placeholder stands for; None for other nodes."""
    name = str(node.this) if isinstance(node, exp.Placeholder) and isinstance(node.this, str) else ""
    return name if name.startswith(ANSWER) else None


def answers_in(tree: exp.Expr) -> tuple[str, ...]:
    """Return the aliases of the queries whose answers stand in a tree."""
    return tuple(dict.fromkeys(name for node in tree.walk() if (name := answer_name(node))))


def placeholder(name: str, sample: str) -> exp.Placeholder:
    """Make a placeholder for the answer to the query `name`; `sample` is a value of its type, as text."""
    node = exp.Placeholder(this=name)
    node.meta[_SAMPLE] = sample
    return node


def with_samples(tree: exp.Expr) -> exp.Expr:
    """Return a copy with sample values for unknown ones: NULL would have another type."""
    holder = exp.Paren(this=tree.copy())
    for node in [node for node in holder.walk() if answer_name(node)]:
        node.replace(exp.Literal.string(node.meta[_SAMPLE]))
    copy: exp.Expr = holder.this
    return copy


def with_places(
    tree: exp.Expr, render: Callable[[exp.Expr], str], name_of: Callable[[exp.Expr], str | None]
) -> Sql:
    """Render a tree, with a place for each node that `name_of` has a name for.

    Example:
        >>> import sqlglot
        >>> condition = sqlglot.parse_one("a > :dvt_this_1 AND b = ':dvt_this_1'")
        >>> with_places(condition, lambda tree: tree.sql(), answer_name)
        ('a > ', ValuePlace(name='dvt_this_1'), " AND b = ':dvt_this_1'")
    """
    holder = exp.Paren(this=tree.copy())
    places = [(node, name) for node in holder.walk() if (name := name_of(node))]
    if not places:
        return render(tree)
    for node, _ in places:
        node.replace(exp.null())
    mark = "dvt_place"
    while mark in render(holder.this):
        mark += "_"
    holder = exp.Paren(this=tree.copy())
    for number, node in enumerate([node for node in holder.walk() if name_of(node)]):
        node.replace(exp.Var(this=f"{mark}{number}x"))
    pieces = re.split(rf"{mark}(\d+)x", render(holder.this))
    return joined(
        *(ValuePlace(places[int(piece)][1]) if place % 2 else piece for place, piece in enumerate(pieces))
    )
