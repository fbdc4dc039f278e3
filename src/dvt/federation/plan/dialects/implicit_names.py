"""Names of outputs without an alias: as the database that the table is made in would call them."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from dvt.federation.plan.called import called

Namer = Callable[[exp.Expr, str, str], str | None]
"""Expression, its first word and its text as written → the target's name for it."""

_TYPES = {"INT": "int4", "BIGINT": "int8", "SMALLINT": "int2", "DECIMAL": "numeric", "DOUBLE": "float8"}
_TYPES |= {"FLOAT": "float4", "BOOLEAN": "bool", "CHAR": "bpchar", "TIMESTAMPTZ": "timestamptz"}
"""SQLGlot's type → PostgreSQL's name of it."""
_OPERATORS = (
    *(exp.Concat, exp.Mod, exp.IntDiv, exp.Pow, exp.Corr, exp.CovarPop, exp.CovarSamp),
    *(exp.StartsWith, exp.Sqrt, exp.Cbrt, exp.MatchAgainst),
)
"""Functions of which SQLGlot makes what PostgreSQL writes as operators, or the reverse."""
_RENAMED = {"trim": "btrim", "cast": "", "if": "case"}
"""Name of a function, or first word of an expression → PostgreSQL's name for its output."""


def postgres_name(expression: exp.Expr, word: str, _text: str) -> str:
    """Name an output as PostgreSQL's FigureColname does (parse_target.c)."""
    return _figure(expression, word)[0] or "?column?"


def snowflake_name(_expression: exp.Expr, _word: str, text: str) -> str:
    """Name an output as Snowflake does: by its text in upper case."""
    return text.upper()


def _figure(expression: exp.Expr, word: str) -> tuple[str, int]:
    """Return a name and its strength: the name of a cast or CASE gives way to a stronger one inside it."""
    if called(expression) not in {"", "cast"}:
        return _RENAMED.get(called(expression), called(expression)), 2
    if isinstance(
        expression, exp.Paren | exp.Filter | exp.Window | exp.WithinGroup | exp.Collate | exp.Bracket
    ):
        return _figure(expression.this, "" if isinstance(expression, exp.Paren) else word)
    if isinstance(expression, exp.Column | exp.Dot):
        return expression.name, 2
    if isinstance(expression, exp.Cast | exp.Case):
        return _weak_name(expression, word)
    if isinstance(expression, exp.Subquery):
        return _subquery_name(expression.this)
    return _function_name(expression, word)


def _weak_name(expression: exp.Cast | exp.Case, word: str) -> tuple[str, int]:
    """Return the name of a cast or CASE, or the stronger one inside it."""
    if isinstance(expression, exp.Cast):
        name, strength = _figure(expression.this, word)
        return (name, strength) if strength > 1 else (_type_name(expression.to), 1)
    default = expression.args.get("default")
    name, strength = _figure(default, "") if default else ("", 0)
    return (name, strength) if strength > 1 else ("case", 1)


def _subquery_name(query: exp.Expr) -> tuple[str, int]:
    inner = query.selects[0] if isinstance(query, exp.Query) and query.selects else query
    return (inner.alias, 2) if isinstance(inner, exp.Alias) else _figure(inner, "")


def _function_name(expression: exp.Expr, word: str) -> tuple[str, int]:
    if isinstance(expression, _OPERATORS):
        return "", 0
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
