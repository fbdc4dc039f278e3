"""TPC-H over several databases: the tables' placement, the queries as models, a comparison of rows."""

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
    # As in a company: facts on one server, master data on others.
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
    # No table is on the connection of a table that it is joined with.
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
    """Generate all eight tables in a DuckDB, the single engine whose answers are expected."""
    connection = duckdb.connect(str(file) if file else ":memory:")
    load_extension(connection, "tpch")
    connection.execute(f"CALL dbgen(sf={scale})")
    return connection


def typed_as_placed(split: Mapping[str, str]) -> str:
    """Return SQL that gives the single engine the databases' types: SQLite's INTEGER has 64 bits."""
    narrow_columns = {"part": "p_size"}
    return ";".join(
        f"ALTER TABLE {table} ALTER {column} TYPE {'BIGINT' if split[table] == 'sqlite' else 'INTEGER'}"
        for table, column in narrow_columns.items()
    )


def queries(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return the 22 queries by name, q01 to q22, without their semicolons."""
    rows = connection.execute("FROM tpch_queries()").fetchall()
    return {f"q{number:02}": text.strip().rstrip(";") for number, text in rows}


def as_model(query: str) -> str:
    """Write dbt sources for a query's tables."""
    tables = sqlglot.parse_one(query, dialect="duckdb").find_all(exp.Table)
    tokens = [table.this.meta for table in tables if table.name in TABLES]  # the others are CTEs
    for token in sorted(tokens, key=lambda token: int(token["start"]), reverse=True):
        name = query[token["start"] : token["end"] + 1]
        source = f"{{{{ source('tpch_{name}', '{name}') }}}}"
        query = query[: token["start"]] + source + query[token["end"] + 1 :]
    return query


def sorted_rows(rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Sort rows by their values' texts, floats rounded for sorting only."""
    return sorted((tuple(row) for row in rows), key=lambda row: [_sortable(value) for value in row])


def _sortable(value: Any) -> str:
    if isinstance(value, float | Decimal | int):
        return f"{float(value):+030.4f}"
    return str(value)


def assert_same(actual: Sequence[Sequence[Any]], expected: Sequence[Sequence[Any]], label: str) -> None:
    """Assert that the rows are equal: floats within a relative 1e-9, all other values exactly."""
    assert len(actual) == len(expected), f"{label}: {len(actual)} rows, not {len(expected)}"
    for actual_row, expected_row in zip(sorted_rows(actual), sorted_rows(expected), strict=True):
        difference = f"{label}: {actual_row} != {expected_row}"
        for actual_value, expected_value in zip(actual_row, expected_row, strict=True):
            if isinstance(expected_value, float):
                assert math.isclose(float(actual_value), expected_value, rel_tol=1e-9), difference
            else:
                assert actual_value == expected_value, difference
