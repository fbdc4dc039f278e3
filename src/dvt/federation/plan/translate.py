"""From the model's dialect to the engine's: every known difference is mended, refused or warned of."""

from __future__ import annotations

from sqlglot import exp

from dvt.core.errors import TranslationWrong
from dvt.core.queries import Sql
from dvt.federation.plan.dialects import Entry, Status, Translation, engine_dialect
from dvt.federation.plan.state import SETTLED, PlanState, plan_pass
from dvt.federation.plan.values import answer_place, with_places

_REWRITTEN = (exp.Anonymous, exp.ArgMin, exp.ArgMax)
"""Expressions in the engine's SQL that the planner puts in the place of a comparison."""
_DIALECT_FUNCTIONS = ("dvt_pg_", "dvt_my_")
"""Prefixes of the engine's functions that answer as another dialect's."""
_NO_FUNCTION = (exp.Connector, exp.Binary, exp.Predicate, exp.Case, exp.If, exp.Subquery)
"""SQLGlot's functions that are no functions in SQL."""


@plan_pass(gives="functions is_rewritten tree")
def translate(state: PlanState) -> None:
    """Mend the tree, so that the engine answers as the model's dialect would.

    Example:
        >>> after(translate, "SELECT id / 2 AS half FROM {orders} AS o", dialect="postgres")
        SELECT (DIV("o"."id", 2)) AS "half" FROM {orders} AS "o"
    """
    if state.dialect != state.context.engine:
        holder = exp.Paren(this=state.tree)
        _mend(state, holder, warn=True)
        _finish(state, holder)
        state.tree, state.is_rewritten = holder.this, True
        state.functions |= {call.name for call in holder.find_all(exp.Anonymous) if _is_engines(call)}
        state.functions |= engine_dialect(state.context.engine).functions


def in_engine(state: PlanState, constant: exp.Expr) -> Sql:
    """Render a constant of the model in the engine's SQL."""
    holder = exp.Paren(this=constant.copy())
    if state.dialect != state.context.engine:
        _mend(state, holder, warn=False)
        _finish(state, holder)
    return with_places(holder.this, state.in_engine, answer_place)


def _mend(state: PlanState, holder: exp.Expr, *, warn: bool) -> None:
    translation = engine_dialect(state.context.engine).translation(state.dialect)
    for node in reversed(list(holder.this.walk(bfs=False))):
        entry = _entry(translation, node)
        if entry is None:
            continue
        if entry.status is Status.KNOWN_WRONG:
            error = TranslationWrong(node.sql(state.dialect), state.dialect, entry.why, entry.way_out)
            error.sql_line = min(
                (part.meta["line"] for part in node.walk() if "line" in part.meta), default=None
            )
            raise error
        if entry.status is Status.UNVERIFIED and warn:
            _warn(state, node, entry)
        if entry.fix is not None:
            new = entry.fix(node)
            new.type = node.type
            node.replace(new)


def _finish(state: PlanState, holder: exp.Expr) -> None:
    finish = engine_dialect(state.context.engine).translation(state.dialect).finish
    if finish is not None:
        finish(holder)


def _is_engines(call: exp.Anonymous) -> bool:
    """True for a call of a function that only the engine's table of a dialect puts into SQL."""
    return call.name.startswith(_DIALECT_FUNCTIONS)


def _entry(translation: Translation, node: exp.Expr) -> Entry | None:
    """Return the first entry that applies; for a function without entries, the dialect's default."""
    if isinstance(node, _REWRITTEN) and SETTLED in node.meta:
        return None
    name = f"{node.name.lower()}()" if isinstance(node, exp.Anonymous) else type(node).__name__
    lines = translation.entries.get(name)
    if lines is None:
        unknown = isinstance(node, exp.Func) and not isinstance(node, _NO_FUNCTION)
        return Entry(status=translation.functions) if unknown else None
    return next((line for line in lines if line.when is None or line.when(node)), None)


def _warn(state: PlanState, node: exp.Expr, entry: Entry) -> None:
    expression = node.sql(state.dialect)
    why = entry.why or "nobody has compared it yet"
    state.warn(
        "DVT003",
        f"{expression} ({state.dialect}) may answer differently in {state.context.engine}: {why}",
        "compare its results, or write the model in the engine's SQL: config(dialect='compute')",
    )
