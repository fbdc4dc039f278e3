"""Whether SQLGlot has read all that is written: the words of a text against those of its tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sqlglot import Token, TokenType
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError

from dvt.federation.plan.parse_errors import FAULTS

_MARKS = (TokenType.STRING, TokenType.NUMBER, TokenType.PARAMETER, TokenType.NATIONAL_STRING)
_WORDS = frozenset(
    {"IGNORE", "NULLS", "TIES", "DISTINCT", "LATERAL", "RECURSIVE", "EXCLUDE", "GROUPS", "DATE_PART"}
)
"""Words that mean something and that a tree can lose: DATE_PART gives doubles, and EXTRACT numerics."""


def rewritten_words(sql: str, tokens: Sequence[Token], dialect: str) -> Iterator[tuple[str, int | None]]:
    """Yield the literals and words of a text that its tree, written in its own dialect, has no more.

    Example:
        >>> from sqlglot import tokenize
        >>> sql = "SELECT interval '1 day 02:00'"
        >>> list(rewritten_words(sql, tokenize(sql, dialect="postgres"), "postgres"))
        [("'1 day 02:00'", 1)]
    """
    language = Dialect.get_or_raise(dialect)
    try:
        tree = language.parser().parse(list(tokens), sql)[0]
        again = language.tokenize(tree.sql(dialect, comments=False, copy=False)) if tree is not None else []
    except SqlglotError:
        return
    except FAULTS:
        yield "the SQL", None
        return
    left = Counter(_word(token) for token in again)
    bare = {token.text.upper() for token in again if token.token_type is not TokenType.STRING}
    for token in tokens:
        word = _word(token)
        if not word:
            continue
        if token.text.upper() in bare and token.token_type is TokenType.STRING:
            continue  # a unit, which may be a text or a word
        if left[word]:
            left[word] -= 1
        else:
            yield _shown(token), token.line
    yield from _swapped(tokens)
    yield from _signs(tokens)


def _word(token: Token) -> str:
    """Return what has to be in both texts; empty for other tokens."""
    if token.token_type in _MARKS:
        return f"'{_plain(token.text)}'"
    return token.text.upper() if token.text.upper() in _WORDS else ""


def _plain(text: str) -> str:
    """Return a literal as its value, in the one spelling of intervals and formats that SQLGlot writes."""
    number = text.rstrip("0").rstrip(".") if "." in text else text
    return " ".join(number.upper().replace("%H:%I:%S", "%T").split()).removesuffix("S")


def _swapped(tokens: Sequence[Token]) -> Iterator[tuple[str, int | None]]:
    """Yield typed literals that `::` follows: SQLGlot takes the two types in the wrong order."""
    for index in range(len(tokens) - 2):
        type_, literal, cast = tokens[index : index + 3]
        named = type_.token_type in TYPES and literal.token_type is TokenType.STRING
        if named and cast.token_type is TokenType.DCOLON:
            yield f"{type_.text} {_shown(literal)}::", type_.line


def _signs(tokens: Sequence[Token]) -> Iterator[tuple[str, int | None]]:
    """Yield each + that is a sign, but before a number: SQLGlot drops it, and an output's name with it."""
    for before, token, after in zip((None, *tokens), tokens, tokens[1:], strict=False):
        is_sign = before is None or before.token_type in _BEFORE_OPERANDS
        if token.token_type is TokenType.PLUS and is_sign and after.token_type is not TokenType.NUMBER:
            yield f"+ {_shown(after)}", token.line


_BEFORE_OPERANDS = frozenset(
    {
        *(TokenType.SELECT, TokenType.DISTINCT, TokenType.COMMA, TokenType.WHERE, TokenType.HAVING),
        *(TokenType.ON, TokenType.AND, TokenType.OR, TokenType.NOT, TokenType.IN, TokenType.BETWEEN),
        *(TokenType.CASE, TokenType.WHEN, TokenType.THEN, TokenType.ELSE, TokenType.GROUP_BY),
        *(TokenType.ORDER_BY, TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.PLUS, TokenType.DASH),
        *(TokenType.STAR, TokenType.SLASH, TokenType.MOD, TokenType.CARET, TokenType.DPIPE, TokenType.EQ),
        *(TokenType.NEQ, TokenType.LT, TokenType.LTE, TokenType.GT, TokenType.GTE, TokenType.LIKE),
        *(TokenType.AMP, TokenType.PIPE, TokenType.TILDE, TokenType.HASH),
    }
)
"""Tokens after which an operand begins: a + after any other one adds."""
TYPES = frozenset(
    {TokenType.DATE, TokenType.TIME, TokenType.TIMESTAMP, TokenType.TIMESTAMPTZ, TokenType.INTERVAL}
)
"""Types that stand before a literal."""


def _shown(token: Token) -> str:
    return f"'{token.text}'" if token.token_type is TokenType.STRING else token.text
