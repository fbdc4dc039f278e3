"""TPC-H over several databases: its tables dealt out, its queries as models, and the right answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from dvt.drivers.duckdb import load_extension

TABLES = ("lineitem", "orders", "customer", "part", "partsupp", "supplier", "nation", "region")

SPLITS: Mapping[str, Mapping[str, str]] = {
    # As a company might have it: facts here, master data there.
    "by subject": {
        "lineitem": "pg",
        "orders": "pg",
        "customer": "sqlite",
        "part": "maria",
        "partsupp": "maria",
        "supplier": "maria",
        "nation": "duck",
        "region": "duck",
    },
    # No table lives where one that it is joined with lives.
    "apart": {
        "lineitem": "pg",
        "orders": "maria",
        "customer": "sqlite",
        "part": "sqlite",
        "partsupp": "duck",
        "supplier": "maria",
        "nation": "duck",
        "region": "pg",
    },
}


def generate(scale: float, file: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB with all eight tables, the single engine whose answers are right."""
    connection = duckdb.connect(str(file) if file else ":memory:")
    load_extension(connection, "tpch")
    connection.execute(f"CALL dbgen(sf={scale})")
    return connection


def typed_as_placed(split: Mapping[str, str]) -> str:
    """SQL that gives the single engine the types of the databases: SQLite's INTEGER has 64 bits."""
    narrow = {"part": "p_size"}
    return ";".join(
        f"ALTER TABLE {table} ALTER {column} TYPE {'BIGINT' if split[table] == 'sqlite' else 'INTEGER'}"
        for table, column in narrow.items()
    )


def queries(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The 22 queries by name, q01 to q22, without their semicolons."""
    rows = connection.execute("FROM tpch_queries()").fetchall()
    return {f"q{number:02}": text.strip().rstrip(";") for number, text in rows}


def as_model(query: str) -> str:
    """A query whose tables are dbt sources."""
    tables = sqlglot.parse_one(query, dialect="duckdb").find_all(exp.Table)
    places = [table.this.meta for table in tables if table.name in TABLES]  # others are CTEs
    for place in sorted(places, key=lambda one: int(one["start"]), reverse=True):
        name = query[place["start"] : place["end"] + 1]
        source = f"{{{{ source('tpch_{name}', '{name}') }}}}"
        query = query[: place["start"]] + source + query[place["end"] + 1 :]
    return query


def normal(rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Rows in an order of their own, floats rounded for sorting only."""
    return sorted((tuple(row) for row in rows), key=lambda row: [_sortable(value) for value in row])


def _sortable(value: Any) -> str:
    if isinstance(value, float | Decimal | int):
        return f"{float(value):+030.4f}"
    return str(value)


def assert_same(found: Sequence[Sequence[Any]], right: Sequence[Sequence[Any]], what: str) -> None:
    """Row for row; floats within 1e-9 of each other, everything else exact."""
    assert len(found) == len(right), f"{what}: {len(found)} rows, not {len(right)}"
    for ours, theirs in zip(normal(found), normal(right), strict=True):
        for mine, other in zip(ours, theirs, strict=True):
            if isinstance(other, float):
                assert math.isclose(float(mine), other, rel_tol=1e-9), f"{what}: {ours} != {theirs}"
            else:
                assert mine == other, f"{what}: {ours} != {theirs}"
