"""Aliases of the subqueries that dbt writes in the place of relations: for --empty, --sample and batches.

dbt gives such a subquery an alias of its own, without knowing whether the model's text gives it another:
`(select * from orders limit 0) _dbt_limit_subq_orders as o` is an error on every database. Here the alias is
left out where the model's follows. Elsewhere it becomes the table's name, by which the model may qualify
columns.
"""

from __future__ import annotations

import re

from sqlglot import Token, TokenType, exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError

_OF_DBT = re.compile(r"_dbt_(?:limit|et_filter)_subq_(?P<table>.+)", re.DOTALL)
"""Matches an alias of dbt's (`BaseRelation._render_subquery_alias`)."""
_NO_ALIASES = frozenset(
    {
        TokenType.FETCH, TokenType.FINAL, TokenType.LIMIT, TokenType.OFFSET, TokenType.PARTITION,
        TokenType.PIVOT, TokenType.PROCEDURE, TokenType.SET, TokenType.STRAIGHT_JOIN, TokenType.UNPIVOT,
        TokenType.USE,
    }
)  # fmt: skip
"""Tokens that SQLGlot takes for aliases, and that rather begin a clause after a subquery."""


def alias_of_dbt(namespace: str, table: str, dialect: str) -> str:
    """Return the alias that dbt gives a subquery, quoted: a table's name may be any text."""
    return f" {_quoted(f'_dbt_{namespace}_subq_{table}', dialect)}"


def with_one_alias(sql: str, dialect: str) -> str:
    """Return SQL in which each subquery of dbt's has one alias: the model's, else the table's name.

    Example:
        >>> with_one_alias("from (select 1) _dbt_limit_subq_up as u, (select 2) _dbt_limit_subq_up", "mysql")
        'from (select 1) as u, (select 2) `up`'
    """
    if "_subq_" not in sql:
        return sql
    try:
        tokens = Dialect.get_or_raise(dialect).tokenize(sql)
    except SqlglotError:
        return sql
    pieces, end = [], 0
    for before, token, after in zip(tokens, tokens[1:], [*tokens[2:], None], strict=False):
        alias = _OF_DBT.fullmatch(token.text)
        if alias is None or before.token_type is not TokenType.R_PAREN or _is_value(token):
            continue
        kept = "" if _begins_alias(after, dialect) else f" {_quoted(alias['table'], dialect)}"
        pieces += [sql[end : before.end + 1], kept]
        end = token.end + 1
    return "".join([*pieces, sql[end:]])


def _is_value(token: Token) -> bool:
    return token.token_type not in {TokenType.VAR, TokenType.IDENTIFIER}


def _begins_alias(token: Token | None, dialect: str) -> bool:
    if token is None:
        return False
    aliases = Dialect.get_or_raise(dialect).parser_class.TABLE_ALIAS_TOKENS
    kind = token.token_type
    return kind is TokenType.ALIAS or (kind in aliases and kind not in _NO_ALIASES)


def _quoted(name: str, dialect: str) -> str:
    return exp.to_identifier(name, quoted=True).sql(dialect=dialect)
