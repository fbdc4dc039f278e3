"""Names and types of a translated model's outputs, as an engine that speaks its dialect tells them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dvt.core.plan import Binding, TransformTable
from dvt.core.tables import StageColumn
from dvt.core.types import Kind, StageType
from dvt.federation.plan.state import PlanState, Unproven
from dvt.federation.plan.values import with_samples


def bound_as_written(state: PlanState, tables: Sequence[TransformTable]) -> Binding | None:
    """Bind the model's own text on these tables; None where no engine of its dialect is asked."""
    if state.context.bind_own is None or not state.own_sql:
        return None
    return state.context.bind_own(with_samples(state.own_sql, state.samples, state.dialect), tables, ())


def unlike(state: PlanState, bound: Sequence[StageColumn], own: Sequence[StageColumn]) -> Iterator[Unproven]:
    """Yield the outputs whose values the compute engine has in another type than as written."""
    if len(bound) != len(own):
        yield Unproven("the SQL", None, f"it has {len(own)} outputs, and {len(bound)} in the compute engine")
        return
    for column, written in zip(bound, own, strict=True):
        if not _is_alike(column.type, written.type):
            why = f"its type is {written.type} in {state.dialect}, and {column.type} in the compute engine"
            yield Unproven(f"output {written.name}", None, why)


def _is_alike(type_: StageType, other: StageType) -> bool:
    """True if a cast to the other type changes no value, but that it may find too many digits."""
    if type_ == other or type_.kind is Kind.NULL:
        return True
    if type_.kind is Kind.DECIMAL and other.kind in (Kind.DECIMAL, Kind.HUGEINT):
        return (type_.scale or 0) == (other.scale or 0)
    return type_.kind in _MOMENTS and other.kind in _MOMENTS


_MOMENTS = frozenset({Kind.TIMESTAMP, Kind.TIMESTAMP_S, Kind.TIMESTAMP_MS})
"""Kinds of which an engine may have one alone."""
