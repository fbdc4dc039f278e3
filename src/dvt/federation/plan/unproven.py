"""What of a model is not proven in an engine, before anything is planned."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from dvt.core.requests import TextComparison, Translate
from dvt.core.tables import Table
from dvt.federation.plan.analyse import analyse
from dvt.federation.plan.clock import freeze_clock
from dvt.federation.plan.collation.compare import compared_texts
from dvt.federation.plan.identifiers import separate_names
from dvt.federation.plan.parse import Parsed, find_scans, number_nodes
from dvt.federation.plan.proven.check import line_of, shown
from dvt.federation.plan.proven.classify import classify
from dvt.federation.plan.state import PlanContext, PlanState, Unproven
from dvt.federation.plan.this import query_this_first

_ANALYSIS = (find_scans, freeze_clock, separate_names, query_this_first, number_nodes, analyse)
"""Passes after which it is known what a model's names mean."""


def unproven(parsed: Parsed, tables: Mapping[str, Table], context: PlanContext) -> tuple[Unproven, ...]:
    """Return all that would have to be proven before `context.engine` may compute a model; empty if nothing.

    Args:
        parsed: the model, read.
        tables: the tables of `parsed.inputs`, as described, by unique id.
        context: as for `make_plan`; of the engine, only its dialect is used.
    """
    if parsed.request.translate is Translate.BEST_EFFORT:
        return ()
    if parsed.request.dialect == context.engine:
        return _compared_as_the_engine_could(parsed, tables, context)
    if context.proofs(context.engine, parsed.request.dialect) is None:
        return (Unproven("the SQL", None, f"no translation of {parsed.request.dialect} has been proven"),)
    if parsed.problem is not None:
        return (
            Unproven(
                "the SQL", parsed.problem.sql_line, f"nobody can translate it: {parsed.problem.problem}"
            ),
        )
    state = classified(parsed, tables, context)
    return (*state.unproven, *_compared_by_collations(state))


def _compared_as_the_engine_could(
    parsed: Parsed, tables: Mapping[str, Table], context: PlanContext
) -> tuple[Unproven, ...]:
    """Return what a model in the engine's SQL compares by collations that a target of its kind has, too."""
    own = {name for name, functions in context.collations.items() if functions.own}
    of_own = (column for table in tables.values() for column in table.columns if column.collation in own)
    if parsed.problem is not None or next(of_own, None) is None:
        return ()
    return tuple(_compared_by_collations(_state(parsed, tables, context, _ANALYSIS), own))


def _compared_by_collations(state: PlanState, names: Collection[str] | None = None) -> tuple[Unproven, ...]:
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
        if not collation.only_order and (names is None or collation.name in names)
    )


def classified(parsed: Parsed, tables: Mapping[str, Table], context: PlanContext) -> PlanState:
    """Return the state of a model's plan when its nodes are classified, and nothing more is done."""
    return _state(parsed, tables, context, (*_ANALYSIS, classify))


def _state(
    parsed: Parsed,
    tables: Mapping[str, Table],
    context: PlanContext,
    passes: Iterable[Callable[[PlanState], None]],
) -> PlanState:
    """Return the state of a model's plan after these passes."""
    state = PlanState(
        request=parsed.request,
        tables=tables,
        context=context,
        tree=parsed.tree.copy(),
        tokens=parsed.tokens,
        places=parsed.places,
    )
    for plan_pass in passes:
        plan_pass(state)
    return state
