"""From a model's compiled SQL to a plan: the queries to each source, and the transform of their answers.

Nothing is read or written here. Only the engine is used: for the types of a SELECT over empty tables, and
for the values of constants. Read STAGES from top to bottom.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dvt.core.errors import DvtError, TranslationWrong
from dvt.core.plan import CopyPlan, FederationPlan, Load, Transform
from dvt.core.tables import Table
from dvt.federation.plan.analyse import analyse
from dvt.federation.plan.certain import keep_certain
from dvt.federation.plan.clock import freeze_clock
from dvt.federation.plan.collation.compare import compare_text
from dvt.federation.plan.columns import find_columns
from dvt.federation.plan.copied_names import keep_output_names
from dvt.federation.plan.copies import find_compared, leave_target, write_copies
from dvt.federation.plan.enums import order_enums
from dvt.federation.plan.identifiers import separate_names
from dvt.federation.plan.kept_names import refuse_long_outputs
from dvt.federation.plan.limits import limit_scans
from dvt.federation.plan.output_names import name_outputs
from dvt.federation.plan.outputs import bind_transform
from dvt.federation.plan.own_types import keep_own_types
from dvt.federation.plan.parse import Parsed, find_scans, number_nodes, refuse_other_tables
from dvt.federation.plan.predicates import place_predicates
from dvt.federation.plan.proven.classify import classify
from dvt.federation.plan.repeated import find_repeated
from dvt.federation.plan.source_queries import extract
from dvt.federation.plan.state import PlanContext, PlanState
from dvt.federation.plan.this import query_this_first
from dvt.federation.plan.transform import write_transform
from dvt.federation.plan.translate import translate

STAGES: Mapping[str, tuple[Callable[[PlanState], None], ...]] = {
    "parsed": (
        name_outputs,
        refuse_other_tables,
        find_scans,
        freeze_clock,
        separate_names,
        query_this_first,
    ),
    "analysed": (
        number_nodes,
        analyse,
        classify,
    ),
    "placed": (place_predicates, limit_scans),
    "written": (
        order_enums,
        compare_text,
        translate,
        write_transform,
    ),
    "bound": (bind_transform, keep_own_types),
    "extracted": (extract,),
}
"""State of the plan → the passes that lead to it. Each pass declares what it needs and gives; new features
add passes."""
COPY_STAGES: Mapping[str, tuple[Callable[[PlanState], None], ...]] = {
    "parsed": (name_outputs, refuse_long_outputs, find_scans, separate_names, query_this_first),
    "analysed": (number_nodes, analyse),
    "placed": (place_predicates, find_columns, find_compared, find_repeated),
    "chosen": (keep_output_names, leave_target, keep_certain, limit_scans),
    "extracted": (extract,),
    "written": (write_copies,),
}
"""As `STAGES`, for a model that is computed on its target."""


def make_plan(parsed: Parsed, tables: Mapping[str, Table], context: PlanContext) -> FederationPlan:
    """Make the plan of one federated model.

    Args:
        parsed: the model, read.
        tables: the tables of `parsed.inputs`, as described, by unique id.
        context: dialects, engine and target, as the planner needs them.
    """
    request = parsed.request
    state = first_state(parsed, tables, context)
    _pass_through(STAGES, state)
    return FederationPlan(
        node=request.unique_id,
        file=request.file,
        queries=tuple(state.queries),
        scalar_queries=tuple(state.scalar_queries),
        transform=Transform(
            dialect=state.context.engine,
            sql=state.sql,
            tables=state.transform_tables,
            columns=state.outputs,
            functions=tuple(sorted(state.functions)),
            is_own_text=not state.is_rewritten and not state.original_names,
            time_zone=state.context.time_zone,
        ),
        load=Load(
            stage=request.stage,
            columns=state.loads,
            definition=request.contract.definition if request.contract else state.definition,
        ),
        notices=tuple(state.notices),
    )


def make_copy_plan(parsed: Parsed, tables: Mapping[str, Table], context: PlanContext) -> CopyPlan:
    """Plan the copies for a model that is computed on its target; the arguments are those of `make_plan`."""
    request = parsed.request
    state = first_state(parsed, tables, context, needs_tree=False)
    _pass_through(COPY_STAGES, state)
    return CopyPlan(
        node=request.unique_id,
        file=request.file,
        sql=state.sql,
        copies=state.copies,
        scalar_queries=tuple(state.scalar_queries),
        repeated=state.repeated,
        notices=tuple(state.notices),
    )


def _pass_through(stages: Mapping[str, tuple[Callable[[PlanState], None], ...]], state: PlanState) -> None:
    try:
        for passes in stages.values():
            for plan_pass in passes:
                plan_pass(state)
    except DvtError as error:
        raise state.request.about(error) from error.__cause__


def first_state(
    parsed: Parsed, tables: Mapping[str, Table], context: PlanContext, *, needs_tree: bool | None = None
) -> PlanState:
    """Return the state before the first pass; TranslationWrong if SQL to be translated cannot be read.

    `needs_tree`: the SQL is to be translated; by default if it is not in the engine's dialect.
    """
    request = parsed.request
    if needs_tree is None:
        needs_tree = request.dialect != context.engine
    if parsed.problem is not None and needs_tree:
        why = f"it cannot be read: {parsed.problem.problem}"
        way_out = f"if it is valid, {context.elsewhere}"
        unread = TranslationWrong("the SQL", request.dialect, why, way_out, parsed.problem.sql_line)
        raise request.about(unread) from parsed.problem
    state = PlanState(
        request=request,
        tables=tables,
        context=context,
        tree=parsed.tree.copy(),
        tokens=parsed.tokens,
        places=parsed.places,
        unread=parsed.problem,
    )
    if parsed.problem is not None:
        state.warn(
            "DVT026",
            f"conditions stay in the compute engine, which reads whole columns: {parsed.problem.problem}",
            "the answer is right; write the named construct in another way to have less extracted",
        )
    return state
