"""Maps JDBC's types to stage types: each is exact, or says what is lost.

The codes are those of java.sql.Types. How a value travels follows from the stage type (`kind`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from dvt.core.tables import Column, TypeMapping
from dvt.core.types import (
    BIGINT,
    BLOB,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGERS,
    JSON,
    MAX_DIGITS,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TIMETZ,
    UUID,
    VARCHAR,
    Kind,
    StageType,
    decimal,
)
from dvt.drivers.jdbc.products import Product

_BIT, _TINYINT, _SMALLINT, _INTEGER, _BIGINT, _BOOLEAN = -7, -6, 5, 4, -5, 16
_FLOAT, _REAL, _DOUBLE, _NUMERIC, _DECIMAL = 6, 7, 8, 2, 3
_DECIMALS = frozenset({_NUMERIC, _DECIMAL})
_DATE, _TIME, _TIMESTAMP, _TIME_TZ, _TIMESTAMP_TZ = 91, 92, 93, 2013, 2014
_BINARIES = frozenset({-2, -3, -4, 2004})
"""BINARY, VARBINARY, LONGVARBINARY, BLOB."""
_TEXTS = frozenset({1, 12, -1, -15, -9, -16, 2005, 2011})
"""CHAR, VARCHAR, LONGVARCHAR, NCHAR, NVARCHAR, LONGNVARCHAR, CLOB, NCLOB."""
_UNREADABLE: Mapping[int, str] = {2000: "JAVA_OBJECT", 2002: "STRUCT", 2006: "REF", 2012: "REF_CURSOR"}
"""Types without a text that means their values."""
_INSTANT_CODES = frozenset({_TIMESTAMP_TZ, -155, -101, -102})
"""TIMESTAMP_WITH_TIMEZONE, and the codes that the drivers of SQL Server and Oracle have for it."""
_ZONED = re.compile(r"with (local )?time zone$|^timestamptz$|^datetimeoffset", re.IGNORECASE)
"""Matches names of types of instants."""
_FLOATING = "decfloat"
"""Name of numbers of a fixed number of digits, but no fixed place of the point."""
_MONEY = "money"
"""PostgreSQL's type, which its driver takes for a DOUBLE."""
_NANOS = 9
"""Digits of a second in TIMESTAMP_NS."""
_MICROS = 6
"""Digits of a second in TIMESTAMP."""
_NO_TEXT = "read the table through a view that casts the column"
_SIGNED = {
    _TINYINT: Kind.TINYINT,
    _SMALLINT: Kind.SMALLINT,
    _INTEGER: Kind.INTEGER,
    _BIGINT: Kind.BIGINT,
}
_UNSIGNED = {
    _TINYINT: Kind.UTINYINT,
    _SMALLINT: Kind.USMALLINT,
    _INTEGER: Kind.UINTEGER,
    _BIGINT: Kind.UBIGINT,
}
_BY_NAME = {
    "uuid": TypeMapping(stage=UUID, unpack="CAST({0} AS UUID)"),
    "uniqueidentifier": TypeMapping(stage=UUID, unpack="CAST({0} AS UUID)"),
    "json": TypeMapping(stage=JSON, unpack="CAST({0} AS JSON)"),
    "jsonb": TypeMapping(stage=JSON, unpack="CAST({0} AS JSON)"),
    "binary_float": TypeMapping(stage=StageType(Kind.FLOAT)),
    "binary_double": TypeMapping(stage=DOUBLE),
    "float32": TypeMapping(stage=StageType(Kind.FLOAT)),
}
"""Type, in lower case → how it is staged, whatever its driver takes it for."""
_BY_CODE = {
    _BOOLEAN: TypeMapping(stage=BOOLEAN, unpack="CAST({0} AS BOOLEAN)"),
    _FLOAT: TypeMapping(stage=DOUBLE),
    _DOUBLE: TypeMapping(stage=DOUBLE),
    _REAL: TypeMapping(stage=StageType(Kind.FLOAT)),
    **dict.fromkeys(_BINARIES, TypeMapping(stage=BLOB)),
    **dict.fromkeys(_TEXTS, TypeMapping(stage=VARCHAR)),
}
"""Code → how it is staged."""
_SIZES = re.compile(r"\((\d+)[^)]*\)")
"""Matches the sizes in a type's name; the group is the first."""
_LOSES_OFFSET = "the offset of each value; the instant stays"


@dataclass(frozen=True, slots=True)
class JdbcColumn:
    """A column as its driver describes it."""

    name: str
    code: int
    """One of java.sql.Types."""
    native: str
    precision: int
    scale: int
    signed: bool


def mapping(column: JdbcColumn, product: Product, where: str) -> Column:
    """Return the column with its stage type; `where` names it in errors."""
    mapped = _mapped(column, product, where)
    if mapped.stage.kind in INTEGERS and product.compares_integers and mapped.stage.kind is not Kind.UBIGINT:
        mapped = replace(mapped, exact=True)
    described = mapped.column(column.name, spelled(column))
    digits = column.code in _DECIMALS and mapped.stage == VARCHAR
    read = product.read.get(product.type_of(column.native), described.read)
    return replace(described, read=read, as_digits=digits)


def spelled(column: JdbcColumn) -> str:
    """Return a column's type, with precision and scale if it is a decimal."""
    sized = column.code in _DECIMALS and column.precision > 0 and "(" not in column.native
    return f"{column.native}({column.precision},{column.scale})" if sized else column.native


def _mapped(column: JdbcColumn, product: Product, where: str) -> TypeMapping:
    code, name = column.code, product.type_of(column.native)
    if name in _BY_NAME:
        return _BY_NAME[name]
    if code in _INSTANT_CODES or name in product.instants or _ZONED.search(name):
        return _zoned(column, product)
    if code in {_DATE, _TIME, _TIMESTAMP}:
        return _time(column, product)
    if code in _SIGNED:
        stage = StageType((_SIGNED if column.signed else _UNSIGNED)[code])
        return TypeMapping(stage=stage, unpack="{0}" if stage == BIGINT else f"CAST({{0}} AS {stage})")
    return _decimal(column) if code in _DECIMALS else _other(column, product, where)


def _zoned(column: JdbcColumn, product: Product) -> TypeMapping:
    if column.code in {_TIME, _TIME_TZ}:
        return TypeMapping(stage=TIMETZ, unpack=f"CAST({{0}} AS {TIMETZ})")
    is_instant = product.type_of(column.native) in product.instants or "local" in column.native.lower()
    return TypeMapping(stage=TIMESTAMPTZ, loses=None if is_instant else _LOSES_OFFSET)


def _time(column: JdbcColumn, product: Product) -> TypeMapping:
    if digits(column) > _NANOS:
        return TypeMapping(stage=VARCHAR, loses=f"the type {column.native}: its values have more digits")
    if column.code == _TIME:
        return TypeMapping(stage=TIME)
    if column.code == _DATE:
        return TypeMapping(stage=DATE)
    is_finer = digits(column) > _MICROS and product.type_of(column.native) not in product.sized_by_values
    return TypeMapping(stage=StageType(Kind.TIMESTAMP_NS) if is_finer else TIMESTAMP)


def is_text(column: JdbcColumn) -> bool:
    """Return whether it is a column of texts."""
    return column.code in _TEXTS


def digits(column: JdbcColumn) -> int:
    """Return the digits of a second: some drivers have them in the type's name alone."""
    size = _SIZES.search(column.native)
    return int(size[1]) if size and not column.scale else column.scale


def _decimal(column: JdbcColumn) -> TypeMapping:
    is_fixed = not column.native.lower().startswith(_FLOATING)
    if is_fixed and 0 <= column.scale <= column.precision <= MAX_DIGITS and column.precision:
        return TypeMapping(stage=decimal(column.precision, column.scale))
    return TypeMapping(
        stage=VARCHAR,
        loses=f"that {spelled(column)} is a number: it may have more than "
        f"{MAX_DIGITS} digits, so its digits arrive as text",
    )


def _other(column: JdbcColumn, product: Product, where: str) -> TypeMapping:
    code = column.code
    if code == _BIT and column.precision <= 1:
        return _BY_CODE[_BOOLEAN]
    if code in _BY_CODE and column.native != _MONEY:
        return _BY_CODE[code]
    if product.read_others:
        loses = f"the type {column.native}; it becomes the text that its database makes"
        return TypeMapping(stage=VARCHAR, read=product.read_others, loses=loses)
    if code in _UNREADABLE:
        from dvt.drivers.duckdb import refusal  # here: `dvt sync`, which needs no DuckDB, imports this module

        problem = refusal(where, f"'is of the type {_UNREADABLE[code]}, which has no text'", _NO_TEXT)
        unpack = f"CASE WHEN {{0}} IS NULL THEN NULL ELSE {problem} END"
        return TypeMapping(stage=VARCHAR, unpack=unpack, loses=f"the type {_UNREADABLE[code]}")
    return TypeMapping(
        stage=VARCHAR, loses=f"the type {column.native}; it becomes the text that its driver makes"
    )


def kind(column: Column, product: Product) -> str:
    """Return how values of a column travel: a letter of the Java process, for numbers with their sizes.

    Behind the letter of a date or time: `?` for its text alone, `!` for what is compared with its text.
    """
    stage = column.stage
    if stage.kind is Kind.DECIMAL:
        return f"n{stage.precision},{stage.scale}"
    if stage.kind is Kind.UBIGINT:
        return "n20,0"
    if stage.kind in INTEGERS:
        return "i"
    letter = "N" if column.as_digits else _KINDS.get(stage.kind, "s")
    if letter not in _TIMES:
        return letter
    if product.type_of(column.native) in product.times_as_text:
        return f"{letter}?"
    return letter if product.is_proven else f"{letter}!"


_TIMES = "DtomMz"
"""Letters of dates and times."""
_KINDS: Mapping[Kind, str] = {
    Kind.BOOLEAN: "b",
    Kind.FLOAT: "f",
    Kind.DOUBLE: "d",
    Kind.BLOB: "x",
    Kind.DATE: "D",
    Kind.TIME: "t",
    Kind.TIMETZ: "o",
    Kind.TIMESTAMP: "m",
    Kind.TIMESTAMP_NS: "M",
    Kind.TIMESTAMPTZ: "z",
}
"""Kind of a stage type → letter; all others are texts."""
