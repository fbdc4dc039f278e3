"""The planner's view of a run: tables as described, dialects, the engine, the target's types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dvt.core.names import TableRef
from dvt.core.plan import FederationPlan
from dvt.core.ports.engines import Engine, Value
from dvt.core.requests import NodeRequest
from dvt.core.tables import Table
from dvt.federation.connections import Connections
from dvt.federation.plan import Surroundings, make_plan, tables_read
from dvt.federation.stage_tables import loader


@dataclass(frozen=True, slots=True)
class Resolved:
    """The tables one node's SQL reads, as their databases have them now."""

    by_marker: Mapping[str, Table]
    by_ref: Mapping[TableRef, Table]

    @property
    def connections(self) -> set[str]:
        """Where they live."""
        return {ref.connection for ref in self.by_ref}


@dataclass(frozen=True, slots=True)
class Planning:
    """Makes the plans of one run."""

    connections: Connections
    now: datetime
    """The run's moment: every now() of every model is this one."""

    def resolve(self, request: NodeRequest) -> Resolved:
        """Ask the databases for the tables that the SQL names; TableNotFound for one that is missing."""
        read = tables_read(request)
        by_ref = self.connections.describe(one.table for one in read.values())
        return Resolved({marker: by_ref[one.table] for marker, one in read.items()}, by_ref)

    def plan(
        self,
        request: NodeRequest,
        tables: Resolved,
        engine: Engine,
        answers: Mapping[str, Value] | None = None,
    ) -> FederationPlan:
        """What will happen for the node; `answers` are those to an earlier plan's prepared values."""
        target = self.connections[request.stage.connection]
        places = tables.connections | {request.stage.connection}
        around = Surroundings(
            dialects={name: self.connections[name].type.dialect for name in places},
            bind=engine.bind,
            evaluate=engine.evaluate,
            load=lambda columns: loader(target, f"model {request.name!r}").columns(columns),
            now=self.now,
            answers=answers,
            engine=engine.dialect,
            foldings=engine.foldings,
        )
        return make_plan(request, tables.by_marker, around)
