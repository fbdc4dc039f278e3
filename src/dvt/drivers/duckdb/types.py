"""Describes columns of tables that DuckDB itself reads: nearly all their types are stage types."""

from __future__ import annotations

from typing import Any

from dvt.core.encoding import encoding
from dvt.core.tables import Column
from dvt.core.types import INTEGERS, VARCHAR, Kind, StageType, UnknownType
from dvt.drivers.duckdb.sql import escape_braces

_EXACT = INTEGERS | {Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ, Kind.DECIMAL}
"""Kinds whose values every DuckDB compares and orders in the same way."""


def described(name: str, type_: Any) -> Column:
    """Describe a column of this type, a `DuckDBPyType`."""
    native = str(type_)
    try:
        own = StageType.parse(native)
    except UnknownType:
        loses = f"the type {native}; it becomes text"
        unpack = "CAST({0} AS VARCHAR)"
        return Column(name=name, native=native, stage=VARCHAR, unpack=unpack, loses=loses)
    staged = encoding(own)
    return Column(
        name=name,
        native=native,
        stage=staged.stage,
        exact=own.kind in _EXACT,
        unpack="{0}" if staged.stage == own else f"CAST({{0}} AS {escape_braces(str(staged.stage))})",
        loses=staged.loses,
    )
