"""What the outputs are called: as the target itself would call them."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import Token, TokenType, exp
from sqlglot.dialects.dialect import Dialect, NormalizationStrategy

from dvt.core.names import MARKER
from dvt.federation.plan.dialects import moments_of
from dvt.federation.plan.draft import Draft

MARKED = re.compile(rf"""["`]{MARKER}[^"`]*["`]\.""")
"""A marker in SQL, which means nothing to people."""
Namer = Callable[[exp.Expr, str, str], str | None]
"""Expression, its first word and its text as written → the target's name for it."""

_OPEN = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE}
_CLOSE = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE}
_SET = {TokenType.UNION, TokenType.INTERSECT, TokenType.EXCEPT}
_TYPES = {"INT": "int4", "BIGINT": "int8", "SMALLINT": "int2", "DECIMAL": "numeric", "DOUBLE": "float8"}
_TYPES |= {"FLOAT": "float4", "BOOLEAN": "bool", "CHAR": "bpchar", "TIMESTAMPTZ": "timestamptz"}
_CALL = re.compile(r"^\w+\s*\((?:[^()]|\([^()]*\))*\)(?:\s*over\b.*)?$", re.IGNORECASE | re.DOTALL)
_CALLED = (exp.Mod, exp.IntDiv, exp.Pow, exp.Corr, exp.CovarPop, exp.CovarSamp)
"""Functions to PostgreSQL, operators to SQLGlot: what is written tells."""
_RENAMED = {"trim": "btrim", "cast": "", "if": "case"}


def name_outputs(draft: Draft) -> None:
    """Remember the outermost SELECT's projections as written, and what the target calls them."""
    draft.projections = _as_written(draft)
    target = draft.around.dialects.get(draft.request.stage.connection, draft.around.engine)
    namer = _NAMERS.get(target)
    selects = draft.tree.selects
    written = draft.projections if len(draft.projections) == len(selects) else [("", "")] * len(selects)
    draft.names = [
        _name(one, target, namer, word, text, engine=_stays(draft, one))
        for one, (word, text) in zip(selects, written, strict=True)
    ]


def folded(identifier: exp.Identifier, dialect: str) -> str:
    """The name an identifier means in `dialect`: unquoted ones are folded as that database does."""
    strategy = Dialect.get_or_raise(dialect).normalization_strategy
    if identifier.args.get("quoted"):
        return identifier.name
    if strategy is NormalizationStrategy.LOWERCASE:
        return identifier.name.lower()
    return identifier.name.upper() if strategy is NormalizationStrategy.UPPERCASE else identifier.name


def folds(dialect: str) -> bool:
    """True where quoted names that differ in case are different names."""
    strategy = Dialect.get_or_raise(dialect).normalization_strategy
    return strategy in (NormalizationStrategy.LOWERCASE, NormalizationStrategy.UPPERCASE)


def _name(
    one: exp.Expr, target: str, namer: Namer | None, word: str, text: str, *, engine: bool
) -> str | None:
    if one.is_star:
        return None
    identifier = one.args.get("alias") if isinstance(one, exp.Alias) else None
    if isinstance(one, exp.Column | exp.Dot) and namer is not None:
        identifier = one.this if isinstance(one, exp.Column) else one.expression
    if isinstance(identifier, exp.Identifier):
        return folded(identifier, target)
    if namer is not None:
        return namer(one, word, text)
    return None if engine else engine_name(one)


def engine_name(one: exp.Expr) -> str | None:
    """Nearly what DuckDB would call it, had it read the model's own SQL."""
    if isinstance(one, exp.Column | exp.Dot):
        return None
    if isinstance(one, exp.Count) and isinstance(one.this, exp.Star):
        return "count_star()"
    text = one.sql(dialect="duckdb", normalize_functions="lower")
    return f"({text})" if isinstance(one, exp.Binary) else text


def _stays(draft: Draft, one: exp.Expr) -> bool:
    """True when the engine reads this expression as it was written, so that its name is the right one."""
    moments = moments_of(draft.dialect)
    changes = any(
        isinstance(node, exp.Query) or type(node).__name__ in moments or f"{node.name.lower()}()" in moments
        for node in one.walk()
    )
    return draft.dialect == draft.around.engine and not changes


def _as_written(draft: Draft) -> list[tuple[str, str]]:
    """First word and text of each projection, read from the tokens of the model's SQL."""
    tokens = Dialect.get_or_raise(draft.dialect).tokenize(draft.request.sql)
    found: list[list[Token]] = []
    depth, inside = 0, False
    for token in tokens:
        kind = token.token_type
        if depth == 0 and inside and (kind in _SET or kind in (TokenType.FROM, TokenType.SEMICOLON)):
            break
        if depth == 0 and kind is TokenType.SELECT:
            inside = True
            found.append([])
        elif depth == 0 and inside and kind is TokenType.COMMA:
            found.append([])
        elif inside:
            found[-1].append(token)
        depth += (kind in _OPEN) - (kind in _CLOSE)
    sql = draft.request.sql
    return [(one[0].text.lower(), sql[one[0].start : one[-1].end + 1]) for one in found if one]


def _postgres(one: exp.Expr, word: str, text: str) -> str:
    """PostgreSQL's FigureColname."""
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


def _mysql(_one: exp.Expr, _word: str, text: str) -> str | None:
    return MARKED.sub("", text) or None


_NAMERS: dict[str, Namer] = {"postgres": _postgres, "mysql": _mysql}
"""By the target's dialect; elsewhere the engine's own names hold."""
