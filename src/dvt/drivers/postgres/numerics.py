"""Stages PostgreSQL's numerics as DECIMAL, and has the server check each value of them.

A `numeric` without precision has no scale that would hold all its values, and one of more than 38 digits is
larger than any DECIMAL. So the present values say how many digits there are before and behind the point
(`measured`): a product of two DECIMAL(38,18) would overflow from 100 on. Until a model is known to read
such a column, it counts as DECIMAL(38,18), as in Spark. A number, because as text no sum could be built on
it; never DOUBLE, because that changes values silently. What fits no DECIMAL stops the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from dvt.core.tables import Column, TypeMapping
from dvt.core.types import MAX_DIGITS, decimal
from dvt.drivers.postgres.errors import MARK
from dvt.drivers.postgres.names import literal, quoted

DEFAULT_SCALE = 18
"""Scale of a staged numeric whose own scale is unknown or too large."""
_FEW_DIGITS = 18
"""Lowest precision of measured numbers: the highest that 64 bits hold."""
_SPARE_DIGITS = 2
"""Digits before the point that a measured type has beyond those of the largest value: rows may be added."""
_STAGEABLE = "{0} > -1e38 AND {0} < 1e38"
"""SQL condition: the value is no NaN, not infinite, and below the largest DECIMAL."""


def numeric(name: str, typmod: int) -> TypeMapping:
    """Map a numeric column."""
    if typmod < 0:
        return _following(name, MAX_DIGITS, DEFAULT_SCALE)
    precision, scale_ = declared(typmod)
    scale = max(scale_, 0)
    digits = max(precision - min(scale_, 0), scale_)
    if digits > MAX_DIGITS:
        if scale > DEFAULT_SCALE:
            # As many digits behind the point as those before it leave room for.
            scale = max(DEFAULT_SCALE, min(scale, MAX_DIGITS - (precision - scale_)))
        return _following(name, MAX_DIGITS, min(scale, MAX_DIGITS))
    native = f"numeric({digits},{scale})"
    mapping = TypeMapping(stage=decimal(digits, scale), exact=0 <= scale_ <= precision)
    return checked(mapping, name, native, "{0} = 'NaN'")


def declared(typmod: int) -> tuple[int, int]:
    """Return precision and scale; since PostgreSQL 15 a scale may be negative or exceed the precision."""
    packed = typmod - 4
    return (packed >> 16) & 0xFFFF, ((packed & 0x7FF) ^ 1024) - 1024


def checked(mapping: TypeMapping, name: str, native: str, refused: str) -> TypeMapping:
    """Return the mapping for values that are sent as `native`; one that meets `refused` stops the query."""
    message = literal(f"{MARK}|{name}|").replace("{", "{{").replace("}", "}}")
    read = f"CASE WHEN {refused} THEN ({message} || {{0}}::text)::{native} ELSE {{0}}::{native} END"
    return replace(mapping, read=read, misfit=refused)


def measured(cursor: Any, table: str, columns: Sequence[Column]) -> list[Column]:
    """Return numeric columns of a table with the stage types that their present values need."""
    parts = []
    for name in (quoted(column.name) for column in columns):
        stageable = _STAGEABLE.format(name)
        parts += [
            f"{part} FILTER (WHERE {stageable})"
            for part in (f"max(scale({name}))", f"max(min_scale({name}))", f"max(trunc(abs({name})))")
        ]
    cursor.execute(f"SELECT {', '.join(parts)} FROM {table}")
    row = cursor.fetchone()
    return [
        _sized(column, *row[place : place + 3])
        for place, column in zip(range(0, len(row), 3), columns, strict=True)
    ]


def _sized(column: Column, written: int | None, needed: int | None, largest: Decimal | None) -> Column:
    """Return a column with the DECIMAL for values of so many digits behind the point, the largest given."""
    before = len(f"{largest:f}") if largest else 0
    scale = written or 0
    if scale > DEFAULT_SCALE or before + scale > MAX_DIGITS:  # zeros at the end that need not be kept
        scale = needed or 0
    scale = min(scale, max(MAX_DIGITS - before, 0))
    digits = min(max(before + _SPARE_DIGITS + scale, _FEW_DIGITS), MAX_DIGITS)
    mapping = _following(column.name, digits, scale)
    return replace(column, stage=mapping.stage, read=mapping.read, misfit=mapping.misfit)


def _following(name: str, digits: int, scale: int) -> TypeMapping:
    """Stage as DECIMAL(digits,scale) what that does not change; NaN and infinity are not below the limit."""
    limit = f"1e{digits - scale}"
    misfit = f"NOT (abs({{0}}) < {limit} AND (scale({{0}}) <= {scale} OR {{0}} = round({{0}}, {scale})))"
    mapping = TypeMapping(stage=decimal(digits, scale), follows_data=True)
    return checked(mapping, name, f"numeric({digits},{scale})", misfit)
