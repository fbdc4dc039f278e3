"""Values that are not known yet when a plan is made: placeholders in trees, places in texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from sqlglot import exp

from dvt.core.queries import Sql, TablePlace, ValuePlace, filled, joined

SAMPLES = ("1", "2000-01-01", "00:00:00", "00000000-0000-0000-0000-000000000000")
"""Texts of values: one of them is a value of each type that a scalar query can have."""
ANSWER = "dvt_this_"
"""Prefix of the alias of a query for one value, and of the name of the placeholder for it."""


def answer_name(node: exp.Expr) -> str | None:
    """Return the alias of the query whose answer a placeholder stands for; None for other nodes."""
    name = str(node.this) if isinstance(node, exp.Placeholder) and isinstance(node.this, str) else ""
    return name if name.startswith(ANSWER) else None


def answers_in(tree: exp.Expr) -> tuple[str, ...]:
    """Return the aliases of the queries whose answers stand in a tree."""
    return tuple(dict.fromkeys(name for node in tree.walk() if (name := answer_name(node))))


def placeholder(name: str) -> exp.Placeholder:
    """Make a placeholder for the answer to the query `name`."""
    return exp.Placeholder(this=name)


def with_samples(sql: Sql, samples: Mapping[str, str], engine: str) -> Sql:
    """Return SQL with sample values for unknown ones: NULL would have another type.

    Args:
        sql: in the engine's dialect.
        samples: texts of the values, by name of their places.
        engine: the engine's dialect.
    """
    return filled(sql, {name: exp.Literal.string(text).sql(dialect=engine) for name, text in samples.items()})


def answer_place(node: exp.Expr) -> ValuePlace | None:
    """Return the place of an answer's value for a placeholder; None for other nodes."""
    name = answer_name(node)
    return ValuePlace(name) if name else None


def with_places(
    tree: exp.Expr,
    render: Callable[[exp.Expr], str],
    place_of: Callable[[exp.Expr], TablePlace | ValuePlace | None],
) -> Sql:
    """Render a tree, with a place for each node that `place_of` has one for.

    Example:
        >>> import sqlglot
        >>> condition = sqlglot.parse_one("a > :dvt_this_1 AND b = ':dvt_this_1'")
        >>> with_places(condition, lambda tree: tree.sql(), answer_place)
        ('a > ', ValuePlace(name='dvt_this_1'), " AND b = ':dvt_this_1'")
    """
    if not any(place_of(node) for node in tree.walk()):
        return render(tree)
    holder = exp.Paren(this=tree.copy())
    places = [(node, place) for node in holder.walk() if (place := place_of(node))]
    word = "dvt_place"
    while any(word in text for text in _texts(holder)):
        word += "_"
    for number, (node, _) in enumerate(places):
        node.replace(exp.Var(this=f"{word}{number}x"))
    pieces = re.split(rf"{word}(\d+)x", render(holder.this))
    return joined(*(places[int(piece)][1] if number % 2 else piece for number, piece in enumerate(pieces)))


def _texts(tree: exp.Expr) -> Iterator[str]:
    """Yield all texts in a tree: names, literals, words."""
    for node in tree.walk():
        yield from (value for value in node.args.values() if isinstance(value, str))
