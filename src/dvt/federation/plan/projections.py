"""Projections of SELECTs, found in the tokens of a SQL text: its words, which no tree keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import Token, TokenType

_OPEN = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE}
_CLOSE = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE}
_END = {
    TokenType.FROM, TokenType.WHERE, TokenType.GROUP_BY, TokenType.HAVING, TokenType.WINDOW,
    TokenType.QUALIFY, TokenType.ORDER_BY, TokenType.LIMIT, TokenType.OFFSET, TokenType.FETCH,
    TokenType.INTO, TokenType.UNION, TokenType.INTERSECT, TokenType.EXCEPT, TokenType.SEMICOLON,
}  # fmt: skip
"""Tokens that end the projections of a SELECT."""
_READ_FROM = {
    TokenType.FROM, TokenType.JOIN, TokenType.LATERAL, TokenType.ALIAS,
    TokenType.UNION, TokenType.INTERSECT, TokenType.EXCEPT, TokenType.ALL, TokenType.DISTINCT,
}  # fmt: skip
"""Tokens before the bracket of a query that another one reads as a table."""


@dataclass(slots=True)
class Projections:
    """The projections of one SELECT, each as its tokens."""

    depth: int
    is_table: bool
    """True where another query reads this one: a CTE, or a subquery in FROM."""
    written: list[list[Token]] = field(default_factory=lambda: [[]])
    is_open: bool = True

    def add(self, token: Token, before: Token | None, depth: int) -> None:
        """Take a token in, or end the projections with it."""
        kind = token.token_type
        is_comparison = before is not None and before.token_type is TokenType.DISTINCT
        ends = kind in _CLOSE or (kind in _END and not (kind is TokenType.FROM and is_comparison))
        if not self.is_open:
            return
        if depth == self.depth and ends:
            self.is_open = False
        elif depth == self.depth and kind is TokenType.COMMA:
            self.written.append([])
        else:
            self.written[-1].append(token)


def projections(tokens: Sequence[Token]) -> list[Projections]:
    """Return the projections of every SELECT, in the order of the text: the outermost have the depth 0."""
    selects: list[Projections] = []
    enclosing: list[Projections] = []
    are_tables: list[bool] = []  # of the brackets around a token
    for before, token in zip((None, *tokens), tokens, strict=False):
        kind = token.token_type
        for select in enclosing:
            select.add(token, before, len(are_tables))
        if kind is TokenType.SELECT:
            enclosing.append(Projections(len(are_tables), bool(are_tables) and are_tables[-1]))
            selects.append(enclosing[-1])
        elif kind in _OPEN:
            are_tables.append(_is_table(before, are_tables, enclosing))
        elif kind in _CLOSE and are_tables:
            are_tables.pop()
            enclosing = [select for select in enclosing if select.depth <= len(are_tables)]
    for select in selects:
        select.written = [_without_distinct(written) for written in select.written if written]
    return selects


def word_and_text(sql: str, written: Sequence[Token]) -> tuple[str, str]:
    """Return the first word of a projection, empty if it begins with a literal, and its whole text."""
    first = written[0]
    is_literal = first.token_type in {TokenType.STRING, TokenType.NATIONAL_STRING, TokenType.HEREDOC_STRING}
    return "" if is_literal else first.text.lower(), sql[first.start : written[-1].end + 1]


def _is_table(before: Token | None, are_tables: Sequence[bool], enclosing: Sequence[Projections]) -> bool:
    """True for a bracket after the token `before` if a query in it is read as a table."""
    if before is None or before.token_type is TokenType.L_PAREN:
        return not are_tables or are_tables[-1]
    if before.token_type is TokenType.COMMA:
        return bool(enclosing) and not enclosing[-1].is_open and enclosing[-1].depth == len(are_tables)
    return before.token_type in _READ_FROM or before.text.upper() == "MATERIALIZED"


def _without_distinct(written: list[Token]) -> list[Token]:
    """Return a projection's tokens without the DISTINCT, DISTINCT ON (…) or ALL before it."""
    if written[0].token_type is TokenType.ALL:
        return written[1:]
    if written[0].token_type is not TokenType.DISTINCT:
        return written
    rest = written[1:]
    if not rest or rest[0].token_type is not TokenType.ON:
        return rest
    depth = 0
    for number, token in enumerate(rest):
        depth += (token.token_type in _OPEN) - (token.token_type in _CLOSE)
        if depth == 0 and number:
            return rest[number + 1 :]
    return rest
