"""Names of the unnamed columns of inner queries, given before the SQL is parsed: SQLGlot gives others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlglot import Token, TokenType, exp
from sqlglot.dialects.dialect import Dialect

from dvt.federation.plan.called import note_call
from dvt.federation.plan.dialects import language
from dvt.federation.plan.dialects.implicit_names import Namer
from dvt.federation.plan.parse_errors import PARSE_ERRORS
from dvt.federation.plan.projections import Projections, projections, word_and_text

_COLUMN = {TokenType.VAR, TokenType.IDENTIFIER, TokenType.DOT, TokenType.STAR}
"""Tokens of a column: a projection of these alone has a name."""


def with_inner_names(sql: str, tokens: Sequence[Token], dialect: str) -> list[Token]:
    """Return the tokens with an alias for each unnamed column of a query that another one reads as a table.

    Its name is what the model's own database calls it. A dialect without a rule for such names gets none.

    Args:
        sql: the model's text.
        tokens: its tokens.
        dialect: its dialect.
    """
    names = inner_names(sql, tokens, dialect)
    if not names:
        return list(tokens)
    return [new for token in tokens for new in (token, *_alias(token, names.get(token.start)))]


def inner_names(sql: str, tokens: Sequence[Token], dialect: str) -> Mapping[int, str]:
    """Return the names that `with_inner_names` gives, by the start of the last token of each column."""
    namer = language(dialect).output_name
    names: dict[int, str] = {}
    for select in projections(tokens) if namer is not None else ():
        if select.is_table and namer is not None:
            names |= _names(sql, select, dialect, namer)
    return names


def _names(sql: str, select: Projections, dialect: str, namer: Namer) -> Mapping[int, str]:
    """Return the names of unnamed columns by the start of their last token, but for those that clash."""
    parsed = [(written, _parsed(sql, written, dialect)) for written in select.written]
    unnamed: dict[int, str] = {}
    taken: Counter[str] = Counter()
    for written, projection in parsed:
        name: str | None = projection.alias_or_name if projection is not None else None
        if isinstance(projection, exp.Column) and language(dialect).keeps_letter_case:
            unnamed[written[-1].start] = projection.name
        elif projection is not None and not isinstance(
            projection, exp.Alias | exp.Column | exp.Dot | exp.Star
        ):
            name = namer(projection, *word_and_text(sql, written))
            if name:
                unnamed[written[-1].start] = name
        taken[(name or "").casefold()] += 1
    return {start: name for start, name in unnamed.items() if taken[name.casefold()] == 1}


def _parsed(sql: str, written: Sequence[Token], dialect: str) -> exp.Expr | None:
    """Parse a projection by itself; None for one that cannot be."""
    if all(token.token_type in _COLUMN for token in written):
        *_, last = written
        is_star = last.token_type is TokenType.STAR
        return exp.Star() if is_star else exp.column(last.text)
    parser = Dialect.get_or_raise(dialect)
    text = f"SELECT {word_and_text(sql, written)[1]}"
    try:
        statements = parser.parse(text)
    except PARSE_ERRORS:
        return None
    for node in (node for statement in statements if statement is not None for node in statement.walk()):
        note_call(node, text)
    select = statements[0] if len(statements) == 1 else None
    return select.selects[0] if isinstance(select, exp.Select) and len(select.selects) == 1 else None


def _alias(after: Token, name: str | None) -> Sequence[Token]:
    """Return the tokens of an alias, in the place of the token before them; none without a name."""
    if name is None:
        return ()
    place = after.line, after.col, after.start, after.end
    return Token(TokenType.ALIAS, "AS", *place), Token(TokenType.IDENTIFIER, name, *place)


def name_values(tree: exp.Expr, dialect: str) -> None:
    """Name the columns of VALUES lists that have no names, where the dialect has a rule for that."""
    name = language(dialect).values_column
    for values in tree.find_all(exp.Values) if name else ():
        alias = values.args.get("alias")
        if alias is not None and not alias.args.get("columns"):
            width = len(values.expressions[0].expressions)
            columns = [exp.to_identifier(f"{name}{number}") for number in range(1, width + 1)]
            alias.set("columns", columns)
