"""Planning in a run: gives the planner tables as described, dialects, the engine and the target's types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dvt.core.errors import PlaceImpossible
from dvt.core.names import TableRef
from dvt.core.plan import CopyPlan, FederationPlan, Load, SourcePlan
from dvt.core.ports.connectors import CanCompute
from dvt.core.ports.engines import Engine, Value
from dvt.core.ports.staging import Dataset
from dvt.core.ports.transfers import HasRoutes
from dvt.core.queries import Need, SourceQuery, Sql, rendered
from dvt.core.reports import Notice
from dvt.core.requests import NodeRequest, Translate
from dvt.core.tables import Table
from dvt.core.types import decimal
from dvt.federation.answers import values_of
from dvt.federation.connections import Connection, Connections
from dvt.federation.notices import of_reads
from dvt.federation.plan import (
    Parsed,
    PlanContext,
    Planner,
    Unproven,
    called_functions,
    of_its_database,
    parse_model,
    relation,
    source_literal,
)
from dvt.federation.plan.dialects import engine_dialect
from dvt.federation.ranges import ranges_of
from dvt.federation.stage_tables import load_columns
from dvt.federation.ways_out import ANOTHER_PLACE, elsewhere


@dataclass(frozen=True, slots=True)
class Resolved:
    """A node's parsed SQL, and the tables it reads as their databases have them now."""

    parsed: Parsed
    by_unique_id: Mapping[str, Table]
    by_ref: Mapping[TableRef, Table]
    generations: Mapping[str, int]
    """Connection → number of the run's last write there that its tables may show."""

    def is_of_the_same_state(self, other: Resolved) -> bool:
        """True if the other has the same request, and tables of the same columns and the same rows."""
        return (
            self.parsed.request == other.parsed.request
            and self.by_unique_id == other.by_unique_id
            and self.generations == other.generations
        )

    @property
    def connections(self) -> set[str]:
        """Names of the connections that the tables are on."""
        return {ref.connection for ref in self.by_ref}


@dataclass(slots=True)
class _Made:
    """What has been made of a node, for one state of its tables and one engine; None: not yet."""

    tables: Resolved
    engine: Engine
    unproven: tuple[Unproven, ...] | None = None
    copies: CopyPlan | None = None
    plan: FederationPlan | None = None
    planner: Planner | None = None


@dataclass(frozen=True, slots=True)
class Planning:
    """Makes the plans of one run, each once: weighing places and forecasts need them before the node runs."""

    connections: Connections
    started_at: datetime
    """When the run started: every now() of every model gives this time."""
    speakers: Mapping[str, Engine] = field(default_factory=dict)
    """Dialect → an engine that speaks it, asked of names and types where another engine computes."""
    made: dict[TableRef, _Made] = field(default_factory=dict)
    """Stage table of a node → what has been made of it."""

    def resolve(self, request: NodeRequest) -> Resolved:
        """Describe the tables that the SQL names; TableNotFound for one that is missing."""
        made = self.made.get(request.stage)
        is_parsed = made is not None and made.tables.parsed.request == request
        parsed = made.tables.parsed if made is not None and is_parsed else parse_model(request)
        inputs = {**parsed.inputs, **{key: request.inputs[key] for key in request.hooked}}
        by_ref = self.connections.describe(relation.table for relation in inputs.values())
        by_unique_id = {key: by_ref[relation.table] for key, relation in inputs.items()}
        return Resolved(parsed, by_unique_id, by_ref, self.connections.generations(by_ref.values()))

    def plan(self, tables: Resolved, engine: Engine) -> FederationPlan:
        """Make the plan of the node, computed in the engine."""
        made = self._made(tables, engine)
        if made.plan is None:
            described = self._measured(made, lambda planner: planner.plan().queries)
            plan = self._planner(made, described).plan()
            _, notices = self.time_zone(tables.parsed.request)
            differing = [_may_differ(part) for part in self._of_the_target(made)]
            self._check_ranges(plan.queries)
            made.plan = replace(plan, notices=(*plan.notices, *notices, *differing))
        return made.plan

    def copies(self, tables: Resolved, engine: Engine) -> CopyPlan:
        """Plan the copies for the node, computed on its target; the engine evaluates constants."""
        made = self._made(tables, engine)
        if made.copies is None:
            described = self._measured(made, lambda planner: planner.copies().queries)
            made.copies = self._planner(made, described).copies()
            self._check_ranges(made.copies.queries)
        return made.copies

    def _check_ranges(self, queries: Iterable[SourceQuery]) -> None:
        for query in queries:
            ranges_of(query, self.connections[query.connection].connector)

    def unproven(self, tables: Resolved, engine: Engine) -> tuple[Unproven, ...]:
        """Return the constructs of the node that are not proven to answer in the engine as they should."""
        made = self._made(tables, engine)
        if made.unproven is None:
            of_the_target = (
                () if tables.parsed.request.translate is Translate.BEST_EFFORT else self._of_the_target(made)
            )
            made.unproven = (*of_the_target, *self._planner(made, tables.by_unique_id).unproven())
        return made.unproven

    def _of_the_target(self, made: _Made) -> tuple[Unproven, ...]:
        """Return what the SQL gets from sessions or the database of its target alone."""
        parsed = made.tables.parsed
        target = self.connections[parsed.request.stage.connection]
        set_there = [parsed.request.in_own_session] if parsed.request.in_own_session else []
        asked: list[Unproven] = []
        if parsed.request.dialect == target.type.dialect == made.engine.dialect:
            if local := of_its_database(parsed):
                asked.append(Unproven(local, None, "it tells of the session or the database"))
            asked += own_functions(parsed, target)
            set_there += [f"sessions of {target.name!r} have {setting}" for setting in target.own_settings]
        return (*asked, *(Unproven("the SQL", None, why) for why in set_there))

    def forget(self, request: NodeRequest) -> None:
        """Release what was made of a node that needs no more plans."""
        self.made.pop(request.stage, None)

    def _made(self, tables: Resolved, engine: Engine) -> _Made:
        """Return what has been made of the node for this state of its tables."""
        stage = tables.parsed.request.stage
        made = self.made.get(stage)
        if made is None or made.engine is not engine or not made.tables.is_of_the_same_state(tables):
            made = self.made[stage] = _Made(tables, engine)
        return made

    def _planner(self, made: _Made, described: Mapping[str, Table]) -> Planner:
        """Return the planner of the node for its tables as described: the last one, if it is for the same."""
        planner = made.planner
        if planner is None or planner.tables != described:
            context = self.context(made.tables, made.engine)
            planner = made.planner = Planner(made.tables.parsed, described, context)
        return planner

    def named(self, sql: Sql, tables: Sequence[TableRef]) -> str:
        """Return SQL for a target with these tables of it in its places."""
        return rendered(
            sql, [relation(table, self.connections[table.connection].type.dialect) for table in tables]
        )

    def context(self, tables: Resolved, engine: Engine) -> PlanContext:
        """Return what the planner needs for a node that the engine computes, or is asked of."""
        request = tables.parsed.request
        target = self.connections[request.stage.connection]
        connector = target.connector
        names = tables.connections | {request.stage.connection}
        zone, _ = self.time_zone(request)
        types = {name: self.connections[name].type for name in names}
        # An engine that translates what is proven gives a model's own names and types; others give theirs.
        is_other = request.dialect != engine.dialect and engine_dialect(engine.dialect).only_proven
        speaker = self.speakers.get(request.dialect) if is_other else None
        return PlanContext(
            dialects={name: type_.dialect for name, type_ in types.items()},
            bind=engine.bind,
            narrowed=engine.narrowed,
            evaluate=lambda expressions: engine.evaluate(expressions, str(zone)),
            bind_own=speaker.bind if speaker else None,
            load=lambda columns: load_columns(target, f"model {request.name!r}", columns),
            started_at=self.started_at.astimezone(zone),
            kept_name=target.type.kept_name,
            time_zone=str(zone),
            engine=engine.dialect,
            collations=engine.collations,
            elsewhere=elsewhere(request.dialect, target.name, types),
            own_type=connector.own_type if isinstance(connector, CanCompute) else lambda *_: None,
        )

    def time_zone(self, request: NodeRequest) -> tuple[ZoneInfo, Sequence[Notice]]:
        """Return the time zone of the target's sessions for a model in the target's dialect, else UTC."""
        target = self.connections[request.stage.connection]
        name = target.time_zone if request.dialect == target.type.dialect else "UTC"
        try:
            return ZoneInfo(name), ()
        except (ZoneInfoNotFoundError, ValueError):
            problem = f"sessions of {target.name!r} are in the time zone {name!r}, which is not known here"
            hint = "set a zone with an IANA name, such as Europe/Vienna, for its user or database"
            return ZoneInfo("UTC"), (Notice("DVT003", f"times are read in UTC: {problem}", hint),)

    def _measured(
        self, made: _Made, queries: Callable[[Planner], Iterable[SourceQuery]]
    ) -> Mapping[str, Table]:
        """Return the tables, by unique id, with the sizes of what the model reads of columns without sizes.

        A plan's `queries` say what it reads. In that plan such columns are whole numbers: no product is too
        large.
        """
        tables = made.tables
        by_ref = dict(tables.by_ref)
        first = {key: _as_whole_numbers(table) for key, table in tables.by_unique_id.items()}
        if first == tables.by_unique_id:
            return tables.by_unique_id
        for query in queries(self._planner(made, first)):
            names = [read.column.name for read in query.columns if read.column.follows_data]
            for ref in query.tables if names else ():
                by_ref[ref] = self.connections[ref.connection].measure(by_ref[ref], names)
        return {key: by_ref[table.ref] for key, table in tables.by_unique_id.items()}

    def with_estimates(self, plan: FederationPlan) -> FederationPlan:
        """Return the plan with what its queries are expected to answer; nothing is extracted."""
        scalars, queries = self._estimated(plan.scalar_queries), self._estimated(plan.queries)
        load, notices = self._load_with_way(plan.load), self._with_notices_of(plan.queries, plan.notices)
        return replace(plan, scalar_queries=scalars, queries=queries, load=load, notices=notices)

    def with_estimates_of_copies(self, plan: CopyPlan, target: str) -> CopyPlan:
        """Return the plan with what its queries are expected to answer; nothing is extracted."""
        queries = self._estimated([copy.query for copy in plan.copies])
        is_indexed = self.connections[target].type.indexes_copies
        copies = [
            replace(
                copy,
                query=query,
                way=self._way_to(target, query.rows, query.bytes),
                key=copy.key if is_indexed else (),
                indexes=copy.indexes if is_indexed else (),
            )
            for copy, query in zip(plan.copies, queries, strict=True)
        ]
        notices = self._with_notices_of(plan.queries, plan.notices)
        scalars = self._estimated(plan.scalar_queries)
        return replace(plan, scalar_queries=scalars, copies=tuple(copies), notices=notices)

    def with_estimate(self, plan: SourcePlan) -> SourcePlan:
        """Return the plan with what its query is expected to answer; nothing is extracted."""
        (query,) = self._estimated(plan.queries)
        notices = self._with_notices_of(plan.queries, plan.notices)
        return replace(plan, query=query, load=self._load_with_way(plan.load), notices=notices)

    def _with_notices_of(
        self, queries: Sequence[SourceQuery], notices: Sequence[Notice]
    ) -> tuple[Notice, ...]:
        """Return a plan's warnings with those that a run gives about how its queries are read."""
        return (*notices, *of_reads(queries, self.connections))

    def _estimated(self, queries: Sequence[SourceQuery]) -> tuple[SourceQuery, ...]:
        estimates = self.connections.estimate(queries)
        splits = self.connections.splits(queries)
        return tuple(
            self._with_way(
                replace(shown, rows=estimate.rows, bytes=estimate.bytes) if estimate is not None else shown
            )
            for query, estimate in zip(queries, estimates, strict=True)
            for shown in [replace(self._with_keeping(query), split=splits.get(query.key))]
        )

    def _with_way(self, query: SourceQuery) -> SourceQuery:
        """Return a query with how its answer would arrive, for people."""
        connector = self.connections[query.connection].connector
        if not isinstance(connector, HasRoutes):
            return replace(query, split=ranges_of(query, connector) or query.split)
        return replace(query, way=str(connector.read_route(query)))

    def _load_with_way(self, load: Load) -> Load:
        """Return a load with how its rows, whose number is not known yet, would get there."""
        return replace(load, way=self._way_to(load.stage.connection, None, None, load.bucket))

    def _way_to(self, target: str, rows: int | None, bytes_: int | None, bucket: str = "") -> str:
        """Return how so many rows would get to a target, for people; empty where there is one way."""
        connector = self.connections[target].connector
        return str(connector.load_route(rows, bytes_, bucket)) if isinstance(connector, HasRoutes) else ""

    def _with_keeping(self, query: SourceQuery) -> SourceQuery:
        """Return a query with whether an earlier run's rows answer it, for people."""
        told_by = self.connections[query.connection].connector.capabilities.told_by if query.scan else ""
        return replace(query, keeping=query.extraction.shown(told_by)) if query.is_kept else query

    def answered(
        self, queries: Sequence[SourceQuery], answers: Mapping[str, Dataset], engine: Engine
    ) -> list[SourceQuery]:
        """Return the queries of one wave with the values that they need from earlier answers."""
        return [
            answered(query, self.connections[query.connection].type.dialect, answers, engine)
            for query in queries
        ]


def _as_whole_numbers(table: Table) -> Table:
    """Return the table with whole numbers where the types follow the data."""
    columns = (
        replace(column, stage=decimal(18, 0)) if column.follows_data else column for column in table.columns
    )
    return replace(table, columns=tuple(columns))


def answered(query: SourceQuery, dialect: str, answers: Mapping[str, Dataset], engine: Engine) -> SourceQuery:
    """Return a query with the values that it needs from earlier answers, as literals of its dialect."""
    literals = {need.name: _literals(need, dialect, answers, engine) for need in query.needs}
    return query.answered(literals) if query.needs else query


def _literals(need: Need, dialect: str, answers: Mapping[str, Dataset], engine: Engine) -> str | None:
    """Return the literals for a need's place, None if a value cannot be sent.

    Without any keys it is NULL, which equals nothing.
    """
    values = values_of(need, answers, engine)
    if need.is_always_sent:
        return _always(need, dialect, values)
    if values is None:
        return None
    literals = [source_literal(dialect, need.column, value) for value in values]
    sendable = [literal for literal in literals if literal is not None]
    return ", ".join(sendable or ["NULL"]) if len(sendable) == len(literals) else None


def _always(need: Need, dialect: str, values: Sequence[Value] | None) -> str:
    """Return the literal of a value that the query has to have; PlaceImpossible where there is none."""
    literal = None
    if values is not None:
        literal = "NULL" if values[0][1] is None else source_literal(dialect, need.column, values[0])
    if literal is None:
        why = f"it reads {need.column.name} of its own table, of which a value cannot be sent"
        raise PlaceImpossible("the model", "at its source", why, ANOTHER_PLACE)
    return literal


def own_functions(parsed: Parsed, target: Connection) -> list[Unproven]:
    """Return the functions that a model calls, and that users have made on its target."""
    why = f"a user has made a function of that name on {target.name!r}"
    return [Unproven(name, None, why) for name in called_functions(parsed, target.own_functions)]


def _may_differ(part: Unproven) -> Notice:
    problem = f"{part.construct} may answer differently in the compute engine: {part.why}"
    return Notice("DVT003", problem, "compute the model on its target (`compute: target`)")
