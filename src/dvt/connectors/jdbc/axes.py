"""Columns whose values are steps of a line: whole numbers, decimals, dates and timestamps.

Texts are none: their order is that of a collation, in which different texts may be equal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

from dvt.core.tables import Column
from dvt.core.types import INTEGERS, MAX_DIGITS, Kind
from dvt.drivers.jdbc import Product

_EPOCH = date(1970, 1, 1)
_FIRST_DAY, _LAST_DAY = (date(1583, 1, 1) - _EPOCH).days, (date(9999, 12, 31) - _EPOCH).days
"""Days between which a range may end: before, databases count in different calendars."""
_SECONDS = 86_400
_UNITS = {Kind.TIMESTAMP: 10**6, Kind.TIMESTAMP_NS: 10**9}
"""Kind of timestamps → parts of a second that it counts. Ranges end at whole seconds."""
_HIGHEST = 2**63 - 1
_EXACT = Context(prec=2 * MAX_DIGITS)


@dataclass(frozen=True, slots=True)
class Axis:
    """How a column's values are steps, and how a step is written in SQL."""

    write: Callable[[int], str]
    """Returns a step as a literal of the database."""
    step: Callable[[Any], int]
    """Returns the step that a value, a scalar of Arrow, is on, or the last one before it."""
    first: int | None = None
    """Lowest step at which a range may end; None: any."""
    last: int | None = None
    """Highest step at which a range may end; None: any."""

    def between(self, low: int, high: int) -> tuple[int, int]:
        """Return the first and the last step at which a range of values from `low` to `high` may end."""
        return (
            low if self.first is None else max(low, self.first),
            high if self.last is None else min(high, self.last),
        )


def axis(column: Column, product: Product) -> Axis | None:
    """Return the axis of a column; None if its values cannot be cut into ranges."""
    kind = column.stage.kind
    if kind in INTEGERS:
        return Axis(lambda step: _number(step, product), lambda value: int(value.as_py()))
    if kind is Kind.DECIMAL:
        return _decimals(column.stage.scale or 0, product)
    if kind is Kind.DATE and product.date_literal:
        return _dates(product.date_literal)
    if kind in _UNITS and product.timestamp_literal:
        return _timestamps(product.timestamp_literal, _UNITS[kind])
    return None


def _number(step: int, product: Product) -> str:
    is_wide = abs(step) > _HIGHEST and product.wide_number
    return product.wide_number.format(step) if is_wide else str(step)


def _decimals(scale: int, product: Product) -> Axis:
    if not scale:
        return Axis(lambda step: _number(step, product), lambda value: int(value.as_py()))
    return Axis(
        lambda step: format(Decimal(step).scaleb(-scale, _EXACT), "f"),
        lambda value: int(value.as_py().scaleb(scale, _EXACT)),
    )


def _dates(literal: str) -> Axis:
    return Axis(
        lambda step: literal.format((_EPOCH + timedelta(days=step)).isoformat()),
        lambda value: int(value.cast("int32").as_py()),
        first=_FIRST_DAY,
        last=_LAST_DAY,
    )


def _timestamps(literal: str, units: int) -> Axis:
    return Axis(
        lambda step: literal.format(datetime.fromtimestamp(step, UTC).strftime("%Y-%m-%d %H:%M:%S")),
        lambda value: int(value.cast("int64").as_py()) // units,
        first=_FIRST_DAY * _SECONDS,
        last=_LAST_DAY * _SECONDS,
    )
