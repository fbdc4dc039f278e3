"""Names of relations in a SQL text: where they stand, so that nothing else of the text need change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import Token, TokenType
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError

_LITERALS = frozenset(
    {
        TokenType.STRING, TokenType.NUMBER, TokenType.BIT_STRING, TokenType.HEX_STRING,
        TokenType.BYTE_STRING, TokenType.NATIONAL_STRING, TokenType.RAW_STRING, TokenType.HEREDOC_STRING,
        TokenType.UNICODE_STRING,
    }
)  # fmt: skip
"""Tokens that are values, whatever their text."""

Parts = tuple[str, ...]
"""A relation's name as a SQL text has it, without quotes: database, schema and identifier, or the
last two."""


@dataclass(frozen=True, slots=True)
class NamePlace:
    """One place where a text names a relation."""

    key: str
    """Key of the relation."""
    start: int
    """Offset of the name's first character in the text."""
    end: int
    """Offset after its last character."""


def name_places(tokens: Sequence[Token], names: Mapping[str, Parts]) -> list[NamePlace]:
    """Find the relations that a text names; values and comments are no names.

    Letter case does not matter: two relations whose names differ in it alone must not be given.

    Args:
        tokens: the text's tokens, of its dialect's tokenizer.
        names: the relations' names by key; each of two parts or more.

    Example:
        >>> from sqlglot.dialects import DuckDB
        >>> text = '''SELECT 'a.orders' AS n, a.orders.id FROM a."orders" -- of a.orders'''
        >>> found = name_places(DuckDB().tokenize(text), {"orders": ("a", "orders")})
        >>> [text[place.start : place.end] for place in found]
        ['a.orders', 'a."orders"']
    """
    by_length = sorted({len(parts) for parts in names.values()}, reverse=True)
    keys = {tuple(part.casefold() for part in parts): key for key, parts in names.items()}
    places: list[NamePlace] = []
    at = 0
    while at < len(tokens):
        match = None if _follows_a_dot(tokens, at) else _name_at(tokens, at, keys, by_length)
        if match is None:
            at += 1
            continue
        key, last = match
        places.append(NamePlace(key, tokens[at].start, tokens[last].end + 1))
        at = last + 1
    return places


def places_in(text: str, dialect: str, names: Mapping[str, Parts]) -> list[NamePlace]:
    """Find the relations that a SQL text of `dialect` names; none if it is no SQL of that dialect."""
    try:
        tokens = Dialect.get_or_raise(dialect).tokenize(text)
    except SqlglotError:
        return []
    return name_places(tokens, names)


def replaced(text: str, places: Sequence[NamePlace], names: Mapping[str, str]) -> str:
    """Return the text with other names in these places."""
    pieces, end = [], 0
    for place in places:
        pieces += [text[end : place.start], names[place.key]]
        end = place.end
    return "".join([*pieces, text[end:]])


def _follows_a_dot(tokens: Sequence[Token], at: int) -> bool:
    return at > 0 and tokens[at - 1].token_type is TokenType.DOT


def _name_at(
    tokens: Sequence[Token], at: int, keys: Mapping[Parts, str], lengths: Sequence[int]
) -> tuple[str, int] | None:
    """Return the key of the longest name that begins at a token, and the index of the name's last token."""
    for length in lengths:
        last = at + 2 * (length - 1)
        words, dots = tokens[at : last + 1 : 2], tokens[at + 1 : last : 2]
        if last >= len(tokens) or any(word.token_type in _LITERALS for word in words):
            continue
        key = keys.get(tuple(word.text.casefold() for word in words))
        if key is not None and all(dot.token_type is TokenType.DOT for dot in dots):
            return key, last
    return None
