"""Classes of arguments: what is proven is proven for values of a class, not for one type with its sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from dvt.core.tables import Column
from dvt.core.types import MAX_DIGITS, Kind, StageType
from dvt.federation.plan.data_types import data_type
from dvt.federation.plan.dialects import STAGE_TYPES

QUOTIENT = "quotient"
"""Class of decimals of a computed scale: equal as numbers, not as text."""
MIXED = "mixed"
"""Class of decimals some of which have fewer digits behind the point than their type, as `coalesce(d, 0)`."""
STORED_QUOTIENT = "stored quotient"
"""Class of a quotient that a query within the query gives: whether its last digits are kept is not known."""
UNSIGNED = "unsigned"
"""Class of integers that cannot be negative, in a dialect in which that decides what is computed."""
SESSION_TEXT = "session text"
"""Class of text whose collation is that of the session or the target: made of numbers or dates, or of another
database's text."""
HUGE = "hugeint"
"""Class of integers of 128 bits, in a dialect that has them."""
COLLATED = "collated"
"""Class of text that the engine compares by the collation of its column."""
DECIMALS = ("decimal", MIXED, QUOTIENT)
"""Classes of decimals, each with more texts for one number than those before it."""
COMPUTED_SCALE = 15
"""Least scale of a DECIMAL of full precision that counts as that of numbers without a scale of their own."""
_QUOTIENT_SCALE = 20
"""Digits behind the point that a quotient has in the engine."""

_OF_KINDS: Mapping[Kind, str] = {
    Kind.BOOLEAN: "boolean",
    Kind.TINYINT: "smallint",
    Kind.SMALLINT: "smallint",
    Kind.UTINYINT: "smallint",
    Kind.INTEGER: "integer",
    Kind.USMALLINT: "integer",
    Kind.BIGINT: "bigint",
    Kind.UINTEGER: "bigint",
    Kind.DECIMAL: "decimal",
    Kind.FLOAT: "float",
    Kind.DOUBLE: "double",
    Kind.VARCHAR: "text",
    Kind.JSON: "json",
    Kind.BLOB: "blob",
    Kind.BIT: "bit",
    Kind.UUID: "uuid",
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.TIMETZ: "timetz",
    Kind.TIMESTAMP: "timestamp",
    Kind.TIMESTAMP_S: "timestamp",
    Kind.TIMESTAMP_MS: "timestamp",
    Kind.TIMESTAMPTZ: "timestamptz",
    Kind.INTERVAL: "interval",
}
"""Kind of a staged type → its class. A kind that is missing is proven for nothing."""
_SQL_TYPES: Mapping[str, str] = {
    "smallint": "SMALLINT",
    "integer": "INT",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "text": "TEXT",
    "json": "JSON",
    "blob": "VARBINARY",
    "bit": "BIT",
    "uuid": "UUID",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "time": "TIME",
    "timetz": "TIMETZ",
    HUGE: "INT128",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
    "interval": "INTERVAL",
    SESSION_TEXT: "TEXT",
    COLLATED: "TEXT",
    "enum": "TEXT",
    "year": "SMALLINT",
}
"""Class → SQLGlot's type of it."""
_DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}
"""Digits of the integers, where one is computed with as a decimal."""
_LITERALS = (
    ("literal date", re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")),
    (
        "literal timestamp",
        re.compile(r"\d{4}-\d\d-\d\d[ T]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?"),
    ),
    (
        # PostgreSQL drops the offset of a text that it needs as a timestamp, the engine applies it.
        "literal utc",
        re.compile(r"\d{4}-\d\d-\d\d[ T]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]00(:00)?)"),
    ),
    (
        "literal instant",
        re.compile(r"\d{4}-\d\d-\d\d[ T]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]\d\d(:\d\d)?)"),
    ),
    ("literal integer", re.compile(r"-?\d{1,9}")),
    ("literal number", re.compile(r"-?\d{1,15}\.\d{1,10}")),
)
"""Shapes of string literals, which a database reads as values of the type that it needs."""
LITERAL = "literal"
"""Class of string literals of no special shape."""
NULL = "null"


@dataclass(frozen=True, slots=True)
class ValueType:
    """The type of an expression's values: its class, and the digits of a decimal."""

    name: str
    precision: int = MAX_DIGITS
    scale: int = 0

    def sql_type(self) -> exp.DataType:
        """Return SQLGlot's type; UNKNOWN if it has none."""
        if self.is_decimal or self.name == STORED_QUOTIENT:
            return data_type(f"DECIMAL({self.precision}, {self.scale})")
        if self.name.endswith("[]"):
            element = ValueType(self.name.removesuffix("[]")).sql_type()
            return exp.DataType(this=exp.DataType.Type.ARRAY, expressions=[element], nested=True)
        if self.name == UNSIGNED:
            return exp.DataType.build(exp.DType.UBIGINT)
        return data_type(_SQL_TYPES.get(self.name, "UNKNOWN"))

    @property
    def is_decimal(self) -> bool:
        """True for decimals, whatever scale they show."""
        return self.name in DECIMALS

    @property
    def is_integer(self) -> bool:
        """True for integers."""
        return self.name in _DIGITS

    @property
    def digits(self) -> tuple[int, int]:
        """Precision and scale of the value as a decimal."""
        return (self.precision, self.scale) if self.is_decimal else (_DIGITS.get(self.name, MAX_DIGITS), 0)


def class_of_stage(type_: StageType) -> ValueType | None:
    """Return the class of a staged column's values; None if nothing is proven of its type."""
    if type_.kind is Kind.DECIMAL:
        precision, scale = type_.precision or MAX_DIGITS, type_.scale or 0
        computed = precision == MAX_DIGITS and scale >= COMPUTED_SCALE
        return ValueType(QUOTIENT if computed else "decimal", precision, scale)
    if type_.kind is Kind.LIST:
        element = class_of_stage(type_.element)
        return ValueType(f"{element.name}[]") if element and not element.is_decimal else None
    name = _OF_KINDS.get(type_.kind)
    return ValueType(name) if name else None


def class_of_sql(type_: exp.DataType) -> ValueType | None:
    """Return the class of a type that SQL names."""
    if type_.this is exp.DataType.Type.DECIMAL:
        sizes = [int(size.name) for size in type_.expressions if size.name.isdigit()]
        if not sizes:
            return ValueType("decimal", MAX_DIGITS, -1)
        return ValueType("decimal", sizes[0], sizes[1] if len(sizes) > 1 else 0)
    if type_.this in exp.DataType.TEXT_TYPES:
        return ValueType("text")
    if type_.this is exp.DataType.Type.ARRAY and type_.expressions:
        element = class_of_sql(type_.expressions[0])
        return ValueType(f"{element.name}[]") if element else None
    if type_.this is exp.DType.UBIGINT:
        return ValueType(UNSIGNED)
    name = type_.copy()
    name.set("expressions", None)
    by_sql = {sql: class_ for class_, sql in _SQL_TYPES.items()}
    # SQLGlot keeps some names of PostgreSQL's types (regclass) as text.
    kind = type_.this.value if isinstance(type_.this, exp.DType) else ""
    class_ = by_sql.get(name.sql()) or by_sql.get(_ALIASES.get(kind, ""))
    return ValueType(class_) if class_ else None


_ALIASES = {
    "JSONB": "JSON",
    "TIMESTAMPNTZ": "TIMESTAMP",
    "DATETIME": "TIMESTAMP",
    "BINARY": "VARBINARY",
    "BLOB": "VARBINARY",
}
"""SQLGlot's types that are others for the engine."""


def class_of_literal(node: exp.Literal, integer_digits: int = MAX_DIGITS) -> ValueType | None:
    """Return the class of a literal; None for a number that no decimal of the engine holds.

    A whole number that is written with more than `integer_digits` is a bigint.
    """
    if node.is_string:
        shape = next((name for name, pattern in _LITERALS if pattern.fullmatch(node.name)), LITERAL)
        return ValueType(shape)
    whole, _, fraction = node.name.partition(".")
    if not (whole + fraction).isdigit():
        return None
    if "." in node.name:
        digits = max(len(whole.lstrip("0")) + len(fraction), 1)
        return ValueType("decimal", digits, len(fraction)) if digits <= MAX_DIGITS else None
    number = int(node.name)
    if number < 2**31 and len(whole) <= integer_digits:
        return ValueType("integer")
    return ValueType("bigint") if number < 2**63 else None


def common_digits(types: list[ValueType]) -> tuple[int, int]:
    """Return the precision and scale of a decimal that holds values of all these types."""
    scale = max(type_.digits[1] for type_ in types)
    whole = max(precision - scale_ for precision, scale_ in (type_.digits for type_ in types))
    return min(whole + scale, MAX_DIGITS), scale


def decimal_result(name: str, precision: int, scale: int) -> ValueType | None:
    """Return a decimal class of these digits; None if the engine has no such type."""
    if scale > MAX_DIGITS:
        return None
    return ValueType(name, max(min(precision, MAX_DIGITS), scale, 1), scale)


def quotient() -> ValueType:
    """Return the class of quotients."""
    return ValueType(QUOTIENT, MAX_DIGITS, _QUOTIENT_SCALE)


_SUBSTITUTES = frozenset({Kind.VARCHAR, Kind.BLOB})
"""Kinds as which values of types that the engine lacks are staged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialectClasses:
    """What is special about the classes of a dialect's values."""

    truth: str = "boolean"
    """Class of the values of conditions."""
    kinds: Mapping[Kind, str] = field(default_factory=dict)
    """Kind of a staged type → its class, where it is another than elsewhere."""
    natives: tuple[tuple[re.Pattern[str], str], ...] = ()
    """Patterns of the database's own types, and the class of their values."""
    units: bool = False
    """True if an interval is part of an operation, which its unit decides."""
    copies_collations: bool = False
    """True if text that is compared by the copy of a collation is proven apart from other text."""
    integer_digits: int = MAX_DIGITS
    """Most digits of a whole number in the text that is an integer of 32 bits, if it fits."""
    narrow_digits: int | None = None
    """Most digits of a sum, a difference or a product of decimals that have no more; None: as it needs."""
    quotient_digits: int | None = None
    """Digits behind the point that a quotient has more than its dividend; None: as the values need."""

    def of_column(self, column: Column, *, collated: bool, foreign: bool) -> ValueType | None:
        """Return the class of a column's values; None for a type of its own that is staged as another.

        Args:
            column: as described.
            collated: its collation is copied in the engine.
            foreign: its database speaks another dialect, so that its copy has the collation of the target.
        """
        for pattern, name in self.natives:
            if pattern.match(column.native):
                return ValueType(name)
        if column.loses and not foreign and column.stage.kind in _SUBSTITUTES:
            return None
        if collated and self.copies_collations and column.collation and not column.only_order:
            return ValueType(COLLATED)
        if foreign and self.copies_collations and column.stage.kind is Kind.VARCHAR:
            return ValueType(SESSION_TEXT)
        return self.of_stage(column.stage)

    def narrowed(self, digits: int, of: Sequence[int]) -> int:
        """Return the digits of a result that needs so many, computed of decimals that have these."""
        narrow = self.narrow_digits
        return narrow if narrow is not None and digits > narrow >= max(of) else digits

    def of_stage(self, type_: StageType) -> ValueType | None:
        """Return the class of a staged type's values."""
        name = self.kinds.get(type_.kind, "")
        return ValueType(name) if name else class_of_stage(type_)


_DIALECTS: Mapping[str, DialectClasses] = {
    STAGE_TYPES: DialectClasses(kinds={Kind.HUGEINT: HUGE}, narrow_digits=18, quotient_digits=0),
    "mysql": DialectClasses(
        truth="integer",
        kinds=dict.fromkeys((Kind.UTINYINT, Kind.USMALLINT, Kind.UINTEGER, Kind.UBIGINT), UNSIGNED),
        natives=(
            (re.compile(r"year\(2\)"), "short year"),
            (re.compile(r"year\b"), "year"),
            (re.compile(r"bit\b"), "bit"),
            (re.compile(r"time\b"), "duration"),
            (re.compile(r"(enum|set)\b"), "enum"),
            (re.compile(r"inet[46]\b"), "inet"),
        ),
        units=True,
        copies_collations=True,
        integer_digits=9,
        quotient_digits=4,
    ),
}
"""Dialect → its classes, where they are special."""


def dialect_classes(dialect: str) -> DialectClasses:
    """Return what is special about the classes of a dialect."""
    return _DIALECTS.get(dialect, DialectClasses())
