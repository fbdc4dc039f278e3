"""The choice of the place where a model is computed: among those whose answer is proven, the cheapest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from dvt.core.errors import ColumnNotFound, DvtError, NotATarget, PlaceImpossible
from dvt.core.estimates import shown
from dvt.core.places import AUTO, Choice, Option, Place
from dvt.core.ports.engines import Engine
from dvt.core.queries import SourceQuery
from dvt.core.requests import NodeRequest
from dvt.federation.connections import Connections
from dvt.federation.planning import Planning, Resolved
from dvt.federation.stage_tables import loader

_COPYING = 3
"""Cost of a byte that is copied to a target, where a byte that is extracted costs 1: it is sent twice, and
written into a table with an index."""
_COPY = 1_000_000
"""Cost of a copy, in bytes, beside that of its rows: a table is made, indexed, analysed and dropped."""


@dataclass(frozen=True, slots=True)
class Choosing:
    """Chooses places in a run."""

    connections: Connections
    planning: Planning

    def is_at_target(self, request: NodeRequest, tables: Resolved, engine: Engine) -> bool:
        """True if the target computes the node; other places are weighed only for `auto`."""
        if request.compute == Place.TARGET or request.only_on_target:
            return True
        is_open = (request.compute or AUTO) == AUTO
        return is_open and self.choose(request, tables, engine).place is Place.TARGET

    def choose(self, request: NodeRequest, tables: Resolved, engine: Engine) -> Choice:
        """Return the place and what the others would cost; PlaceImpossible if the named one cannot be.

        The engine is not refused where it is named: it refuses by itself what it cannot translate.
        """
        named = request.compute or AUTO
        options = (self._target(request, tables, engine), self._engine(request, tables, engine))
        if named == Place.SOURCE:
            why = "this version computes nothing at a source"
            raise PlaceImpossible(f"model {request.name!r}", "at its source", why, "compute: auto, or target")
        if named == Place.TARGET or request.only_on_target:
            target = options[0]
            if target.problem:
                way_out = "compute: auto, or the name of an engine"
                raise PlaceImpossible(f"model {request.name!r}", "on its target", target.problem, way_out)
            return Choice(target.place, request.only_on_target or "it says so", options)
        if named != AUTO:
            return Choice(Place.ENGINE, "it says so", options)
        return _cheapest(options)

    def _target(self, request: NodeRequest, tables: Resolved, engine: Engine) -> Option:
        target = self.connections[request.stage.connection]
        if request.dialect != target.type.dialect:
            problem = f"it is written in {request.dialect}, which {target.name} does not speak"
            return Option(Place.TARGET, problem=problem)
        try:
            loader(target, f"model {request.name!r}")
            queries = [copy.query for copy in self.planning.copies(tables, engine).copies]
        except NotATarget as error:
            return Option(Place.TARGET, problem=error.message)
        return self._priced(Option(Place.TARGET), queries, _COPYING, _COPY * len(queries))

    def _engine(self, request: NodeRequest, tables: Resolved, engine: Engine) -> Option:
        option = Option(Place.ENGINE)
        if request.only_on_target:
            return replace(option, problem=request.only_on_target)
        unproven = self.planning.unproven(tables, engine)
        if unproven:
            first = unproven[0]
            where = f" (line {first.line})" if first.line else ""
            return replace(option, problem=f"{first.construct}{where} is not proven there: {first.why}")
        try:
            plan = self.planning.plan(tables, engine)
        except ColumnNotFound as error:
            if request.stage.connection not in tables.connections:
                raise
            return replace(option, problem=error.message)  # the target's tables may have system columns
        except DvtError as error:
            return replace(option, problem=error.message)
        return self._priced(option, [*plan.scalar_queries, *plan.queries], 1, 0)

    def _priced(self, option: Option, queries: Iterable[SourceQuery], per_byte: int, fixed: int) -> Option:
        """Return the option with what it moves and costs; both are None if a database cannot tell."""
        estimates = self.connections.estimate(list(queries))
        known = [estimate for estimate in estimates if estimate is not None]
        if len(known) < len(estimates):
            return option
        rows, moved = sum(one.rows for one in known), sum(one.bytes for one in known)
        return replace(option, rows=rows, bytes=moved, cost=moved * per_byte + fixed)


def _cheapest(options: tuple[Option, ...]) -> Choice:
    """Choose among the possible places; the engine where costs are not known, the target if none is possible.

    The target then raises the error: it is closest to what the user's own database would say.
    """
    target, engine = options
    if engine.problem:
        return Choice(Place.TARGET if not target.problem else Place.ENGINE, engine.problem, options)
    if target.problem:
        return Choice(Place.ENGINE, target.problem, options)
    if target.cost is None or engine.cost is None:
        return Choice(Place.ENGINE, "what it would move is not known", options)
    place = Place.TARGET if target.cost <= engine.cost else Place.ENGINE
    chosen = target if place is Place.TARGET else engine
    return Choice(place, f"it costs less there: {shown(chosen.rows or 0, chosen.bytes)} move", options)
