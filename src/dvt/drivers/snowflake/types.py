"""Maps Snowflake's types to stage types, and says how values are read.

What arrives is the same by both ways, as Parquet that COPY INTO wrote and as rows of the client: numbers
of fixed digits, doubles, and texts. Every other value is sent as a text whose form is documented: COPY INTO
refuses instants, and writes other times in a form of its choice.

Only numbers of fixed digits count as exact. Text does not: a column may have a collation of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from dvt.core.tables import Column, TypeMapping
from dvt.core.types import (
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
from dvt.drivers.duckdb.errors import refusal

_REFUSED_READ = "NULL"
"""SQL of a column whose type cannot be staged: a query with it is refused before it is sent."""
_MOMENT = "'YYYY-MM-DD HH24:MI:SS.FF9'"
_SYNONYMS: Mapping[str, str] = {
    **dict.fromkeys(("DECIMAL", "DEC", "NUMERIC", "INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT",
                     "BYTEINT"), "NUMBER"),
    **dict.fromkeys(("FLOAT4", "FLOAT8", "DOUBLE", "DOUBLE PRECISION", "REAL"), "FLOAT"),
    **dict.fromkeys(("TEXT", "STRING", "CHAR", "CHARACTER", "NCHAR", "NVARCHAR", "NVARCHAR2", "CHAR VARYING",
                     "NCHAR VARYING"), "VARCHAR"),
    "VARBINARY": "BINARY",
    "DATETIME": "TIMESTAMP_NTZ",
    "TIMESTAMPNTZ": "TIMESTAMP_NTZ", "TIMESTAMPLTZ": "TIMESTAMP_LTZ", "TIMESTAMPTZ": "TIMESTAMP_TZ",
}  # fmt: skip
"""Other names of types → the name that DESCRIBE has for them."""
_SIZED = re.compile(
    r"(?P<name>[A-Z][A-Z0-9_ ]*?)\s*(?:\((?P<first>\d+)(?:\s*,\s*(?P<second>\d+))?\))?(?:\s+COLLATE .*)?\Z"
)
"""Matches a type with its sizes, and a text's collation."""
_USUAL_SIZES = {"NUMBER": (MAX_DIGITS, 0)}
"""Sizes of types that have none in their text."""
_PLAIN: Mapping[str, TypeMapping] = {
    "FLOAT": TypeMapping(stage=DOUBLE, unpack="CAST({0} AS DOUBLE)"),
    "VARCHAR": TypeMapping(stage=VARCHAR, unpack="CAST({0} AS VARCHAR)"),
    "BOOLEAN": TypeMapping(stage=BOOLEAN, read="TO_VARCHAR({0})", unpack="CAST({0} AS BOOLEAN)"),
    "BINARY": TypeMapping(stage=BLOB, read="HEX_ENCODE({0})", unpack="unhex({0})"),
    "DATE": TypeMapping(stage=DATE, read="TO_VARCHAR({0}, 'YYYY-MM-DD')", unpack="CAST({0} AS DATE)"),
    **dict.fromkeys(
        ("VARIANT", "OBJECT", "ARRAY"),
        TypeMapping(stage=JSON, read="TO_JSON(TO_VARIANT({0}))", unpack="CAST({0} AS JSON)"),
    ),
}
"""Type → how it is read; those of times are `_TIMES`."""
_TIMES: Mapping[str, tuple[StageType, str, str]] = {
    "TIME": (TIME, "TO_VARCHAR({0}, 'HH24:MI:SS.FF9')", ""),
    "TIMESTAMP_NTZ": (TIMESTAMP, f"TO_VARCHAR({{0}}, {_MOMENT})", ""),
    "TIMESTAMP_LTZ": (TIMESTAMPTZ, f"TO_VARCHAR(CONVERT_TIMEZONE('UTC', {{0}}), {_MOMENT})", "+00"),
    "TIMESTAMP_TZ": (TIMESTAMPTZ, f"TO_VARCHAR(CONVERT_TIMEZONE('UTC', {{0}}), {_MOMENT})", "+00"),
}
"""Type → the type it is staged as, how it is sent, and what its text lacks of an instant."""
_LOSES_OFFSET = "the offset of each value; the instant stays"


def map_column(name: str, native: str, where: str) -> Column:
    """Return how a column is read and staged; `where` names it in errors, `native` is as DESCRIBE has it."""
    match = _SIZED.match(native.strip().upper())
    kind = _SYNONYMS.get(match["name"], match["name"]) if match else native
    sizes = tuple(int(size) for size in match.group("first", "second") if size) if match else ()
    return _mapping(kind, sizes or _USUAL_SIZES.get(kind, ()), where).column(name, native)


def is_refused(column: Column) -> bool:
    """True for a column of a type that cannot be staged: GEOGRAPHY, VECTOR, a structured one and the like."""
    return column.read == _REFUSED_READ


def _mapping(kind: str, sizes: tuple[int, ...], where: str) -> TypeMapping:
    if kind == "NUMBER" and sizes and sizes[0] <= MAX_DIGITS:
        stage = decimal(sizes[0], sizes[1] if len(sizes) > 1 else 0)
        return TypeMapping(stage=stage, unpack=f"CAST({{0}} AS {stage})", exact=True)
    if kind in _TIMES:
        return _time(kind, where)
    if kind in _PLAIN and (kind not in ("OBJECT", "ARRAY") or not sizes):
        return _PLAIN[kind]
    return TypeMapping(
        stage=VARCHAR, read=_REFUSED_READ, loses=f"the type {kind}, which cannot be staged: reading it fails"
    )


def _time(kind: str, where: str) -> TypeMapping:
    """Return how times are read: most columns could have nanoseconds, of which few have any.

    As nanoseconds, staging could not hold the year 9999, which many tables have for 'open'.
    """
    stage, read, rest = _TIMES[kind]
    problem = "'the value ' || {0} || ' has nanoseconds, and staging holds microseconds'"
    hint = f"read a view there that casts the column to {kind}(6)"
    text = r"regexp_replace({0}, '(\.\d{{6}})0+$', '\1')" + (f" || '{rest}'" if rest else "")
    unpack = (
        rf"CASE WHEN regexp_matches({{0}}, '\.\d{{{{6}}}}0*[1-9]') THEN {refusal(where, problem, hint)} "
        f"ELSE CAST({text} AS {stage}) END"
    )
    return TypeMapping(
        stage=stage, read=read, unpack=unpack, loses=_LOSES_OFFSET if kind == "TIMESTAMP_TZ" else None
    )
