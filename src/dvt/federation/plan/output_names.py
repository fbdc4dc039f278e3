"""What the outputs are called: as the target itself would call them."""

from __future__ import annotations

from sqlglot import Token, TokenType, exp
from sqlglot.dialects.dialect import Dialect, NormalizationStrategy

from dvt.federation.plan.dialects import engine_dialect, language
from dvt.federation.plan.state import PlanState, plan_pass

_OPEN = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE}
_CLOSE = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE}
_SET = {TokenType.UNION, TokenType.INTERSECT, TokenType.EXCEPT}


@plan_pass(needs="tokens tree", gives="names")
def name_outputs(state: PlanState) -> None:
    """Remember the outermost SELECT's projections as written, and what the target calls them.

    Example:
        >>> sql = "SELECT max(total), id + 1, id AS Big FROM {orders}"
        >>> state_after(name_outputs, sql, target="postgres").names
        ['max', '?column?', 'big']
    """
    projections = _as_written(state)
    target = state.context.dialects.get(state.request.stage.connection, state.context.engine)
    selects = state.tree.selects
    written = projections if len(projections) == len(selects) else [("", "")] * len(selects)
    state.names = [
        _name(state, target, projection, word, text)
        for projection, (word, text) in zip(selects, written, strict=True)
    ]


def normalized(identifier: exp.Identifier, dialect: str) -> str:
    """The name an identifier means in `dialect`: that database normalizes the case of unquoted ones."""
    strategy = Dialect.get_or_raise(dialect).normalization_strategy
    if identifier.args.get("quoted"):
        return identifier.name
    if strategy is NormalizationStrategy.LOWERCASE:
        return identifier.name.lower()
    return identifier.name.upper() if strategy is NormalizationStrategy.UPPERCASE else identifier.name


def distinguishes_case(dialect: str) -> bool:
    """True where quoted names that differ in case are different names."""
    strategy = Dialect.get_or_raise(dialect).normalization_strategy
    return strategy in (NormalizationStrategy.LOWERCASE, NormalizationStrategy.UPPERCASE)


def _name(state: PlanState, target: str, projection: exp.Expr, word: str, text: str) -> str | None:
    namer = language(target).output_name
    if projection.is_star:
        return None
    identifier = projection.args.get("alias") if isinstance(projection, exp.Alias) else None
    if isinstance(projection, exp.Column | exp.Dot) and namer is not None:
        identifier = projection.this if isinstance(projection, exp.Column) else projection.expression
    if isinstance(identifier, exp.Identifier):
        return normalized(identifier, target)
    if namer is not None:
        return namer(projection, word, text)
    return None if _stays(state, projection) else engine_name(state, projection)


def engine_name(state: PlanState, projection: exp.Expr) -> str | None:
    """What the engine would call an output, had it read the model's own SQL; None where that is not known."""
    namer = engine_dialect(state.context.engine).output_name
    if namer is None or isinstance(projection, exp.Column | exp.Dot):
        return None
    return namer(projection)


def _stays(state: PlanState, one: exp.Expr) -> bool:
    """True when the engine reads this expression as it was written, so that its name is the right one."""
    clock = language(state.dialect).clock_functions
    changes = any(
        isinstance(node, exp.Query) or type(node).__name__ in clock or f"{node.name.lower()}()" in clock
        for node in one.walk()
    )
    return state.dialect == state.context.engine and not changes


def _as_written(state: PlanState) -> list[tuple[str, str]]:
    """First word and text of each projection, read from the tokens of the model's SQL."""
    found: list[list[Token]] = []
    depth, inside = 0, False
    for token in state.tokens:
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
    sql = state.request.sql
    return [(one[0].text.lower(), sql[one[0].start : one[-1].end + 1]) for one in found if one]
