"""Types of staged columns, as values with one spelling each.

A type is spelled as DuckDB spells it, but for the names of fields, which always stand in quotes.

    >>> StageType.parse("STRUCT(a DECIMAL(10,2), b INTEGER[])")
    STRUCT("a" DECIMAL(10,2), "b" INTEGER[])
    >>> StageType.parse("DECIMAL(10,2)").scale
    2
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar


class Kind(StrEnum):
    """Kinds of types, without sizes and parts."""

    BOOLEAN = "BOOLEAN"
    TINYINT = "TINYINT"
    SMALLINT = "SMALLINT"
    INTEGER = "INTEGER"
    BIGINT = "BIGINT"
    HUGEINT = "HUGEINT"
    UTINYINT = "UTINYINT"
    USMALLINT = "USMALLINT"
    UINTEGER = "UINTEGER"
    UBIGINT = "UBIGINT"
    UHUGEINT = "UHUGEINT"
    BIGNUM = "BIGNUM"
    """A whole number of any size."""
    DECIMAL = "DECIMAL"
    FLOAT = "FLOAT"
    DOUBLE = "DOUBLE"
    VARCHAR = "VARCHAR"
    JSON = "JSON"
    ENUM = "ENUM"
    BLOB = "BLOB"
    BIT = "BIT"
    UUID = "UUID"
    DATE = "DATE"
    TIME = "TIME"
    TIME_NS = "TIME_NS"
    TIMETZ = "TIME WITH TIME ZONE"
    TIMESTAMP = "TIMESTAMP"
    TIMESTAMP_S = "TIMESTAMP_S"
    TIMESTAMP_MS = "TIMESTAMP_MS"
    TIMESTAMP_NS = "TIMESTAMP_NS"
    TIMESTAMPTZ = "TIMESTAMP WITH TIME ZONE"
    INTERVAL = "INTERVAL"
    GEOMETRY = "GEOMETRY"
    VARIANT = "VARIANT"
    LIST = "LIST"
    ARRAY = "ARRAY"
    STRUCT = "STRUCT"
    MAP = "MAP"
    UNION = "UNION"
    NULL = '"NULL"'
    """The type of NULL without a cast."""


MAX_DIGITS = 38
"""Highest precision of a DECIMAL in staging, as of DuckDB's."""
INTEGERS = frozenset(
    {
        *(Kind.TINYINT, Kind.SMALLINT, Kind.INTEGER, Kind.BIGINT, Kind.HUGEINT),
        *(Kind.UTINYINT, Kind.USMALLINT, Kind.UINTEGER, Kind.UBIGINT, Kind.UHUGEINT),
    }
)
"""Kinds of whole numbers of a fixed size."""

_TIMESTAMPS = frozenset(
    {Kind.TIMESTAMP, Kind.TIMESTAMP_S, Kind.TIMESTAMP_MS, Kind.TIMESTAMP_NS, Kind.TIMESTAMPTZ}
)
"""Kinds of a date with a time, with or without a zone."""


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a STRUCT, a member of a UNION, the element of a LIST or ARRAY, a MAP's key or value."""

    name: str
    """`element`, `key` or `value` for a part without a name of its own."""
    type: StageType


@dataclass(frozen=True, slots=True, repr=False)
class StageType:
    """The type of a staged column. Two are equal when they are the same type."""

    kind: Kind
    precision: int | None = None
    """Digits of a DECIMAL."""
    scale: int | None = None
    """Digits of a DECIMAL behind the point."""
    parts: tuple[Part, ...] = ()
    values: tuple[str, ...] = ()
    """Values of an ENUM, in their order."""
    size: int | None = None
    """Elements of an ARRAY."""
    reference: str | None = None
    """Coordinate reference system of a GEOMETRY."""

    @classmethod
    def parse(cls, text: str) -> StageType:
        """Parse a type as `str` or DuckDB spells it; UnknownType for other texts.

        A STRUCT without names (`row(1, 2)`) is such a text: no SQL can cast to it.
        """
        reader = _Reader(text)
        type_ = reader.type()
        reader.end()
        return type_

    def __str__(self) -> str:
        """Spell the type, so that `parse` and DuckDB's SQL read it."""
        spell = _SPELLED.get(self.kind)
        return spell(self) if spell is not None else self.kind.value

    __repr__ = __str__

    @property
    def is_integer(self) -> bool:
        """True for whole numbers of a fixed size."""
        return self.kind in INTEGERS

    @property
    def is_number(self) -> bool:
        """True for numbers that are exact: whole, or with a fixed number of digits behind the point."""
        return self.is_integer or self.kind is Kind.DECIMAL

    @property
    def is_approximate(self) -> bool:
        """True for floating point."""
        return self.kind in {Kind.FLOAT, Kind.DOUBLE}

    @property
    def is_text(self) -> bool:
        """True for plain text, which JSON and ENUM are not."""
        return self.kind is Kind.VARCHAR

    @property
    def is_timestamp(self) -> bool:
        """True for a date with a time, with or without a zone."""
        return self.kind in _TIMESTAMPS

    @property
    def element(self) -> StageType:
        """The type of a LIST's or ARRAY's elements."""
        return self.parts[0].type

    def with_parts(self, change: Callable[[StageType], StageType]) -> StageType:
        """Return the type with each part's type changed."""
        return replace(self, parts=tuple(Part(part.name, change(part.type)) for part in self.parts))


class UnknownType(ValueError):
    """A text that spells no type of staged columns."""

    def __init__(self, text: str) -> None:
        super().__init__(f"no type of staged columns: {text}")
        self.text = text


def decimal(precision: int, scale: int) -> StageType:
    """Return the type of numbers with `precision` digits, `scale` of them behind the point."""
    return StageType(Kind.DECIMAL, precision=precision, scale=scale)


def rounded_precision(precision: int, scale: int, decimals: int) -> int:
    """Return the digits of a decimal that is rounded to `decimals` behind the point: it may carry over.

    Example:
        >>> rounded_precision(10, 2, 1), rounded_precision(38, 2, 4)
        (10, 38)
    """
    return min(MAX_DIGITS, precision - scale + max(decimals, 0) + 1)


def list_of(element: StageType) -> StageType:
    """Return the type of lists of any length."""
    return StageType(Kind.LIST, parts=(Part("element", element),))


def enum_of(values: Sequence[str]) -> StageType:
    """Return the type of texts out of `values`, which sort in this order."""
    return StageType(Kind.ENUM, values=tuple(values))


def array_of(element: StageType, size: int) -> StageType:
    """Return the type of lists with `size` elements."""
    return StageType(Kind.ARRAY, parts=(Part("element", element),), size=size)


BOOLEAN = StageType(Kind.BOOLEAN)
TINYINT = StageType(Kind.TINYINT)
SMALLINT = StageType(Kind.SMALLINT)
INTEGER = StageType(Kind.INTEGER)
BIGINT = StageType(Kind.BIGINT)
HUGEINT = StageType(Kind.HUGEINT)
UTINYINT = StageType(Kind.UTINYINT)
USMALLINT = StageType(Kind.USMALLINT)
UINTEGER = StageType(Kind.UINTEGER)
UBIGINT = StageType(Kind.UBIGINT)
FLOAT = StageType(Kind.FLOAT)
DOUBLE = StageType(Kind.DOUBLE)
VARCHAR = StageType(Kind.VARCHAR)
JSON = StageType(Kind.JSON)
BLOB = StageType(Kind.BLOB)
UUID = StageType(Kind.UUID)
DATE = StageType(Kind.DATE)
TIME = StageType(Kind.TIME)
TIMETZ = StageType(Kind.TIMETZ)
TIMESTAMP = StageType(Kind.TIMESTAMP)
TIMESTAMPTZ = StageType(Kind.TIMESTAMPTZ)
INTERVAL = StageType(Kind.INTERVAL)


def _named(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _fields(type_: StageType) -> str:
    return f"{type_.kind.value}({', '.join(f'{_named(part.name)} {part.type}' for part in type_.parts)})"


_SPELLED: dict[Kind, Callable[[StageType], str]] = {
    Kind.DECIMAL: lambda type_: f"DECIMAL({type_.precision},{type_.scale})",
    Kind.ENUM: lambda type_: f"ENUM({', '.join(_literal(value) for value in type_.values)})",
    Kind.GEOMETRY: lambda type_: f"GEOMETRY({_literal(type_.reference)})" if type_.reference else "GEOMETRY",
    Kind.LIST: lambda type_: f"{type_.element}[]",
    Kind.ARRAY: lambda type_: f"{type_.element}[{type_.size}]",
    Kind.MAP: lambda type_: f"MAP({type_.parts[0].type}, {type_.parts[1].type})",
    Kind.STRUCT: _fields,
    Kind.UNION: _fields,
}
"""Spelling of the kinds that have sizes, parts or values."""

_QUOTED = re.compile(r'"((?:[^"]|"")+)" ')
_WORD = re.compile(r"([A-Za-z_][A-Za-z0-9_]*) (?!WITH TIME ZONE)")
_TEXT = re.compile(r"'((?:[^']|'')*)'")
_SIZES = re.compile(r"\((\d+),(\d+)\)")
_BRACKETS = re.compile(r"\[(\d*)\]")
_OPEN, _COMMA, _CLOSE = re.compile(r"\("), re.compile(", "), re.compile(r"\)")
_KIND = re.compile(
    "|".join(
        re.escape(kind) + ("" if kind is Kind.NULL else r"(?![A-Za-z0-9_])")
        for kind in sorted(set(Kind) - {Kind.LIST, Kind.ARRAY}, key=len, reverse=True)
    )
)
_Read = TypeVar("_Read")


class _Reader:
    """Reads a type's text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def type(self) -> StageType:
        type_ = self._plain(Kind(self._need(_KIND)[0]))
        while (size := self._take(_BRACKETS)) is not None:
            type_ = array_of(type_, int(size[1])) if size[1] else list_of(type_)
        return type_

    def end(self) -> None:
        if self._at != len(self._text):
            raise UnknownType(self._text)

    def _plain(self, kind: Kind) -> StageType:
        if kind is Kind.DECIMAL:
            sizes = self._need(_SIZES)
            return decimal(int(sizes[1]), int(sizes[2]))
        if kind is Kind.ENUM:
            return StageType(kind, values=tuple(self._listed(self._literal)))
        if kind is Kind.MAP:
            return StageType(kind, parts=self._key_and_value())
        if kind in {Kind.STRUCT, Kind.UNION}:
            return StageType(kind, parts=tuple(self._listed(self._part)))
        if kind is Kind.GEOMETRY and self._text.startswith("(", self._at):
            return StageType(kind, reference=self._listed(self._literal)[0])
        return StageType(kind)

    def _key_and_value(self) -> tuple[Part, Part]:
        self._need(_OPEN)
        key = self.type()
        self._need(_COMMA)
        value = self.type()
        self._need(_CLOSE)
        return Part("key", key), Part("value", value)

    def _part(self) -> Part:
        if (quoted := self._take(_QUOTED)) is not None:
            return Part(quoted[1].replace('""', '"'), self.type())
        return Part(self._need(_WORD)[1], self.type())

    def _literal(self) -> str:
        return self._need(_TEXT)[1].replace("''", "'")

    def _listed(self, read: Callable[[], _Read]) -> list[_Read]:
        """Read a list in brackets, with commas between the items."""
        self._need(_OPEN)
        items = [read()]
        while self._take(_COMMA) is not None:
            items.append(read())
        self._need(_CLOSE)
        return items

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self._text, self._at)
        if match is not None:
            self._at = match.end()
        return match

    def _need(self, pattern: re.Pattern[str]) -> re.Match[str]:
        match = self._take(pattern)
        if match is None:
            raise UnknownType(self._text)
        return match
