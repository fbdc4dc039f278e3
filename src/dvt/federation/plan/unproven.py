"""What of a model is not proven in an engine, before anything is planned."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from dvt.core.requests import TextComparison, Translate
from dvt.core.tables import Table
from dvt.federation.plan.collation.compare import compared_texts
from dvt.federation.plan.parse import Parsed
from dvt.federation.plan.proven.check import line_of, shown
from dvt.federation.plan.state import PlanContext, PlanState, Unproven


def unproven_before(
    parsed: Parsed, tables: Mapping[str, Table], context: PlanContext
) -> tuple[Unproven, ...] | None:
    """Return what is not proven of a model, if that is known without an analysis; None if it is not."""
    if parsed.request.translate is Translate.BEST_EFFORT:
        return ()
    if parsed.request.dialect == context.engine:
        own = _own_collations(context)
        named = {column.collation for table in tables.values() for column in table.columns}
        return None if own & named and parsed.problem is None else ()
    if context.proofs(context.engine, parsed.request.dialect) is None:
        return (Unproven("the SQL", None, f"no translation of {parsed.request.dialect} has been proven"),)
    if parsed.problem is not None:
        line, problem = parsed.problem.sql_line, parsed.problem.problem
        return (Unproven("the SQL", line, f"nobody can translate it: {problem}"),)
    return None


def unproven_of(state: PlanState) -> tuple[Unproven, ...]:
    """Return what is not proven of a model whose nodes are classified.

    In the engine's SQL that is what the model compares by collations that a target of its kind has, too.
    """
    own = _own_collations(state.context) if state.dialect == state.context.engine else None
    return (*state.unproven, *_compared_by_collations(state, own))


def _own_collations(context: PlanContext) -> set[str]:
    return {name for name, functions in context.collations.items() if functions.own}


def _compared_by_collations(state: PlanState, names: Collection[str] | None) -> tuple[Unproven, ...]:
    """Return what compares text by a collation (one of `names`), where the model does not say how to."""
    if state.request.comparing is not TextComparison.UNSET or state.analysed is None:
        return ()
    return tuple(
        Unproven(
            shown(state, node),
            line_of(node),
            f"its text is compared by a collation: {', '.join(sorted(collation.columns))}",
        )
        for node, collation in compared_texts(state)
        if not (collation.only_order or collation.is_lost) and (names is None or collation.name in names)
    )
