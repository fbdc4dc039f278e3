"""Plans of models that are computed where all that they read is, and the reasons why one cannot be."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from dvt.core.errors import DvtError, PlaceImpossible
from dvt.core.names import TableRef
from dvt.core.plan import LoadColumn, SourcePlan
from dvt.core.ports.connectors import AnswerRules, CanAnswer, DescribedAnswer
from dvt.core.ports.engines import Engine
from dvt.core.queries import ExtractedColumn, Sql
from dvt.core.reports import Notice
from dvt.core.requests import NodeRequest, Translate
from dvt.federation.connections import Connection, Connections
from dvt.federation.plan import Parsed, plan_values_of_this
from dvt.federation.plan.at_source import ModelText, depends_on, load_of_answer, query_at_source, text_of
from dvt.federation.planning import Planning, Resolved, own_functions
from dvt.federation.ways_out import ANOTHER_PLACE

_AS_IT_IS = f"{ANOTHER_PLACE}; `translate: best_effort` takes the answer of the source as it is"
"""Hint for a model whose answer at the source may be another than on the target."""


@dataclass(frozen=True, slots=True)
class SourcePlanning:
    """Makes the plans of one run for models that are computed at their source. Thread-safe."""

    connections: Connections
    planning: Planning
    _rules: dict[str, AnswerRules] = field(default_factory=dict)
    _described: dict[tuple[str, Sql, int], DescribedAnswer] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    """Guards the two caches; it is held while a database describes an answer."""

    def plan(self, tables: Resolved, engine: Engine) -> SourcePlan:
        """Plan the node's SQL as one query; PlaceImpossible where it cannot be, or is not proven to be right.

        SqlInvalid where the database refuses it.
        """
        parsed, request = tables.parsed, tables.parsed.request
        context = self.planning.context(tables, engine)
        this = plan_values_of_this(parsed, tables.by_unique_id, context)
        if this is None:
            why = "it reads its own table, which is on its target, for more than a highest or lowest value"
            raise _impossible(request, why, ANOTHER_PLACE)
        source, target = self._databases(parsed)
        rules = self._answer_rules(target)
        doubts = [
            *filter(None, [request.in_own_session, depends_on(parsed)]),
            *(f"it calls {part.construct}: {part.why}" for part in own_functions(parsed, target)),
            *_differences(self._answer_rules(source), rules, source, target),
        ]
        _refuse(request, doubts)  # before the database is asked, and a PIVOT looks at its data
        text = text_of(parsed, this)
        described = self._describe(source, text, rules.settings)
        doubts += described.foreign
        _refuse(request, doubts)
        dialect = source.type.dialect
        query = query_at_source(parsed, text, described.columns, dialect, rules.settings)
        names = self._names(described, tables, engine)
        load = load_of_answer(parsed, query, names, dialect, context)
        notices = [Notice("DVT003", f"its answer may differ from the target's: {doubt}") for doubt in doubts]
        return SourcePlan(
            node=request.unique_id,
            file=request.file,
            query=query,
            load=load,
            scalar_queries=this.queries,
            notices=(*notices, *_losses(query.columns, load.columns)),
        )

    def _names(self, described: DescribedAnswer, tables: Resolved, engine: Engine) -> list[str]:
        """Return the names of the answer's columns; those that show a table are as at every other place."""
        names = [column.name for column in described.columns]
        if any("select " in name.casefold() for name in names):
            with suppress(DvtError):  # the engine cannot compute it, so there is no other name
                elsewhere = [column.name for column in self.planning.plan(tables, engine).load.columns]
                return elsewhere if len(elsewhere) == len(names) else names
        return names

    def _databases(self, parsed: Parsed) -> tuple[Connection, Connection]:
        """Return the one database that has all that the node reads, and the target."""
        request = parsed.request
        if request.only_on_target:
            raise _impossible(request, request.only_on_target, ANOTHER_PLACE)
        names = sorted({read.table.connection for read in parsed.inputs.values() if not read.this})
        target = self.connections[request.stage.connection]
        if len(names) != 1:
            where = f"is on {' and '.join(names)}" if names else "is nowhere"
            raise _impossible(request, f"what it reads {where}", ANOTHER_PLACE)
        source = self.connections[names[0]]
        if request.dialect != source.type.dialect:
            why = f"it is written in {request.dialect}, which {source.name} does not speak"
            raise _impossible(request, why, ANOTHER_PLACE)
        if request.dialect != target.type.dialect:
            why = f"it is written in {request.dialect}, which {target.name} does not speak"
            raise _impossible(request, why, ANOTHER_PLACE)
        return source, target

    def _answer_rules(self, connection: Connection) -> AnswerRules:
        with self._lock:
            if connection.name not in self._rules:
                with connection.in_flight.describing():
                    self._rules[connection.name] = _computing(connection).answer_rules()
            return self._rules[connection.name]

    def _describe(self, source: Connection, text: ModelText, settings: Mapping[str, str]) -> DescribedAnswer:
        """Describe the answer, again after the run has written anything on the connection."""
        sql, tables = text.described, text.tables
        key = _key(source.name, sql, tables, settings, source.writes.last)
        with self._lock:
            if key not in self._described:
                with source.in_flight.describing():
                    self._described[key] = _computing(source).describe_answer(sql, tables, settings)
            return self._described[key]


def _computing(connection: Connection) -> CanAnswer:
    """Return the connection's connector as one that computes models; PlaceImpossible if it cannot."""
    if not isinstance(connection.connector, CanAnswer):
        why = f"outputs of type {connection.type.name} compute no models"
        raise PlaceImpossible("a model", "at its source", why, ANOTHER_PLACE)
    return connection.connector


def _key(
    name: str, text: Sql, tables: tuple[TableRef, ...], settings: Mapping[str, str], state: int
) -> tuple[str, Sql, int]:
    return f"{name} {tables} {settings}", text, state


def _refuse(request: NodeRequest, doubts: Sequence[str]) -> None:
    """Raise PlaceImpossible for the first doubt, unless the model accepts doubts."""
    if doubts and request.translate is not Translate.BEST_EFFORT:
        raise _impossible(request, doubts[0], _AS_IT_IS)


def _impossible(request: NodeRequest, why: str, way_out: str) -> PlaceImpossible:
    return PlaceImpossible(f"model {request.name!r}", "at its source", why, way_out)


def _differences(
    rules: AnswerRules, wanted: AnswerRules, source: Connection, target: Connection
) -> Iterator[str]:
    """Yield what may make a source answer otherwise than the target."""
    facts = {**rules.fixed, **rules.as_source}
    for name in dict.fromkeys((*wanted.fixed, *facts)):
        here, there = facts.get(name, "unknown"), wanted.fixed.get(name, "unknown")
        if here != there:
            yield f"{name} of {source.name} is {here}, that of {target.name} {there}"


def _losses(extracted: tuple[ExtractedColumn, ...], loads: tuple[LoadColumn, ...]) -> Iterator[Notice]:
    for column, load in zip(extracted, loads, strict=True):
        native = column.column.native
        loses = load.loses or (column.column.loses if load.native != native else None)
        if loses:
            message = f"output column {load.name} ({native} as {load.native}): {loses}"
            yield Notice("DVT002", message, output=load.name)
