"""Tables on a target that are filled from extracted columns, in their own types if the target has those."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dvt.core.plan import LoadColumn
from dvt.core.queries import ExtractedColumn
from dvt.core.requests import NodeRequest
from dvt.core.tables import StageColumn
from dvt.federation.plan.source_queries import quoted
from dvt.federation.plan.state import PlanContext


def table_for(
    extracted: Sequence[ExtractedColumn],
    names: Sequence[str],
    source: str,
    request: NodeRequest,
    context: PlanContext,
) -> tuple[tuple[LoadColumn, ...], str]:
    """Return the columns of a table for extracted ones, and its definition if it has types of their own.

    Args:
        extracted: the columns, of a database of the dialect `source`.
        names: their names in the table.
        source: that dialect.
        request: the node on whose target the table is made.
        context: the target's types.
    """
    columns = [column.column for column in extracted]
    staged = [StageColumn(name, column.stage) for name, column in zip(names, columns, strict=True)]
    own = [context.own_type(column, source) if column.native else None for column in columns]
    loads = tuple(
        replace(load, native=type_ or load.native, loses=None if type_ else load.loses, surrogate=column.name)
        for column, type_, load in zip(extracted, own, context.load(staged), strict=True)
    )
    target = context.dialects[request.stage.connection]
    return loads, definition(loads, target) if any(own) else ""


def definition(columns: Sequence[LoadColumn], dialect: str) -> str:
    """Return the part of the DDL after `CREATE TABLE <name>` for these columns."""
    return f"({', '.join(f'{quoted(column.name, dialect)} {column.native}' for column in columns)})"
