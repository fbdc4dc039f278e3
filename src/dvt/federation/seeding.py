"""A seed's way from its file to a stage table on its target."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from dvt.core.plan import Load
from dvt.core.ports.connectors import CanLoad
from dvt.core.ports.seeds import OpenSeed, surrogate
from dvt.core.ports.staging import Dataset, Sink
from dvt.core.reports import Notice
from dvt.core.seeds import SeedColumn, SeedFacts, SeedKind, SeedRequest, SeedType, Typed, missing
from dvt.core.tables import StageColumn
from dvt.core.types import VARCHAR, Kind, StageType
from dvt.federation.connections import Connection
from dvt.federation.metrics import NodeMetrics
from dvt.federation.stage_tables import loader

_WIDTHS = (Kind.TINYINT, Kind.SMALLINT, Kind.INTEGER, Kind.BIGINT, Kind.DECIMAL)
"""Kinds of whole numbers, each of which holds those before it."""


def staged(  # noqa: PLR0917 - the parts of one step
    seed: OpenSeed, request: SeedRequest, typed: Typed, target: Connection, sink: Sink, metrics: NodeMetrics
) -> tuple[Load, Dataset]:
    """Stage a seed's rows; return them and the table to make of them."""
    started = time.monotonic()
    facts = seed.inspect(request.given, request.sample)
    if request.unused:
        metrics.notice(_unused(request))
    if absent := missing(request.given, [column.name for column in facts.columns]):
        metrics.notice(_absent(request, absent, facts))
    fills = loader(target, f"seed {request.name!r}")
    types = [
        _wide_enough(type_, column, fills) for type_, column in zip(typed(facts), facts.columns, strict=True)
    ]
    load = _load(request, types, fills)
    for notice in _lossy(request, facts, load):
        metrics.notice(notice)
    dataset = seed.stage(types, sink)
    seconds = time.monotonic() - started
    metrics.read(request.source.shown, dataset, seconds)
    return load, dataset


def key(request: SeedRequest) -> str:
    """Return the key under which a seed's rows are staged."""
    return hashlib.sha256(f"{request.unique_id}\n{request.stage}".encode()).hexdigest()[:24]


def _wide_enough(type_: SeedType, column: SeedColumn, target: CanLoad) -> SeedType:
    """Return the type that dbt's adapter has for a column; a wider one for numbers that it cannot hold."""
    if type_.is_given:
        return replace(type_, stage=type_.stage or VARCHAR)
    if column.kind is SeedKind.TYPED or not _holds(type_.stage, column.stage):
        (load,) = target.columns([StageColumn(type_.name, column.stage)])
        type_ = replace(type_, native=load.native)
    return replace(type_, stage=column.stage)


def _holds(native: StageType | None, needed: StageType) -> bool:
    if native is None or native.kind not in _WIDTHS or needed.kind not in _WIDTHS:
        return True
    return _WIDTHS.index(native.kind) >= _WIDTHS.index(needed.kind)


def _load(request: SeedRequest, types: Sequence[SeedType], target: CanLoad) -> Load:
    columns = target.columns([StageColumn(type_.name, type_.stage or VARCHAR) for type_ in types])
    definition = ", ".join(f"{type_.quoted} {type_.native}" for type_ in types)
    return Load(
        stage=request.stage,
        columns=tuple(
            replace(column, surrogate=surrogate(place), native=types[place].native)
            for place, column in enumerate(columns)
        ),
        definition=f"({definition})",
        bucket=request.bucket,
    )


def _lossy(request: SeedRequest, facts: SeedFacts, load: Load) -> Iterator[Notice]:
    """Yield a warning for each column of which staging or the target cannot hold all."""
    for column, loaded in zip(facts.columns, load.columns, strict=True):
        is_given = column.name in request.given
        loses = "" if is_given or column.kind is not SeedKind.TYPED else column.loses or loaded.loses
        if loses:
            message = (
                f"{request.source.shown}, column {column.name} ({column.stage} as {loaded.native}): {loses}"
            )
            hint = f"give the column another type: `column_types: {{{column.name}: …}}`"
            yield Notice("DVT002", message, hint)


def _unused(request: SeedRequest) -> Notice:
    why = "rows are loaded in bulk" if request.unused == ("batch_size",) else "the file says itself how it is"
    return Notice("DVT035", f"{', '.join(request.unused)} changes nothing: {why}", "remove it")


def _absent(request: SeedRequest, absent: Sequence[str], facts: SeedFacts) -> Notice:
    known = ", ".join(column.name for column in facts.columns)
    message = (
        f"column_types of seed {request.name!r} names {', '.join(absent)}, which {request.source.shown} lacks"
    )
    return Notice("DVT010", message, f"its columns are {known}")
