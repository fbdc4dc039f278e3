"""DuckDB's types on their way through Parquet: which survive, which travel as text, what is lost.

Measured with DuckDB 1.5.5: Parquet turns HUGEINT into DOUBLE, cuts an INTERVAL to milliseconds and
refuses negative ones, moves TIMETZ to UTC, and has no word for ENUM, BIT, BIGNUM, TIME_NS and UNION.
Whoever reads a staged dataset casts each column to its stage type, so what travels as text comes back
as what it was.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Any

import duckdb

from dvt.core.tables import Column

_INTEGERS = {"tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint"}
_EXACT = frozenset(_INTEGERS | {"date", "timestamp", "decimal"})
"""By DuckDB's ids: comparing and ordering answers alike wherever DuckDB does it."""

_TEXT = frozenset(
    {"hugeint", "uhugeint", "interval", "time with time zone", "bit", "bignum", "time_ns", "enum"}
)
"""They travel as text, and are cast back."""

_SHORT = {"timestamp_s": "TIMESTAMP", "timestamp_ms": "TIMESTAMP", '"null"': "INTEGER"}
_LOST = {
    "union": ("VARCHAR", "which member of the union a value is; it becomes text"),
    "geometry": ("VARCHAR", "its type; it becomes text (WKT)"),
}


@dataclass(frozen=True, slots=True)
class Passage:
    """How values of one type get through Parquet."""

    stage: str
    """The type they have when they are read again."""
    unpack: str = "{0}"
    """SQL that makes of a value what is written."""
    exact: bool = False
    loses: str | None = None


def spelled(type_: str) -> str | None:
    """A type as DuckDB spells it; None when it is none of DuckDB's."""
    try:
        with closing(duckdb.connect()) as engine:
            return str(engine.sqltype(type_))
    except duckdb.Error:
        return None


def passage(type_: Any) -> Passage:
    """How values of a type (a `DuckDBPyType`) get through Parquet."""
    kind = str(type_.id)
    if kind in _TEXT:
        return Passage(str(type_), "CAST({0} AS VARCHAR)")
    if kind in _SHORT:
        return Passage(_SHORT[kind], f"CAST({{0}} AS {_SHORT[kind]})")
    if kind in _LOST:
        stage, lost = _LOST[kind]
        return Passage(stage, f"CAST({{0}} AS {stage})", loses=lost)
    if kind in {"list", "array", "struct", "map"}:
        return _nested(type_, kind)
    return Passage(str(type_), exact=kind in _EXACT)


def described(name: str, type_: Any, *, exact: bool = True) -> Column:
    """A column of this type; `exact=False` where it is not DuckDB that answers."""
    found = passage(type_)
    return Column(
        name=name,
        native=str(type_),
        stage=found.stage,
        exact=exact and found.exact,
        unpack=found.unpack,
        loses=found.loses,
    )


def _nested(type_: Any, kind: str) -> Passage:
    """Lists, structs and maps of what does not survive travel as the same of what does."""
    inner = [(name, passage(child)) for name, child in type_.children if name != "size" or kind == "struct"]
    written = _written(type_, kind)
    stage = _composed(kind, [(name, one.stage) for name, one in inner])
    lost = "; ".join(f"in {name}: {one.loses}" for name, one in inner if one.loses) or None
    if written == str(type_):
        return Passage(str(type_), loses=lost)
    return Passage(stage, f"CAST({{0}} AS {_braceless(written)})", loses=lost)


def _written(type_: Any, kind: str) -> str:
    """The type in the Parquet file."""
    if kind in {"list", "array", "struct", "map"}:
        children = [(name, child) for name, child in type_.children if name != "size" or kind == "struct"]
        return _composed(kind, [(name, _written(child, str(child.id))) for name, child in children])
    found = passage(type_)
    return "VARCHAR" if kind in _TEXT else found.stage


def _composed(kind: str, children: list[tuple[str, str]]) -> str:
    if kind == "map":
        return f"MAP({children[0][1]}, {children[1][1]})"
    if kind == "struct":
        return (
            "STRUCT("
            + ", ".join(f'"{name.replace(chr(34), chr(34) * 2)}" {one}' for name, one in children)
            + ")"
        )
    return f"{children[0][1]}[]"


def _braceless(sql: str) -> str:
    """Safe in a text that `str.format` fills in."""
    return sql.replace("{", "{{").replace("}", "}}")
