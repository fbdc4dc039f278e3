"""The narrowest type that holds every value of several types exactly.

>>> common_type(StageType.parse("INTEGER"), StageType.parse("DECIMAL(9,2)"))
DECIMAL(12,2)
>>> common_type(StageType.parse('STRUCT("a" DATE)'), StageType.parse('STRUCT("a" TIMESTAMP, "b" DATE)'))
STRUCT("a" TIMESTAMP, "b" DATE)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from dvt.core.types import MAX_DIGITS, Kind, Part, StageType, decimal, list_of

_BITS: Mapping[Kind, tuple[int, bool]] = {
    Kind.TINYINT: (8, True),
    Kind.UTINYINT: (8, False),
    Kind.SMALLINT: (16, True),
    Kind.USMALLINT: (16, False),
    Kind.INTEGER: (32, True),
    Kind.UINTEGER: (32, False),
    Kind.BIGINT: (64, True),
    Kind.UBIGINT: (64, False),
    Kind.HUGEINT: (128, True),
    Kind.UHUGEINT: (128, False),
}
"""Whole numbers, from narrow to wide → bits, and whether they have a sign."""
_DIGITS = {8: 3, 16: 5, 32: 10, 64: 20}
"""Bits → most decimal digits."""
_MANTISSA = {Kind.FLOAT: 24, Kind.DOUBLE: 53}
"""Bits of whole numbers that a floating-point type holds exactly."""
_MOMENTS = (Kind.DATE, Kind.TIMESTAMP_S, Kind.TIMESTAMP_MS, Kind.TIMESTAMP, Kind.TIMESTAMP_NS)
"""Dates and times, each of which holds those before it; one out of the range of the last is an error."""
_PARTS_OF_ONE = {Kind.LIST, Kind.ARRAY, Kind.MAP}
"""Kinds whose parts correspond by their place."""


def common_type(one: StageType, other: StageType, *, unite: bool = True) -> StageType | None:
    """Return the narrowest type that holds the values of both exactly; None if there is none.

    `unite` lets two STRUCTs have different fields: one that is missing is NULL.
    """
    if one == other or Kind.NULL in {one.kind, other.kind}:
        return other if one.kind is Kind.NULL else one
    if one.is_number and other.is_number:
        return _number(one, other)
    if one.is_approximate or other.is_approximate:
        return _approximate(one, other)
    if {one.kind, other.kind} == {Kind.JSON, Kind.VARCHAR}:
        return StageType(Kind.VARCHAR)
    if one.kind in _MOMENTS and other.kind in _MOMENTS:
        return max(one, other, key=lambda type_: _MOMENTS.index(type_.kind))
    return _nested(one, other, unite=unite)


def _number(one: StageType, other: StageType) -> StageType | None:
    if one.is_integer and other.is_integer:
        return next((StageType(kind) for kind in _BITS if _holds(kind, one) and _holds(kind, other)), None)
    scale = max(one.scale or 0, other.scale or 0)
    before = [_digits_before(type_) for type_ in (one, other)]
    if None in before:
        return None
    digits = max(number for number in before if number is not None) + scale
    return decimal(digits, scale) if digits <= MAX_DIGITS else None


def _holds(kind: Kind, type_: StageType) -> bool:
    (bits, signed), (own_bits, own_signed) = _BITS[kind], _BITS[type_.kind]
    if signed == own_signed:
        return bits >= own_bits
    return signed and bits > own_bits


def _digits_before(type_: StageType) -> int | None:
    if type_.kind is Kind.DECIMAL:
        return (type_.precision or 0) - (type_.scale or 0)
    return _DIGITS.get(_BITS[type_.kind][0])


def _approximate(one: StageType, other: StageType) -> StageType | None:
    for kind, bits in _MANTISSA.items():
        if all(
            type_.kind is kind
            or (type_.kind is Kind.FLOAT and kind is Kind.DOUBLE)
            or (type_.is_integer and _BITS[type_.kind][0] < bits)
            for type_ in (one, other)
        ):
            return StageType(kind)
    return None


def _nested(one: StageType, other: StageType, *, unite: bool) -> StageType | None:
    if one.kind is other.kind is Kind.STRUCT:
        return _struct(one, other, unite=unite)
    if not {one.kind, other.kind} <= _PARTS_OF_ONE or (one.kind is Kind.MAP) != (other.kind is Kind.MAP):
        return None
    parts = [
        common_type(own.type, their.type, unite=unite)
        for own, their in zip(one.parts, other.parts, strict=True)
    ]
    known = [part for part in parts if part is not None]
    if len(known) != len(parts):
        return None
    if one.kind is not Kind.MAP:
        return list_of(known[0])
    return replace(
        one, parts=tuple(Part(part.name, type_) for part, type_ in zip(one.parts, known, strict=True))
    )


def _struct(one: StageType, other: StageType, *, unite: bool) -> StageType | None:
    """Return a STRUCT of the fields of both; a field that one lacks is NULL there."""
    fields: dict[str, Part] = {part.name.lower(): part for part in one.parts}
    if not unite and fields.keys() != {part.name.lower() for part in other.parts}:
        return None
    for part in other.parts:
        own = fields.get(part.name.lower())
        type_ = part.type if own is None else common_type(own.type, part.type, unite=unite)
        if type_ is None:
            return None
        fields[part.name.lower()] = Part(own.name if own else part.name, type_)
    return replace(one, parts=tuple(fields.values()))
