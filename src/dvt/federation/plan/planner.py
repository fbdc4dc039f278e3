"""From a model's compiled SQL to a plan: the queries to each source, and the transform of their answers.

Nothing is read or written here. Only the engine is used: for the types of a SELECT over empty tables, and
for the values of constants. Read ANALYSIS, PLAN and COPIES from top to bottom.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from dvt.core.errors import DvtError, TranslationWrong
from dvt.core.plan import CopyPlan, FederationPlan, Load, Transform
from dvt.core.ports.engines import Value
from dvt.core.tables import Table
from dvt.federation.plan.analyse import analyse
from dvt.federation.plan.certain import keep_certain
from dvt.federation.plan.clock import freeze_clock
from dvt.federation.plan.collation.compare import compare_text
from dvt.federation.plan.columns import find_columns
from dvt.federation.plan.copied_names import keep_output_names
from dvt.federation.plan.copies import find_compared, leave_target, write_copies
from dvt.federation.plan.dialects import is_translated
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
from dvt.federation.plan.questions_to_tables import refuse_questions_to_tables
from dvt.federation.plan.repeated import find_repeated
from dvt.federation.plan.source_queries import extract
from dvt.federation.plan.state import Evaluate, PlanContext, PlanState, Unproven
from dvt.federation.plan.this import query_this_first
from dvt.federation.plan.this_at_source import ThisValues, values_of_this
from dvt.federation.plan.transform import write_transform
from dvt.federation.plan.translate import translate
from dvt.federation.plan.unproven import unproven_before, unproven_of

Stages = Mapping[str, tuple[Callable[[PlanState], None], ...]]
"""State of the plan → the passes that lead to it. Each pass declares what it needs and gives; new features
add passes."""
ANALYSIS: Stages = {
    "parsed": (name_outputs, find_scans, freeze_clock, separate_names, query_this_first),
    "analysed": (number_nodes, analyse, classify),
}
"""What every plan of a model begins with."""
PLAN: Stages = {
    "placed": (place_predicates, limit_scans),
    "written": (order_enums, compare_text, translate, write_transform),
    "bound": (bind_transform, keep_own_types),
    "extracted": (extract,),
}
"""The rest for a model that the engine computes; it may change the analysed tree."""
COPIES: Stages = {
    "placed": (
        refuse_long_outputs,
        refuse_questions_to_tables,
        place_predicates,
        find_columns,
        find_compared,
        find_repeated,
    ),
    "chosen": (keep_output_names, leave_target, keep_certain, limit_scans),
    "extracted": (extract,),
    "written": (write_copies,),
}
"""The rest for a model that is computed on its target; the analysed tree stays as it is."""
_COPIES_WITH_CLOCK: Stages = {
    "parsed": tuple(plan_pass for plan_pass in ANALYSIS["parsed"] if plan_pass is not freeze_clock),
    "analysed": ANALYSIS["analysed"],
}
"""As `ANALYSIS`, for the copies of a model that calls now(): the target has a clock of its own."""
STAGES: Stages = {**ANALYSIS, **PLAN}
COPY_STAGES: Stages = {**_COPIES_WITH_CLOCK, **COPIES}


@dataclass(slots=True)
class Planner:
    """Makes the plans of one federated model, for one state of its tables. Thread-safe.

    All start from one analysis. What the plan for the engine has changed is analysed again, if need be.
    """

    parsed: Parsed
    """The model, read."""
    tables: Mapping[str, Table]
    """The tables of `parsed.inputs`, as described, by unique id."""
    context: PlanContext
    """Dialects, engine and target, as the planner needs them."""
    _analysed: PlanState | None = None
    _constants: dict[str, Value | None] = field(default_factory=dict)
    """Constants that the engine has evaluated, which all plans ask for."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        evaluate = self.context.evaluate if self._is_translated else _unknown
        self.context = replace(self.context, evaluate=partial(self._evaluate, evaluate))

    def unproven(self) -> tuple[Unproven, ...]:
        """Return all that would have to be proven before the engine may compute the model."""
        known = unproven_before(self.parsed, self.tables, self.context)
        if known is not None:
            return known
        with self._lock:
            return unproven_of(self._analysis())

    def plan(self) -> FederationPlan:
        """Make the plan for the engine; TranslationWrong if SQL to be translated cannot be read."""
        try:
            self._refuse_untranslated()
            self._refuse_unread()
            refuse_other_tables(self.parsed, self.context.elsewhere)
        except DvtError as error:
            raise self.parsed.request.about(error) from error.__cause__
        with self._lock:
            state, self._analysed = self._analysis(), None
            return _plan(_passed(PLAN, state))

    def copies(self) -> CopyPlan:
        """Plan the copies for the target."""
        with self._lock:
            analysed = self._analysis()
            if analysed.is_frozen:
                first = first_state(self.parsed, self.tables, self.context)
                return _copies(_passed(COPY_STAGES, first))
            return _copies(_passed(COPIES, analysed.with_same_analysis()))

    def _evaluate(self, evaluate: Evaluate, expressions: Sequence[str]) -> list[Value | None]:
        new = [expression for expression in expressions if expression not in self._constants]
        if new:
            self._constants |= zip(new, evaluate(new), strict=True)
        return [self._constants[expression] for expression in expressions]

    @property
    def _is_translated(self) -> bool:
        """True if the engine speaks the model's dialect, or is told how it is translated."""
        engine, dialect = self.context.engine, self.parsed.request.dialect
        is_proven = self.context.proofs(engine, dialect) is not None
        return is_translated(engine, dialect, is_proven=is_proven)

    def _refuse_untranslated(self) -> None:
        if not self._is_translated:
            dialect, engine = self.parsed.request.dialect, self.context.engine
            why = f"no translation of {dialect} to {engine} has been proven"
            way_out = (
                f"write the model in the SQL of its engine (`dialect: {engine}`), or compute it in DuckDB "
                "(`compute: duckdb`, or another entry of that type in computes.yml)"
            )
            raise TranslationWrong("the SQL", dialect, why, way_out)

    def _refuse_unread(self) -> None:
        dialect, problem = self.parsed.request.dialect, self.parsed.problem
        if problem is not None and dialect != self.context.engine:
            why = f"it cannot be read: {problem.problem}"
            way_out = f"if it is valid, {self.context.elsewhere}"
            raise TranslationWrong("the SQL", dialect, why, way_out, problem.sql_line) from problem

    def _analysis(self) -> PlanState:
        if self._analysed is None:
            self._analysed = classified(self.parsed, self.tables, self.context)
        return self._analysed


SOURCE_STAGES: Stages = {"parsed": (find_scans, separate_names)}
"""As `STAGES`, for a model that its source computes: only where its text reads `{{ this }}` is looked for."""


def plan_values_of_this(
    parsed: Parsed, tables: Mapping[str, Table], context: PlanContext
) -> ThisValues | None:
    """Plan the values of `{{ this }}` that a source needs, if it needs no more; arguments as `Planner`."""
    if not any(read.this for read in parsed.inputs.values()):
        return ThisValues()
    return values_of_this(_passed(SOURCE_STAGES, first_state(parsed, tables, context)))


def make_plan(parsed: Parsed, tables: Mapping[str, Table], context: PlanContext) -> FederationPlan:
    """Make one plan for the engine; the arguments are those of `Planner`."""
    return Planner(parsed, tables, context).plan()


def make_copy_plan(parsed: Parsed, tables: Mapping[str, Table], context: PlanContext) -> CopyPlan:
    """Plan the copies for the target once; the arguments are those of `Planner`."""
    return Planner(parsed, tables, context).copies()


def unproven(parsed: Parsed, tables: Mapping[str, Table], context: PlanContext) -> tuple[Unproven, ...]:
    """Return what is not proven of a model; the arguments are those of `Planner`."""
    return Planner(parsed, tables, context).unproven()


def classified(parsed: Parsed, tables: Mapping[str, Table], context: PlanContext) -> PlanState:
    """Return the state of a model's plan when its nodes are classified, and nothing more is done."""
    return _passed(ANALYSIS, first_state(parsed, tables, context))


def _unknown(expressions: Sequence[str]) -> list[Value | None]:
    """Evaluate nothing: in another dialect an engine may give other values, and rows would be left out."""
    return [None for _ in expressions]


def _plan(state: PlanState) -> FederationPlan:
    request = state.request
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
            bucket=request.bucket,
        ),
        notices=tuple(state.notices),
    )


def _copies(state: PlanState) -> CopyPlan:
    request = state.request
    return CopyPlan(
        node=request.unique_id,
        file=request.file,
        sql=state.sql,
        copies=state.copies,
        scalar_queries=tuple(state.scalar_queries),
        repeated=state.repeated,
        notices=tuple(state.notices),
    )


def _passed(stages: Stages, state: PlanState) -> PlanState:
    try:
        for passes in stages.values():
            for plan_pass in passes:
                plan_pass(state)
    except DvtError as error:
        raise state.request.about(error) from error.__cause__
    return state


def first_state(parsed: Parsed, tables: Mapping[str, Table], context: PlanContext) -> PlanState:
    """Return the state before the first pass."""
    state = PlanState(
        request=parsed.request,
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
