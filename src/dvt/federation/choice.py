"""The choice of the place where a model is computed: among those whose answer is proven, the cheapest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from dvt.core.errors import ColumnNotFound, DvtError, NamesTooLong, NotATarget, OutputsClash, PlaceImpossible
from dvt.core.estimates import Estimate, shown
from dvt.core.names import TableRef
from dvt.core.places import AUTO, Choice, Option, Place
from dvt.core.plan import CopyPlan, FederationPlan, SourcePlan
from dvt.core.ports.engines import Engine
from dvt.core.queries import SourceQuery
from dvt.core.requests import NodeRequest
from dvt.federation.at_source import SourcePlanning
from dvt.federation.connections import Connections
from dvt.federation.costs import Repeated, at_source, at_target
from dvt.federation.plan.dialects import language
from dvt.federation.planning import Planning, Resolved
from dvt.federation.stage_tables import loader
from dvt.resolution.output_types import OutputType

_HOOKED = "its hooks may name tables of other outputs, which are copied to its target alone"
"""Why a model is not computed elsewhere, where dvt chooses."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A place, and what it would extract; all plans are None where it is not possible."""

    option: Option
    copies: CopyPlan | None = None
    plan: FederationPlan | None = None
    answer: SourcePlan | None = None

    @property
    def queries(self) -> tuple[SourceQuery, ...]:
        """What would be sent; empty where the place is not possible."""
        if self.answer is not None:
            return self.answer.queries
        plan = self.copies or self.plan
        return (*plan.scalar_queries, *plan.queries) if plan else ()


@dataclass(frozen=True, slots=True)
class Choosing:
    """Chooses places in a run."""

    connections: Connections
    planning: Planning
    at_source: SourcePlanning
    _chosen: dict[TableRef, tuple[Resolved, Choice]] = field(default_factory=dict)
    """Stage table of a node → the last choice, and the node and tables as they were."""

    def place(self, request: NodeRequest, tables: Resolved, engine: Engine) -> Place:
        """Return the place where the node is computed; places are weighed only for `auto`, once."""
        if _is_bound(request) and request.compute != Place.SOURCE:
            return Place.TARGET
        if request.compute != AUTO:
            return Place.SOURCE if request.compute == Place.SOURCE else Place.ENGINE
        before, choice = self._chosen.get(request.stage, (None, None))
        if before is None or choice is None or not before.is_of_the_same_state(tables):
            choice = self.choose(request, tables, engine)
        return choice.place

    def choose(self, request: NodeRequest, tables: Resolved, engine: Engine) -> Choice:
        """Return the place and what the others would cost; PlaceImpossible if the named one cannot be.

        The engine is not refused where it is named: it refuses by itself what it cannot translate.
        """
        choice = self._choose(request, tables, engine)
        self._chosen[request.stage] = tables, choice
        return choice

    def _choose(self, request: NodeRequest, tables: Resolved, engine: Engine) -> Choice:
        named = request.compute or AUTO
        target = self._target(request, tables, engine)
        lost = _lost_input(request, target.copies)
        source = self._source(tables, engine, may_lose=bool(lost))
        computed = self._engine(request, tables, engine, source.option)
        if lost and source.answer is not None:
            target = Weighed(replace(target.option, problem=lost))
            lost = _lost_input(request, computed.plan)
            computed = Weighed(replace(computed.option, problem=lost)) if lost else computed
        options = self._priced(request, target, computed, source)
        at_target, _, at_source = options
        if named == Place.SOURCE:
            if at_source.problem:
                self.at_source.plan(tables, engine)  # raises what was wrong
            return Choice(Place.SOURCE, "it says so", options)
        if _is_bound(request):
            if at_target.problem:
                way_out = "leave the place to dvt (`compute: auto`), or name an engine"
                raise PlaceImpossible(f"model {request.name!r}", "on its target", at_target.problem, way_out)
            return Choice(at_target.place, request.only_on_target or "it says so", options)
        if named != AUTO:
            return Choice(Place.ENGINE, "it says so", options)
        return _cheapest(options)

    def _source(self, tables: Resolved, engine: Engine, *, may_lose: bool) -> Weighed:
        """Weigh the source; it `may_lose` a type of the answer if a copy on the target would, too."""
        option = Option(Place.SOURCE)
        if tables.parsed.request.hooked:
            return Weighed(replace(option, problem=_HOOKED))
        try:
            answer = self.at_source.plan(tables, engine)
        except PlaceImpossible as error:
            return Weighed(replace(option, problem=error.why))
        except DvtError as error:
            return Weighed(replace(option, problem=error.message))
        problem = "" if may_lose else _lost_type(tables.parsed.request, answer)
        return Weighed(replace(option, problem=problem)) if problem else Weighed(option, answer=answer)

    def _target(self, request: NodeRequest, tables: Resolved, engine: Engine) -> Weighed:
        target = self.connections[request.stage.connection]
        if request.dialect != target.type.dialect:
            problem = f"it is written in {request.dialect}, which {target.name} does not speak"
            return Weighed(Option(Place.TARGET, problem=problem))
        try:
            loader(target, f"model {request.name!r}")
            return Weighed(Option(Place.TARGET), copies=self.planning.copies(tables, engine))
        except (NotATarget, NamesTooLong, OutputsClash, PlaceImpossible) as error:
            if _is_bound(request) and not isinstance(error, NotATarget):
                raise
            problem = error.why if isinstance(error, PlaceImpossible) else error.message
            return Weighed(Option(Place.TARGET, problem=problem))

    def _engine(self, request: NodeRequest, tables: Resolved, engine: Engine, at_source: Option) -> Weighed:
        option = Option(Place.ENGINE)
        refused = request.only_on_target or request.not_in_engine or request.in_own_session
        if refused or request.hooked:
            return Weighed(replace(option, problem=refused or _HOOKED))
        unproven = self.planning.unproven(tables, engine)
        if unproven:
            first = unproven[0]
            where = f" (line {first.line})" if first.line else ""
            problem = f"{first.construct}{where} is not proven there: {first.why}"
            return Weighed(replace(option, problem=problem))
        try:
            plan = self.planning.plan(tables, engine)
        except ColumnNotFound as error:
            # tables of the source, of the target and copies may have system columns
            is_system = error.column.casefold() in language(request.dialect).local_words
            is_elsewhere = request.stage.connection in tables.connections or not at_source.problem
            if not (is_elsewhere or is_system):
                raise
            return Weighed(replace(option, problem=error.message))
        except DvtError as error:
            return Weighed(replace(option, problem=error.message))
        problem = _lost_type(request, plan)
        return Weighed(replace(option, problem=problem)) if problem else Weighed(option, plan=plan)

    def _priced(self, request: NodeRequest, *weighed: Weighed) -> tuple[Option, ...]:
        """Return the options with what they move and cost; None for both where a database cannot tell.

        All is estimated at once: each database is asked over one connection.
        """
        queries = [query for place in weighed for query in place.queries]
        estimates = dict(zip(queries, self.connections.estimate(queries), strict=True))
        by_engine = next((place.queries for place in weighed if place.plan), ())
        by_table = {query.tables[0]: estimates[query] for query in by_engine if len(query.tables) == 1}
        target = self.connections[request.stage.connection]
        return tuple(option(place, estimates, by_table, target.name, target.type) for place in weighed)


def option(
    place: Weighed,
    estimates: Mapping[SourceQuery, Estimate | None],
    by_table: Mapping[TableRef, Estimate | None],
    target: str,
    type_: OutputType,
) -> Option:
    """Return an option with what it moves and costs.

    `by_table`: what an engine would extract of each table; empty where no engine can compute the model, so
    that costs are not compared.
    """
    moved = [estimate for query in place.queries if (estimate := estimates[query]) is not None]
    if place.option.problem or len(moved) < len(place.queries):
        return place.option
    cost = sum(estimate.bytes for estimate in moved)
    if place.answer is not None:
        cost = at_source(cost, sum(estimate.bytes for estimate in by_table.values() if estimate is not None))
    if place.copies is not None:
        known = {table: estimate for table, estimate in by_table.items() if estimate is not None}
        own = sum(estimate.bytes for table, estimate in known.items() if table.connection == target)
        copied = [estimate.bytes for query in place.copies.queries if (estimate := estimates[query])]
        cost = at_target(copied, own, () if type_.joins_subqueries else _repeated(place.copies, known))
    rows, bytes_ = sum(estimate.rows for estimate in moved), sum(estimate.bytes for estimate in moved)
    return replace(place.option, rows=rows, bytes=bytes_, cost=cost)


def _repeated(plan: CopyPlan, by_table: Mapping[TableRef, Estimate]) -> Iterator[Repeated]:
    for read in plan.repeated:
        outer = [by_table[table].rows for table in read.outer if table in by_table]
        if read.table in by_table:
            yield Repeated(max(outer, default=1), by_table[read.table].bytes)


def _lost_type(request: NodeRequest, plan: FederationPlan | SourcePlan) -> str:
    """Return which type of the answer `auto` would lose at a place; empty if none."""
    lost = (notice.message for notice in plan.notices if notice.output)
    return next(lost, "") if (request.compute or AUTO) == AUTO else ""


def _lost_input(request: NodeRequest, plan: CopyPlan | FederationPlan | None) -> str:
    """Return what a place that `auto` may choose loses of the tables that it reads; empty if nothing."""
    lost = (notice for notice in plan.notices if notice.code == "DVT002") if plan is not None else ()
    inputs = (notice.message for notice in lost if not notice.output)
    return next(inputs, "") if (request.compute or AUTO) == AUTO else ""


def _is_bound(request: NodeRequest) -> bool:
    """True if the target has to compute the node, by its configuration or by what it is."""
    return request.compute == Place.TARGET or bool(request.only_on_target)


def _cheapest(options: tuple[Option, ...]) -> Choice:
    """Choose among the possible places; the engine where costs are not known, the target if none is possible.

    The target then raises the error: it is closest to what the user's own database would say.
    """
    possible = {option.place: option for option in options if not option.problem}
    problems = {option.place: option.problem for option in options if option.problem}
    if not possible:
        place = Place.ENGINE if problems[Place.TARGET] else Place.TARGET
        return Choice(place, problems[Place.ENGINE], options)
    if len(possible) == 1:
        (place,) = possible
        other = Place.TARGET if place is Place.ENGINE else Place.ENGINE
        return Choice(place, problems[other], options)
    known = [option for option in possible.values() if option.cost is not None]
    unknown = possible.keys() - {option.place for option in known} - {Place.SOURCE}
    if unknown or not known:
        place = Place.ENGINE if Place.ENGINE in possible else Place.TARGET
        return Choice(place, "what it would move is not known", options)
    chosen = min(known, key=lambda option: option.cost or 0)
    return Choice(chosen.place, f"it costs less there: {shown(chosen.rows or 0, chosen.bytes)} move", options)
