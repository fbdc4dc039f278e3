"""Sizes of what the engine computes: as the target gives them to outputs of its own."""

from __future__ import annotations

from dataclasses import replace

from dvt.core.errors import DvtError
from dvt.core.plan import FederationPlan
from dvt.core.ports.connectors import CanSize
from dvt.core.ports.engines import Engine
from dvt.core.requests import Translate
from dvt.federation.plan import definition
from dvt.federation.planning import Planning, Resolved


def with_own_sizes(
    planning: Planning, plan: FederationPlan, tables: Resolved, engine: Engine
) -> FederationPlan:
    """Return a node's plan with outputs of the sizes that its target would give them.

    The target is asked over empty copies of what is elsewhere, in its own language.
    """
    request = tables.parsed.request
    target = planning.connections[request.stage.connection]
    dialect, connector = target.type.dialect, target.connector
    speaks = request.dialect == dialect and request.translate is not Translate.BEST_EFFORT
    if not isinstance(connector, CanSize) or not speaks or request.contract:
        return plan
    try:
        copies = planning.copies(tables, engine)
    except DvtError:  # the target could not compute it
        return plan
    if copies.scalar_queries:
        return plan
    definitions = [copy.definition or definition(copy.columns, dialect) for copy in copies.copies]
    with target.in_flight.describing():
        columns = connector.with_own_sizes(plan.load.columns, copies.sql, definitions)
    load = replace(plan.load, columns=columns, definition=definition(columns, dialect))
    return replace(plan, load=load) if columns != plan.load.columns else plan
