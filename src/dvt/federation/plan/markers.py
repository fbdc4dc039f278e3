"""Markers: the schemas by which a tree, and only the tree, names the relations of a model's SQL.

A marker holds the number of the place in the SQL, so that it is certain what a table of the tree stands for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sqlglot import Token, TokenType, exp

from dvt.core.relation_names import NamePlace

_MARKER = "__dvt__"
_MOST_PARTS = 3
"""Parts of the longest name of a relation."""
_MARKED = re.compile(rf"""["`]?{_MARKER}\d+["`]?\.""")


def marked(tokens: Sequence[Token], places: Sequence[NamePlace], identifiers: Sequence[str]) -> list[Token]:
    """Return the tokens of a SQL text with a marker and the identifier in each place.

    Args:
        tokens: of a model's SQL; the new ones keep their positions in it.
        places: where it names relations.
        identifiers: the relation's identifier for each place, without quotes.
    """
    new, at = [], 0
    for number, (place, identifier) in enumerate(zip(places, identifiers, strict=True)):
        while tokens[at].start < place.start:
            new.append(tokens[at])
            at += 1
        named = [token for token in tokens[at : at + 2 * _MOST_PARTS] if token.start < place.end]
        at += len(named)
        *_, dot, last = named
        new += [_named(named[0], f"{_MARKER}{number}", last=dot), dot, _named(last, identifier, last=last)]
    return [*new, *tokens[at:]]


def _named(first: Token, text: str, *, last: Token) -> Token:
    """Return an identifier that stands from one token's start to before another's, or to the token's end."""
    end = last.end if last is first else last.start - 1
    return Token(
        TokenType.IDENTIFIER, text, first.line, first.col, first.start, end, list(first.comments or ())
    )


def marked_table(number: int, identifier: str) -> exp.Table:
    """Make the table that stands for the relation in a place."""
    return exp.table_(identifier, db=f"{_MARKER}{number}", quoted=True)


def marked_tables(tree: exp.Expr) -> Iterator[tuple[int, exp.Table]]:
    """Yield the tables of a tree that stand for relations, each with the number of its place."""
    for table in tree.find_all(exp.Table, bfs=False):
        if is_marker(table.db):
            yield int(table.db.removeprefix(_MARKER)), table


def marked_columns(tree: exp.Expr) -> set[int]:
    """Return the numbers of places that turned out to be columns: `a.b` with an alias `a`."""
    columns = (column.table for column in tree.find_all(exp.Column) if not column.db)
    return {int(name.removeprefix(_MARKER)) for name in columns if is_marker(name)}


def is_marker(name: str) -> bool:
    """True for a marker."""
    return name.startswith(_MARKER)


def readable(text: str) -> str:
    """Return a text about the tree without its markers."""
    return _MARKED.sub("", text)
