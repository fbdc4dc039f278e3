"""Sizes of outputs that follow the data of the tables, as those made of PostgreSQL's numeric do.

The column of a table must not change its type with its data: an incremental model fills it for years.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from dvt.core.errors import SqlInvalid
from dvt.core.plan import Binding, TransformTable
from dvt.core.surrogates import surrogates
from dvt.core.tables import StageColumn
from dvt.core.types import MAX_DIGITS, Kind, StageType, decimal
from dvt.federation.plan.state import PlanState

_SCALE = 18
"""Scale of a table's column for numbers whose scale follows the data, unless they have a higher one."""

Bind = Callable[[Sequence[TransformTable]], Binding]
"""Binds the transform on empty tables."""


def widest_types(state: PlanState, bound: Sequence[StageColumn], bind: Bind) -> list[StageType | None]:
    """Return for each output a type that does not follow the data; None where its own does not.

    An output follows the data if its type is another one once the types of the tables' columns are.
    """
    others = [_with_other_sizes(state, table) for table in state.transform_tables]
    if others == list(state.transform_tables):
        return [None] * len(bound)
    try:
        rebound: Sequence[StageColumn | None] = bind(others).columns
    except SqlInvalid:
        rebound = [None] * len(bound)
    return [
        _widest(column.type, other.type if other else None)
        for column, other in zip(bound, rebound, strict=True)
    ]


def _with_other_sizes(state: PlanState, table: TransformTable) -> TransformTable:
    """Return a table whose columns that follow the data are of other sizes."""
    scan = next(scan for scan in state.scans if scan.alias == table.alias)
    follow = {column.name for column in surrogates(scan.table.columns) if column.column.follows_data}
    columns = (
        replace(column, type=_other_size(column.type)) if column.surrogate in follow else column
        for column in table.columns
    )
    return replace(table, columns=tuple(columns))


def _other_size(type_: StageType) -> StageType:
    return decimal(MAX_DIGITS - 1, min((type_.scale or 0) + 1, MAX_DIGITS - 1))


def _widest(type_: StageType, other: StageType | None) -> StageType | None:
    if type_.kind is not Kind.DECIMAL or type_ == other or type_.scale is None:
        return None
    if other is not None and other.scale == type_.scale:
        return decimal(MAX_DIGITS, type_.scale)
    digits = type_.precision or MAX_DIGITS
    # At 38 digits, the highest precision, a type does not tell how many digits come before the point.
    before = digits - type_.scale if digits < MAX_DIGITS else 0
    return decimal(MAX_DIGITS, max(min(_SCALE, MAX_DIGITS - before), type_.scale))
