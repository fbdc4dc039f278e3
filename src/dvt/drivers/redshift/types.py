"""Maps Redshift's types to stage types, and says how values are read.

What arrives is the same by both ways, as Parquet that UNLOAD has written and as rows of the client: whole
numbers, doubles, decimals and texts. Every other value is sent as a text whose form the documentation fixes:
Parquet has two forms of timestamps, Redshift chooses, and neither holds all of its calendar; its casts from
boolean to text are an error; a real as text has too few digits.

Only numbers of whole and decimal types count as exact. Text does not: a database may be created with
COLLATE CASE_INSENSITIVE, and blanks at the end of a text may or may not count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from dvt.core.tables import Column, TypeMapping
from dvt.core.types import (
    BIGINT,
    BLOB,
    BOOLEAN,
    DATE,
    DOUBLE,
    FLOAT,
    INTEGER,
    JSON,
    MAX_DIGITS,
    SMALLINT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TIMETZ,
    VARCHAR,
    StageType,
    decimal,
)

_REFUSED_READ = "NULL"
"""SQL of a column whose type cannot be staged: a query with it is refused before it is sent."""
_BEFORE_CHRIST = r"regexp_replace({0}, '^(\S+)(.*) BC$', '\1 (BC)\2')"
"""DuckDB SQL: a date as Redshift writes it, as DuckDB reads it."""
_PLAIN: Mapping[str, tuple[str, StageType, bool]] = {
    "smallint": ("{0}", SMALLINT, True),
    "integer": ("{0}", INTEGER, True),
    "bigint": ("{0}", BIGINT, True),
    "real": ("{0}::double precision", FLOAT, False),
    "double precision": ("{0}", DOUBLE, False),
    "character varying": ("{0}", VARCHAR, False),
    "time without time zone": ("{0}::varchar", TIME, False),
    "time with time zone": ("{0}::varchar", TIMETZ, False),
    "super": ("json_serialize({0})", JSON, False),
}
"""Type → how it is sent, the type it is staged as, whether both databases compare it alike."""
_DATES: Mapping[str, StageType] = {
    "date": DATE,
    "timestamp without time zone": TIMESTAMP,
    "timestamp with time zone": TIMESTAMPTZ,
}
"""Types whose texts may end in BC."""
_OTHERS: Mapping[str, TypeMapping] = {
    "boolean": TypeMapping(
        stage=BOOLEAN,
        read="CASE WHEN {0} THEN 1 WHEN NOT {0} THEN 0 END",
        unpack="CAST(CAST({0} AS INTEGER) AS BOOLEAN)",
    ),
    # To Redshift the blanks it is padded with mean nothing, to DuckDB they would.
    "character": TypeMapping(stage=VARCHAR, read="rtrim({0})", unpack="CAST({0} AS VARCHAR)"),
    "binary varying": TypeMapping(stage=BLOB, read="from_varbyte({0}, 'hex')", unpack="unhex({0})"),
}
_SYNONYMS: Mapping[str, str] = {
    "int2": "smallint", "int": "integer", "int4": "integer", "int8": "bigint", "decimal": "numeric",
    "float4": "real", "float": "double precision", "float8": "double precision", "double": "double precision",
    "bool": "boolean", "bpchar": "character", "char": "character", "nchar": "character",
    "varchar": "character varying", "nvarchar": "character varying", "text": "character varying",
    "string": "character varying", "name": "character varying", "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone", "time": "time without time zone",
    "timetz": "time with time zone", "varbyte": "binary varying", "varbinary": "binary varying",
    "binary": "binary varying",
}  # fmt: skip
"""Other names of types, also those of external tables → the name that the catalog has for them."""
_SIZED = re.compile(r"(?P<name>[^(]+?)\s*(?:\((?P<first>\d+)(?:\s*,\s*(?P<second>\d+))?\))?\Z")
"""Matches a type with its sizes."""


def normal(native: str) -> tuple[str, tuple[int, ...]]:
    """Return a type's name as the catalog has it, and its sizes.

    Example:
        >>> normal("varchar(20)"), normal("decimal(10,2)"), normal("array<int>")
        (('character varying', (20,)), ('numeric', (10, 2)), ('array<int>', ()))
    """
    match = _SIZED.match(native.strip().lower())
    if match is None:
        return native.lower(), ()
    name = match["name"]
    return _SYNONYMS.get(name, name), tuple(int(size) for size in match.group("first", "second") if size)


def map_column(name: str, native: str, sizes: tuple[int, ...] = ()) -> Column:
    """Return how a column is read and staged; `sizes` are those that the catalog has beside the type."""
    kind, own = normal(native)
    sizes = own or sizes
    return _mapping(kind, sizes).column(name, spelled(kind, sizes))


def spelled(kind: str, sizes: tuple[int, ...]) -> str:
    """Return a type in Redshift's DDL."""
    return f"{kind}({','.join(map(str, sizes))})" if sizes else kind


def is_refused(column: Column) -> bool:
    """True for a column of a type that cannot be staged: GEOMETRY, HLLSKETCH, INTERVAL and the like."""
    return column.read == _REFUSED_READ


def _mapping(kind: str, sizes: tuple[int, ...]) -> TypeMapping:
    if kind in _PLAIN:
        read, stage, exact = _PLAIN[kind]
        return TypeMapping(stage=stage, read=read, unpack=f"CAST({{0}} AS {stage})", exact=exact)
    if kind in _DATES:
        return TypeMapping(
            stage=_DATES[kind], read="{0}::varchar", unpack=f"CAST({_BEFORE_CHRIST} AS {_DATES[kind]})"
        )
    if kind == "numeric" and sizes and sizes[0] <= MAX_DIGITS:
        # Without sizes nothing tells how many digits there are behind the point.
        stage = decimal(sizes[0], sizes[1] if len(sizes) > 1 else 0)
        return TypeMapping(stage=stage, unpack=f"CAST({{0}} AS {stage})", exact=True)
    if kind in _OTHERS:
        return _OTHERS[kind]
    return TypeMapping(
        stage=VARCHAR, read=_REFUSED_READ, loses=f"the type {kind}, which cannot be staged: reading it fails"
    )
