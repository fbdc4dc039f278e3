"""Maps PostgreSQL's types to stage types, and says how values are read.

DuckDB's scanner reads what the server sends in binary. Measured: it is exact but for NaN and infinite
numerics (they arrive as 0), numerics without a scale or of more than 38 digits (they arrive as DOUBLE),
scales below 0 (they break the DuckDB instance), timestamps after 294246 (they wrap around) and arrays of
several dimensions. So every column is sent with an explicit type of those that survive, and where a value
could not, the *server* checks each one: it is made to convert a text that names the column, which
`errors` turns into DVT134.

A `numeric` without precision has no scale that would hold all its values. It is staged as DECIMAL(38,18),
as Spark does: 20 digits before the point, 18 behind, checked. A fixed type, because one that followed the
data would change the model's columns from run to run; a number, because as text no sum could be built on
it; never DOUBLE, because that changes values silently. What has more digits stops the run.

`char(n)` loses the blanks it is padded with: to PostgreSQL they mean nothing, to DuckDB they would.
"""

from __future__ import annotations

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
from dvt.drivers.postgres.errors import MARK
from dvt.drivers.postgres.names import literal

_MAX_DIGITS = 38
"""Highest precision of a DECIMAL in staging."""
_DEFAULT_SCALE = 18
"""Scale of a staged numeric whose own scale is unknown or too large."""
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
    labels: tuple[str, ...] = ()
    """Labels of an enum, or of an array's enum, in their order."""


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


def map_column(column: CatalogColumn) -> Column:
    """Return how a column is read and staged."""
    mapped = _mapping(column).column(column.name, column.native)
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
        return _numeric(column)
    if column.category == "e":
        return _enum(column)
    return _array(column) if column.kind.startswith("_") else _text(column)


def _enum(column: CatalogColumn) -> TypeMapping:
    """Map an enum to an ENUM of the same labels, so that its values keep their order."""
    stage = enum_of(column.labels)
    return TypeMapping(stage=stage, read="{0}::text", unpack=f"CAST({{0}} AS {escape_braces(str(stage))})")


def _text(column: CatalogColumn) -> TypeMapping:
    return TypeMapping(stage=VARCHAR, read="{0}::text", loses=f"the type {column.native}; it becomes text")


def _checked(column: CatalogColumn, native: str, refused: str) -> str:
    """Return SQL that sends a value as `native`; one that meets `refused` stops the query."""
    message = literal(f"{MARK}|{column.name}|").replace("{", "{{").replace("}", "}}")
    return f"CASE WHEN {refused} THEN ({message} || {{0}}::text)::{native} ELSE {{0}}::{native} END"


def _timestamp(column: CatalogColumn) -> TypeMapping:
    native, stage = _TIMES[column.kind]
    late = f"{{0}} >= '{_TOO_LATE}' AND {{0}} <> 'infinity'"
    return TypeMapping(stage=stage, read=_checked(column, native, late), exact=column.kind == "timestamp")


def _numeric(column: CatalogColumn) -> TypeMapping:
    if column.typmod < 0:
        return _fitting(column, _MAX_DIGITS, _DEFAULT_SCALE)
    precision, declared = _declared(column.typmod)
    scale = max(declared, 0)
    digits = max(precision - min(declared, 0), declared)
    if digits > _MAX_DIGITS:
        if scale > _DEFAULT_SCALE:
            # As many digits behind the point as those before it leave room for.
            scale = max(_DEFAULT_SCALE, min(scale, _MAX_DIGITS - (precision - declared)))
        return _fitting(column, _MAX_DIGITS, min(scale, _MAX_DIGITS))
    native = f"numeric({digits},{scale})"
    return TypeMapping(
        stage=decimal(digits, scale),
        read=_checked(column, native, "{0} = 'NaN'"),
        exact=0 <= declared <= precision,
    )


def _fitting(column: CatalogColumn, digits: int, scale: int) -> TypeMapping:
    """Stage as DECIMAL(digits,scale) what that does not change; NaN and infinity are not below the limit."""
    limit = f"1e{digits - scale}"
    misfit = f"NOT (abs({{0}}) < {limit} AND (scale({{0}}) <= {scale} OR {{0}} = round({{0}}, {scale})))"
    read = _checked(column, f"numeric({digits},{scale})", misfit)
    return TypeMapping(stage=decimal(digits, scale), read=read)


def _declared(typmod: int) -> tuple[int, int]:
    """Return precision and scale; since PostgreSQL 15 a scale may be negative or exceed the precision."""
    packed = typmod - 4
    return (packed >> 16) & 0xFFFF, ((packed & 0x7FF) ^ 1024) - 1024


def _array(column: CatalogColumn) -> TypeMapping:
    """Map an array to a list if its elements are exact, otherwise to text."""
    kind = column.kind.removeprefix("_")
    irregular = "array_ndims({0}) > 1 OR array_lower({0}, 1) <> 1"
    if kind in _LIST_ELEMENTS:
        native, stage, _ = _PLAIN[kind]
        return TypeMapping(stage=list_of(stage), read=_checked(column, f"{native}[]", irregular))
    if kind in _TIMES:
        native, stage = _TIMES[kind]
        late = (
            f"{irregular} OR "
            f"EXISTS (SELECT FROM unnest({{0}}) AS e WHERE e >= '{_TOO_LATE}' AND e <> 'infinity')"
        )
        return TypeMapping(stage=list_of(stage), read=_checked(column, f"{native}[]", late))
    if kind == "numeric":
        return _numeric_array(column, irregular)
    if column.labels:
        stage = list_of(enum_of(column.labels))
        unpack = f"CAST({{0}} AS {escape_braces(str(stage))})"
        return TypeMapping(stage=stage, read=_checked(column, "text[]", irregular), unpack=unpack)
    return _text(column)


def _numeric_array(column: CatalogColumn, irregular: str) -> TypeMapping:
    digits, scale = _MAX_DIGITS, _DEFAULT_SCALE
    if column.typmod >= 0:
        digits, scale = _declared(column.typmod)
    if not (0 <= scale <= digits <= _MAX_DIGITS):
        return _text(column)
    native = f"numeric({digits},{scale})[]"
    misfit = f"{irregular} OR 'NaN' = ANY ({{0}}) OR {{0}}::{native} <> {{0}}"
    return TypeMapping(stage=list_of(decimal(digits, scale)), read=_checked(column, native, misfit))
