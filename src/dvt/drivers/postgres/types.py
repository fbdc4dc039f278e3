"""Maps PostgreSQL's types to stage types, and says how values are read.

DuckDB's scanner reads what the server sends in binary. Measured: it is exact but for NaN and infinite
numerics (they arrive as 0), numerics without a scale or of more than 38 digits (they arrive as DOUBLE),
scales below 0 (they break the DuckDB instance), timestamps after 294246 (they wrap around) and arrays of
several dimensions. So every column is sent with an explicit type of those that survive, and where a value
could not, the *server* checks each one: it is made to convert a text that names the column, which
`errors` turns into DVT134.

`char(n)` loses the blanks it is padded with: to PostgreSQL they mean nothing, to DuckDB they would.
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
    FLOAT,
    INTEGER,
    INTERVAL,
    JSON,
    MAX_DIGITS,
    SMALLINT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TIMETZ,
    UUID,
    VARCHAR,
    Kind,
    StageType,
    decimal,
    enum_of,
    list_of,
)
from dvt.drivers.duckdb.sql import escape_braces
from dvt.drivers.postgres.collations import collation_of, own_collate
from dvt.drivers.postgres.numerics import DEFAULT_SCALE, checked, declared, numeric

_TOO_LATE = "294247-01-01"
"""First timestamp that is refused: ten days later the scanner wraps around."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogColumn:
    """A column as the catalog has it, domains resolved."""

    name: str
    native: str
    """As `format_type` writes it; a domain's own name."""
    kind: str
    """`typname` of the base type; an array's begins with `_`."""
    category: str = "b"
    """`typtype` of the base type: b, c, e, p, r, m."""
    typmod: int = -1
    dimensions: int = 0
    """Number of an array's dimensions as declared, which its values need not have; 0 if none are."""
    labels: tuple[str, ...] = ()
    """Labels of an enum, or of an array's enum, in their order."""
    collation: str = ""
    """The catalog's row of its collation, as `collation_of` reads it."""


_PLAIN: Mapping[str, tuple[str, StageType, bool]] = {
    "bool": ("boolean", BOOLEAN, False),
    "int2": ("smallint", SMALLINT, True),
    "int4": ("integer", INTEGER, True),
    "int8": ("bigint", BIGINT, True),
    "float4": ("real", FLOAT, False),
    "float8": ("double precision", DOUBLE, False),
    "date": ("date", DATE, True),
    "time": ("time", TIME, False),
    "uuid": ("uuid", UUID, False),
    "bytea": ("bytea", BLOB, False),
    "text": ("text", VARCHAR, False),
    "varchar": ("text", VARCHAR, False),
    "bpchar": ("text", VARCHAR, False),
    "name": ("text", VARCHAR, False),
    "char": ("text", VARCHAR, False),
    "oid": ("bigint", BIGINT, False),
}
"""`typname` → the type it is sent as, the type it is staged as, whether both databases compare it alike."""
_TIMES: Mapping[str, tuple[str, StageType]] = {
    "timestamp": ("timestamp", TIMESTAMP),
    "timestamptz": ("timestamptz", TIMESTAMPTZ),
}
"""`typname` → the type it is sent as, once its range is checked, and the type it is staged as."""
_CONVERTED: Mapping[str, TypeMapping] = {
    "json": TypeMapping(stage=JSON, read="{0}::text"),
    "jsonb": TypeMapping(stage=JSON, read="{0}::text"),
    "interval": TypeMapping(stage=INTERVAL, read="{0}::interval"),
    "timetz": TypeMapping(stage=TIMETZ, read="{0}::timetz"),
}
"""`typname` → the mapping, for types that Parquet or the scanner hold in another form."""
_LIST_ELEMENTS = _PLAIN.keys() - {"time", "bytea", "char", "oid"}
"""Types of `_PLAIN` whose arrays are staged as lists."""

_BUILT_IN = re.compile(
    r"(?:smallint|integer|bigint|real|double precision|numeric|boolean|text|character varying|character|"
    r"\"char\"|name|bytea|uuid|date|json|jsonb|xml|oid|money|inet|cidr|macaddr|macaddr8|bit|bit varying|"
    r"bpchar|\"bit\"|point|line|lseg|box|path|polygon|circle|tsvector|tsquery|jsonpath|pg_lsn|"
    r"(?:int4|int8|num|ts|tstz|date)(?:multi)?range|"
    r"(?:time|timestamp)(?:\(\d\))? with(?:out)? time zone|interval(?: [a-z ]+)?(?:\(\d\))?)"
    r"(?:\(-?\d+(?:,-?\d+)?\))?(?:\[\])*\Z"
)
"""Matches types, as `format_type` writes them, that every server has."""


def is_built_in(native: str) -> bool:
    """True for a type that every server has: an enum or a domain is one database's own."""
    return bool(_BUILT_IN.match(native))


def map_column(column: CatalogColumn) -> Column:
    """Return how a column is read and staged."""
    mapped = _mapping(column).column(column.name, column.native)
    if column.kind == "citext":
        return replace(mapped, collation="citext")
    if mapped.stage.is_text:
        name, only_order = collation_of(column.collation)
        collate = own_collate(column.collation)
        return replace(mapped, collation=name, only_order=only_order, collate=collate)
    return replace(mapped, ranked=mapped.stage.kind is Kind.ENUM)


def _mapping(column: CatalogColumn) -> TypeMapping:
    if column.kind in _PLAIN:
        native, stage, exact = _PLAIN[column.kind]
        return TypeMapping(stage=stage, read=f"{{0}}::{native}", exact=exact)
    if column.kind in _CONVERTED:
        return _CONVERTED[column.kind]
    if column.kind in _TIMES:
        return _timestamp(column)
    if column.kind == "numeric":
        return numeric(column.name, column.typmod)
    if column.category == "e":
        return _enum(column)
    return _array(column) if column.kind.startswith("_") else _text(column)


def _enum(column: CatalogColumn) -> TypeMapping:
    """Map an enum to an ENUM of the same labels, so that its values keep their order."""
    stage = enum_of(column.labels)
    return TypeMapping(stage=stage, read="{0}::text", unpack=f"CAST({{0}} AS {escape_braces(str(stage))})")


def _text(column: CatalogColumn) -> TypeMapping:
    return TypeMapping(stage=VARCHAR, read="{0}::text", loses=f"the type {column.native}; it becomes text")


def _timestamp(column: CatalogColumn) -> TypeMapping:
    native, stage = _TIMES[column.kind]
    late = f"{{0}} >= '{_TOO_LATE}' AND {{0}} <> 'infinity'"
    return checked(TypeMapping(stage=stage, exact=True), column.name, native, late)


def _array(column: CatalogColumn) -> TypeMapping:
    """Map an array to a list if its elements are exact and it is declared as a list, otherwise to text."""
    if column.dimensions > 1:
        return _text(column)
    kind = column.kind.removeprefix("_")
    irregular = "array_ndims({0}) > 1 OR array_lower({0}, 1) <> 1"
    if kind in _LIST_ELEMENTS:
        native, stage, _ = _PLAIN[kind]
        return checked(TypeMapping(stage=list_of(stage)), column.name, f"{native}[]", irregular)
    if kind in _TIMES:
        native, stage = _TIMES[kind]
        late = (
            f"{irregular} OR "
            f"EXISTS (SELECT FROM unnest({{0}}) AS e WHERE e >= '{_TOO_LATE}' AND e <> 'infinity')"
        )
        return checked(TypeMapping(stage=list_of(stage)), column.name, f"{native}[]", late)
    if kind == "numeric":
        return _numeric_array(column, irregular)
    if column.labels:
        stage = list_of(enum_of(column.labels))
        unpack = f"CAST({{0}} AS {escape_braces(str(stage))})"
        return checked(TypeMapping(stage=stage, unpack=unpack), column.name, "text[]", irregular)
    return _text(column)


def _numeric_array(column: CatalogColumn, irregular: str) -> TypeMapping:
    digits, scale = MAX_DIGITS, DEFAULT_SCALE
    if column.typmod >= 0:
        digits, scale = declared(column.typmod)
    if not (0 <= scale <= digits <= MAX_DIGITS):
        return _text(column)
    native = f"numeric({digits},{scale})[]"
    misfit = f"{irregular} OR 'NaN' = ANY ({{0}}) OR {{0}}::{native} <> {{0}}"
    return checked(TypeMapping(stage=list_of(decimal(digits, scale))), column.name, native, misfit)
