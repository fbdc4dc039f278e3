"""Names of outputs without an alias: as the database that the table is made in would call them."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import exp

from dvt.core.names import MARKED

Namer = Callable[[exp.Expr, str, str], str | None]
"""Expression, its first word and its text as written → the target's name for it."""

_TYPES = {"INT": "int4", "BIGINT": "int8", "SMALLINT": "int2", "DECIMAL": "numeric", "DOUBLE": "float8"}
_TYPES |= {"FLOAT": "float4", "BOOLEAN": "bool", "CHAR": "bpchar", "TIMESTAMPTZ": "timestamptz"}
_CALL = re.compile(r"^\w+\s*\((?:[^()]|\([^()]*\))*\)(?:\s*over\b.*)?$", re.IGNORECASE | re.DOTALL)
_CALLED = (exp.Mod, exp.IntDiv, exp.Pow, exp.Corr, exp.CovarPop, exp.CovarSamp)
"""Functions to PostgreSQL, operators to SQLGlot: what is written tells."""
_RENAMED = {"trim": "btrim", "cast": "", "if": "case"}


def postgres_name(one: exp.Expr, word: str, text: str) -> str:
    """PostgreSQL's FigureColname (parse_target.c)."""
    if isinstance(one, exp.Cast) and isinstance(one.this, exp.IntDiv) and word == "div":
        return "div"
    if isinstance(one, _CALLED) and not _CALL.match(text):
        word = ""
    return _figure(one, word)[0] or "?column?"


def _figure(one: exp.Expr, word: str) -> tuple[str, int]:
    """A name and how much it counts: a cast's or a CASE's own name gives way to what is inside."""
    if isinstance(one, exp.Paren | exp.Filter | exp.Window | exp.WithinGroup | exp.Collate | exp.Bracket):
        return _figure(one.this, "" if isinstance(one, exp.Paren) else word)
    if isinstance(one, exp.Column | exp.Dot):
        return one.name, 2
    if isinstance(one, exp.Cast):
        name, counts = _figure(one.this, word)
        return (name, counts) if counts > 1 else (_type_name(one.to), 1)
    if isinstance(one, exp.Case):
        name, counts = _figure(one.args["default"], "") if one.args.get("default") else ("", 0)
        return (name, counts) if counts > 1 else ("case", 1)
    if isinstance(one, exp.Subquery):
        inner = one.this.selects[0] if isinstance(one.this, exp.Query) and one.this.selects else one.this
        return (inner.alias, 2) if isinstance(inner, exp.Alias) else _figure(inner, "")
    return _function_name(one, word)


def _function_name(one: exp.Expr, word: str) -> tuple[str, int]:
    if isinstance(one, _CALLED):
        return (word, 2) if word.isidentifier() else ("", 0)
    if isinstance(one, exp.Exists | exp.AtTimeZone):
        return "exists" if isinstance(one, exp.Exists) else "timezone", 2
    if isinstance(one, exp.Anonymous):
        return one.name.lower(), 2
    if isinstance(one, exp.Interval):
        return "interval", 1
    if not isinstance(one, exp.Func) or isinstance(one, exp.Binary | exp.Connector | exp.Predicate):
        return "", 0
    known = word if word and (word.isidentifier()) else one.sql_name().lower()
    return _RENAMED.get(known, known), 2


def _type_name(to: exp.DataType) -> str:
    kind = to.this.value if isinstance(to.this, exp.DataType.Type) else str(to.this)
    return _TYPES.get(kind, kind.lower())


def mysql_name(_one: exp.Expr, _word: str, text: str) -> str | None:
    """The text as written, without markers."""
    return MARKED.sub("", text) or None
