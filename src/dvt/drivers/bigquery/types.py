"""Maps BigQuery's types to stage types, and says how values are read.

What arrives is the same by both ways, as Parquet that EXPORT DATA has written and as rows of the client:
whole numbers, doubles, booleans, dates, decimals of up to 38 digits and texts. Every other value is sent as a
text whose form the query fixes.

Only INT64 counts as exact. To BigQuery a number with a point is a FLOAT64, and it compares a NUMERIC with one
as FLOAT64; text may have a collation.
"""

from __future__ import annotations

from collections.abc import Mapping

from dvt.core.tables import Column, TypeMapping
from dvt.core.types import (
    BIGINT,
    BLOB,
    BOOLEAN,
    DATE,
    DOUBLE,
    JSON,
    MAX_DIGITS,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    VARCHAR,
    StageType,
    decimal,
)

_REFUSED_READ = "NULL"
"""SQL of a column whose type cannot be staged: a query with it is refused before it is sent."""
_NUMERIC = (38, 9)
"""Digits of a NUMERIC without sizes, and those behind the point."""
_MICROSECONDS = 6
"""Digits of a fraction of a second that a TIMESTAMP has, unless its type says otherwise."""
_AS_JSON = "IF({0} IS NULL, NULL, TO_JSON_STRING({0}))"
"""SQL of a value's JSON; by itself, the function makes the text `null` of NULL."""
_PLAIN: Mapping[str, tuple[str, StageType, bool]] = {
    "INT64": ("{0}", BIGINT, True),
    "FLOAT64": ("{0}", DOUBLE, False),
    "BOOL": ("{0}", BOOLEAN, False),
    "STRING": ("{0}", VARCHAR, False),
    "DATE": ("{0}", DATE, False),
    "TIME": ("FORMAT_TIME('%H:%M:%E6S', {0})", TIME, False),
    "DATETIME": ("FORMAT_DATETIME('%E4Y-%m-%d %H:%M:%E6S', {0})", TIMESTAMP, False),
    "TIMESTAMP": ("FORMAT_TIMESTAMP('%E4Y-%m-%d %H:%M:%E6S+00', {0}, 'UTC')", TIMESTAMPTZ, False),
    "JSON": (_AS_JSON, JSON, False),
}
"""Type → how it is sent, the type it is staged as, whether both databases compare it alike."""
_NESTED = TypeMapping(
    stage=JSON,
    read=_AS_JSON,
    unpack="CAST({0} AS JSON)",
    loses="its type; it becomes JSON",
)
"""An ARRAY or a STRUCT."""
_SYNONYMS: Mapping[str, str] = {
    "INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT", "DECIMAL": "NUMERIC",
    "BIGDECIMAL": "BIGNUMERIC",
}  # fmt: skip
"""Names of types in the API → in SQL."""


def map_column(
    name: str, kind: str, sizes: tuple[int, ...] = (), *, repeated: bool = False, digits: int = _MICROSECONDS
) -> Column:
    """Return how a column is read and staged.

    `kind` and `sizes` are the API's; `digits` are those of a TIMESTAMP's fraction of a second.
    """
    kind = _SYNONYMS.get(kind.upper(), kind.upper())
    native = spelled(kind, sizes)
    if repeated:
        return _NESTED.column(name, f"ARRAY<{native}>")
    if digits != _MICROSECONDS:
        native = f"{native}({digits})"
        return _refused(native).column(name, native)
    return _mapping(kind, sizes).column(name, native)


def spelled(kind: str, sizes: tuple[int, ...]) -> str:
    """Return a type in BigQuery's DDL."""
    return f"{kind}({','.join(map(str, sizes))})" if sizes else kind


def is_refused(column: Column) -> bool:
    """True for a column of a type that cannot be staged: GEOGRAPHY, INTERVAL, RANGE, wide BIGNUMERICs."""
    return column.read == _REFUSED_READ


def _mapping(kind: str, sizes: tuple[int, ...]) -> TypeMapping:
    if kind in _PLAIN:
        read, stage, exact = _PLAIN[kind]
        return TypeMapping(stage=stage, read=read, unpack=f"CAST({{0}} AS {stage})", exact=exact)
    if kind == "BYTES":
        return TypeMapping(stage=BLOB, read="TO_HEX({0})", unpack="unhex({0})")
    if kind == "STRUCT":
        return _NESTED
    sizes = sizes or (_NUMERIC if kind == "NUMERIC" else ())
    if kind in {"NUMERIC", "BIGNUMERIC"} and sizes and sizes[0] <= MAX_DIGITS:
        stage = decimal(sizes[0], sizes[1] if len(sizes) > 1 else 0)
        # A BIGNUMERIC's values in Parquet have 76 digits, which DuckDB does not read.
        read = "{0}" if kind == "NUMERIC" else "CAST({0} AS STRING)"
        return TypeMapping(stage=stage, read=read, unpack=f"CAST({{0}} AS {stage})")
    return _refused(spelled(kind, sizes))


def _refused(native: str) -> TypeMapping:
    return TypeMapping(
        stage=VARCHAR,
        read=_REFUSED_READ,
        loses=f"the type {native}, which cannot be staged: reading it fails",
    )
