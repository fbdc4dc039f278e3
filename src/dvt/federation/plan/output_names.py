"""Names of outputs, as the target itself would name them."""

from __future__ import annotations

from functools import cache

from sqlglot import Token, exp
from sqlglot.dialects.dialect import Dialect, NormalizationStrategy

from dvt.federation.plan.dialects import engine_dialect, language
from dvt.federation.plan.markers import marked_tables
from dvt.federation.plan.projections import projections, word_and_text
from dvt.federation.plan.state import PlanState, plan_pass


@plan_pass(needs="places tokens tree", gives="names")
def name_outputs(state: PlanState) -> None:
    """Name the outermost SELECT's projections as the target would.

    Example:
        >>> sql = "SELECT max(total), id + 1, id AS Big FROM {orders}"
        >>> state_after(name_outputs, sql, target="postgres").names
        ['max', '?column?', 'big']
    """
    words_and_texts = [word_and_text(state.request.sql, written) for written in written_projections(state)]
    target = state.context.dialects.get(state.request.stage.connection, state.context.engine)
    selects = state.tree.selects
    written = words_and_texts if len(words_and_texts) == len(selects) else [("", "")] * len(selects)
    state.names = [
        _name(state, target, projection, word, text)
        for projection, (word, text) in zip(selects, written, strict=True)
    ]


def normalized(identifier: exp.Identifier, dialect: str) -> str:
    """Return the name that an identifier means in `dialect`, which normalizes the case of unquoted ones."""
    name = identifier.name
    if identifier.args.get("quoted"):
        return name
    strategy = _strategy(dialect)
    if strategy is NormalizationStrategy.LOWERCASE:
        return name.lower()
    if strategy is NormalizationStrategy.UPPERCASE:
        return name.upper()
    return name


def distinguishes_case(dialect: str) -> bool:
    """True if quoted names that differ in case are different names."""
    strategy = _strategy(dialect)
    return strategy in (NormalizationStrategy.LOWERCASE, NormalizationStrategy.UPPERCASE)


@cache
def _strategy(dialect: str) -> NormalizationStrategy:
    return Dialect.get_or_raise(dialect).normalization_strategy


def keeps_name(projection: exp.Expr) -> bool:
    """True for an output that is named in the SQL: it has an alias, or is a column or a *."""
    return isinstance(projection, exp.Alias | exp.Column | exp.Dot) or bool(projection.is_star)


def _name(state: PlanState, target: str, projection: exp.Expr, word: str, text: str) -> str | None:
    namer = language(target).output_name
    if projection.is_star or projection.find(exp.Columns) is not None:
        return None  # an alias of COLUMNS(…) may refer to the columns' names
    identifier = projection.args.get("alias") if isinstance(projection, exp.Alias) else None
    if isinstance(projection, exp.Column | exp.Dot) and namer is not None:
        identifier = projection.this if isinstance(projection, exp.Column) else projection.expression
    if isinstance(identifier, exp.Identifier):
        return normalized(identifier, target)
    if namer is not None:
        return namer(projection, word, text)
    return None if _is_unchanged(state, projection) else engine_name(state, projection)


def engine_name(state: PlanState, projection: exp.Expr) -> str | None:
    """Return the engine's name of an output, had it read the model's own SQL; None if unknown."""
    namer = engine_dialect(state.context.engine).output_name
    if namer is None or isinstance(projection, exp.Column | exp.Dot):
        return None
    return namer(projection)


def _is_unchanged(state: PlanState, projection: exp.Expr) -> bool:
    """True if the engine reads this expression as written, so that its name is the right one."""
    reads = [state.request.inputs[state.places[place].key] for place, _ in marked_tables(projection)]
    return state.dialect == state.context.engine and not any(read.this for read in reads)


def written_projections(state: PlanState) -> list[list[Token]]:
    """Return the tokens of each projection of the outermost SELECT, from the tokens of the model's SQL."""
    outermost = (select.written for select in projections(state.tokens) if select.depth == 0)
    return next(outermost, [])
