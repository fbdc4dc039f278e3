"""Names of outputs without an alias: as the database that the table is made in would call them."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import exp

Namer = Callable[[exp.Expr, str, str], str | None]
"""Expression, its first word and its text as written → the target's name for it."""

_TYPES = {"INT": "int4", "BIGINT": "int8", "SMALLINT": "int2", "DECIMAL": "numeric", "DOUBLE": "float8"}
_TYPES |= {"FLOAT": "float4", "BOOLEAN": "bool", "CHAR": "bpchar", "TIMESTAMPTZ": "timestamptz"}
"""SQLGlot's type → PostgreSQL's name of it."""
_CALL = re.compile(r"^\w+\s*\((?:[^()]|\([^()]*\))*\)(?:\s*over\b.*)?$", re.IGNORECASE | re.DOTALL)
"""Matches a call of a function."""
_CALLED = (exp.Concat, exp.Mod, exp.IntDiv, exp.Pow, exp.Corr, exp.CovarPop, exp.CovarSamp)
"""Expressions that PostgreSQL writes as functions or operators, SQLGlot as operators: the text decides."""
_RENAMED = {"trim": "btrim", "cast": "", "if": "case"}
"""First word of an expression → PostgreSQL's name for its output."""


def postgres_name(expression: exp.Expr, word: str, text: str) -> str:
    """Name an output as PostgreSQL's FigureColname does (parse_target.c)."""
    if isinstance(expression, exp.Cast) and isinstance(expression.this, exp.IntDiv) and word == "div":
        return "div"
    if isinstance(expression, _CALLED) and not _CALL.match(text):
        word = ""
    return _figure(expression, word)[0] or "?column?"


def _figure(expression: exp.Expr, word: str) -> tuple[str, int]:
    """Return a name and its strength: the name of a cast or CASE gives way to a stronger one inside it."""
    if isinstance(
        expression, exp.Paren | exp.Filter | exp.Window | exp.WithinGroup | exp.Collate | exp.Bracket
    ):
        return _figure(expression.this, "" if isinstance(expression, exp.Paren) else word)
    if isinstance(expression, exp.Column | exp.Dot):
        return expression.name, 2
    if isinstance(expression, exp.Cast):
        name, strength = _figure(expression.this, word)
        return (name, strength) if strength > 1 else (_type_name(expression.to), 1)
    if isinstance(expression, exp.Case):
        name, strength = (
            _figure(expression.args["default"], "") if expression.args.get("default") else ("", 0)
        )
        return (name, strength) if strength > 1 else ("case", 1)
    if isinstance(expression, exp.Subquery):
        inner = (
            expression.this.selects[0]
            if isinstance(expression.this, exp.Query) and expression.this.selects
            else expression.this
        )
        return (inner.alias, 2) if isinstance(inner, exp.Alias) else _figure(inner, "")
    return _function_name(expression, word)


def _function_name(expression: exp.Expr, word: str) -> tuple[str, int]:
    if isinstance(expression, _CALLED):
        return (word, 2) if word.isidentifier() else ("", 0)
    if isinstance(expression, exp.Exists | exp.AtTimeZone):
        return "exists" if isinstance(expression, exp.Exists) else "timezone", 2
    if isinstance(expression, exp.Anonymous):
        return expression.name.lower(), 2
    if isinstance(expression, exp.Interval):
        return "interval", 1
    if not isinstance(expression, exp.Func) or isinstance(
        expression, exp.Binary | exp.Connector | exp.Predicate
    ):
        return "", 0
    name = word if word and (word.isidentifier()) else expression.sql_name().lower()
    return _RENAMED.get(name, name), 2


def _type_name(to: exp.DataType) -> str:
    kind = to.this.value if isinstance(to.this, exp.DataType.Type) else str(to.this)
    return _TYPES.get(kind, kind.lower())


def mysql_name(expression: exp.Expr, _word: str, text: str) -> str | None:
    """Name an output as MariaDB does: a column or a constant without brackets, a text by its value."""
    inner = expression.unnest()
    if isinstance(inner, exp.Column):
        return inner.name
    if isinstance(inner, exp.Null | exp.Boolean):
        return inner.sql("mysql")
    if isinstance(inner, exp.Literal):
        return _value_name(inner.name) if inner.is_string else inner.name
    if isinstance(inner, exp.Concat) and text.lstrip("( \n\t")[:1] in {"'", '"'}:  # 'a' 'b'
        return _value_name("".join(part.name for part in inner.expressions))
    return text or None


def _value_name(value: str) -> str:
    """Return the name of a constant text: without what is blank at its beginning."""
    return value.lstrip()
