"""Types of staged columns as Spark has them, and Spark's as they are staged.

A type that Spark holds otherwise than it is staged has an expression that turns the file's value into
Spark's. A type that Spark would change silently has none, and is refused: see `refusal`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dvt.core.types import (
    BIGINT,
    BLOB,
    BOOLEAN,
    DATE,
    DOUBLE,
    FLOAT,
    INTEGER,
    SMALLINT,
    TIMESTAMP,
    TIMESTAMPTZ,
    TINYINT,
    VARCHAR,
    Kind,
    Part,
    StageType,
    decimal,
    list_of,
)  # fmt: skip

_AS_THEY_ARE: Mapping[Kind, str] = {
    Kind.BOOLEAN: "BOOLEAN",
    Kind.TINYINT: "TINYINT",
    Kind.SMALLINT: "SMALLINT",
    Kind.INTEGER: "INT",
    Kind.BIGINT: "BIGINT",
    Kind.UTINYINT: "SMALLINT",
    Kind.USMALLINT: "INT",
    Kind.UINTEGER: "BIGINT",
    Kind.UBIGINT: "DECIMAL(20,0)",
    Kind.FLOAT: "FLOAT",
    Kind.DOUBLE: "DOUBLE",
    Kind.VARCHAR: "STRING",
    Kind.JSON: "STRING",
    Kind.BLOB: "BINARY",
}
"""Kinds whose values in a file are Spark's of this type."""
_ENDLESS: Mapping[Kind, tuple[str, str]] = {
    Kind.DATE: ("DATE", "abs(unix_date({0})) = 2147483647"),
    Kind.TIMESTAMP: (
        "TIMESTAMP_NTZ",
        "abs(unix_micros(CAST({0} AS TIMESTAMP))) = 9223372036854775807",
    ),
    Kind.TIMESTAMP_S: (
        "TIMESTAMP_NTZ",
        "abs(unix_micros(CAST({0} AS TIMESTAMP))) = 9223372036854775807",
    ),
    Kind.TIMESTAMP_MS: (
        "TIMESTAMP_NTZ",
        "abs(unix_micros(CAST({0} AS TIMESTAMP))) = 9223372036854775807",
    ),
    Kind.TIMESTAMPTZ: ("TIMESTAMP", "abs(unix_micros({0})) = 9223372036854775807"),
}
"""Kinds that can be infinite, which Spark has no value for → its type, and the test for such a value."""
_WIDE = frozenset({Kind.HUGEINT, Kind.UHUGEINT, Kind.BIGNUM})
"""Kinds that are staged as text; what has more than 38 digits is an error."""


@dataclass(frozen=True, slots=True)
class SparkType:
    """How Spark has values of a stage type."""

    name: str
    """The type in Spark's SQL."""
    file: str
    """The type under which a staged column is read from, and written to, its file."""
    read: str = "{0}"
    """Expression of a value, with the place of the file's in it."""
    write: str = "{0}"
    """Expression of the file's value, with the place of one of type `name` in it."""


def spark_type(type_: StageType) -> SparkType | None:
    """Return how Spark has values of a type; None if it cannot hold all of them as they are.

    Example:
        >>> spark_type(StageType.parse("HUGEINT")).name
        'DECIMAL(38,0)'
        >>> spark_type(StageType.parse("TIME")) is None
        True
    """
    kind = type_.kind
    if kind in _AS_THEY_ARE:
        return SparkType(_AS_THEY_ARE[kind], _AS_THEY_ARE[kind])
    if kind is Kind.DECIMAL:
        return SparkType(str(type_), str(type_))
    if kind in _ENDLESS:
        name, test = _ENDLESS[kind]
        why = f"'{_INFINITE}'"
        return SparkType(name, name, f"IF({test}, raise_error({why}), {{0}})")
    if kind in _WIDE:
        wide = "DECIMAL(38,0)"
        return SparkType(wide, "STRING", f"CAST({{0}} AS {wide})", "CAST({0} AS STRING)")
    return _nested(type_)


_INFINITE = "dvt: it has the value infinity, which Spark does not have"
"""Message of the error for such a value, which Spark raises."""


def _nested(type_: StageType) -> SparkType | None:
    """Return the type of a LIST, ARRAY, STRUCT or MAP whose parts are read as they are."""
    parts = [spark_type(part.type) for part in type_.parts]
    if type_.kind not in _SPELLED or any(
        part is None or (part.read, part.write) != ("{0}", "{0}") for part in parts
    ):
        return None
    names = [
        (quoted(part.name), part_type.name)
        for part, part_type in zip(type_.parts, parts, strict=True)
        if part_type
    ]
    spelled = _SPELLED[type_.kind]
    text = ", ".join(f"{name}: {of}" if type_.kind is Kind.STRUCT else of for name, of in names)
    return SparkType(f"{spelled}<{text}>", f"{spelled}<{text}>")


_SPELLED: Mapping[Kind, str] = {
    Kind.LIST: "ARRAY",
    Kind.ARRAY: "ARRAY",
    Kind.STRUCT: "STRUCT",
    Kind.MAP: "MAP",
}


def refusal(column: str, type_: StageType) -> str:
    """Return the sentence that refuses a column of a type that Spark cannot hold."""
    return f"column {column} has the type {type_}, which Spark cannot hold unchanged"


WAY_OUT = (
    "cast the column where it comes from (in a view, or in a model on its own database), for example to text;"
    " or compute the model in DuckDB (`compute: duckdb`)"
)
"""Hint for such a column."""

_STAGED: Mapping[str, StageType] = {
    "boolean": BOOLEAN,
    "tinyint": TINYINT,
    "smallint": SMALLINT,
    "int": INTEGER,
    "bigint": BIGINT,
    "float": FLOAT,
    "double": DOUBLE,
    "string": VARCHAR,
    "binary": BLOB,
    "date": DATE,
    "timestamp": TIMESTAMPTZ,
    "timestamp_ntz": TIMESTAMP,
    "void": StageType(Kind.NULL),
}
"""Spark's name of a type → the type it is staged as."""


def stage_type(of: Any) -> StageType | None:
    """Return the type that values of one of Spark's types are staged as; None for one that cannot be."""
    simple = _STAGED.get(of.simpleString())
    if simple is not None:
        return simple
    match of.typeName():
        case "decimal":
            return decimal(of.precision, of.scale)
        case "array":
            element = stage_type(of.elementType)
            return None if element is None else list_of(element)
        case "map":
            return _with_parts(Kind.MAP, [("key", of.keyType), ("value", of.valueType)])
        case "struct":
            return _with_parts(Kind.STRUCT, [(field.name, field.dataType) for field in of.fields])
    return None


def _with_parts(kind: Kind, parts: list[tuple[str, Any]]) -> StageType | None:
    types = [(name, stage_type(of)) for name, of in parts]
    known = tuple(Part(name, type_) for name, type_ in types if type_ is not None)
    return StageType(kind, parts=known) if len(known) == len(parts) and known else None


def quoted(name: str) -> str:
    """Quote a name in Spark's SQL."""
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    """Quote a text in Spark's SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
