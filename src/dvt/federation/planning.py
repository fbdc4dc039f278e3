"""The planner's view of a run: tables as described, dialects, the engine, the target's types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dvt.core.names import TableRef
from dvt.core.plan import FederationPlan
from dvt.core.ports.engines import Engine
from dvt.core.ports.staging import Dataset
from dvt.core.queries import Need, SourceQuery
from dvt.core.requests import NodeRequest
from dvt.core.tables import Table
from dvt.federation.answers import values_of
from dvt.federation.connections import Connections
from dvt.federation.plan import Parsed, PlanContext, make_plan, parse_model, source_literal
from dvt.federation.stage_tables import loader


@dataclass(frozen=True, slots=True)
class Resolved:
    """One node's SQL, read, and the tables it reads as their databases have them now."""

    parsed: Parsed
    by_marker: Mapping[str, Table]
    by_ref: Mapping[TableRef, Table]

    @property
    def connections(self) -> set[str]:
        """Names of the connections that the tables are on."""
        return {ref.connection for ref in self.by_ref}


@dataclass(frozen=True, slots=True)
class Planning:
    """Makes the plans of one run."""

    connections: Connections
    started_at: datetime
    """When the run started: every now() of every model gives this time."""

    def resolve(self, request: NodeRequest) -> Resolved:
        """Ask the databases for the tables that the SQL names; TableNotFound for one that is missing."""
        parsed = parse_model(request)
        by_ref = self.connections.describe(relation.table for relation in parsed.inputs.values())
        return Resolved(
            parsed, {marker: by_ref[relation.table] for marker, relation in parsed.inputs.items()}, by_ref
        )

    def plan(self, tables: Resolved, engine: Engine) -> FederationPlan:
        """Plan what will happen for the node."""
        request = tables.parsed.request
        target = self.connections[request.stage.connection]
        places = tables.connections | {request.stage.connection}
        context = PlanContext(
            dialects={name: self.connections[name].type.dialect for name in places},
            bind=engine.bind,
            evaluate=engine.evaluate,
            load=lambda columns: loader(target, f"model {request.name!r}").columns(columns),
            started_at=self.started_at,
            engine=engine.dialect,
            collations=engine.collations,
        )
        return make_plan(tables.parsed, tables.by_marker, context)

    def answered(
        self, queries: Sequence[SourceQuery], answers: Mapping[str, Dataset], engine: Engine
    ) -> list[SourceQuery]:
        """Queries of one wave with the values that they need of earlier answers, in their dialects."""
        dialects = {query.connection: self.connections[query.connection].type.dialect for query in queries}
        return [answered(query, dialects[query.connection], answers, engine) for query in queries]


def answered(query: SourceQuery, dialect: str, answers: Mapping[str, Dataset], engine: Engine) -> SourceQuery:
    """A query with the values that it needs of earlier answers, as literals of its dialect."""
    literals = {need.name: _literals(need, dialect, answers, engine) for need in query.needs}
    return query.answered(literals) if query.needs else query


def _literals(need: Need, dialect: str, answers: Mapping[str, Dataset], engine: Engine) -> str | None:
    """Return the literals for a need's place: NULL, which equals nothing, if there are no keys.

    None: a value cannot be sent.
    """
    values = values_of(need, answers, engine)
    if values is None:
        return None
    sent = [source_literal(dialect, need.column, value) for value in values]
    texts = [text for text in sent if text is not None]
    return ", ".join(texts or ["NULL"]) if len(texts) == len(sent) else None
