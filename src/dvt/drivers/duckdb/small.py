"""Small staged datasets as values, whatever engine has staged them."""

from __future__ import annotations

from typing import Any

from dvt.core.ports.engines import Value
from dvt.core.ports.staging import Dataset
from dvt.drivers.duckdb.sql import quoted
from dvt.drivers.duckdb.staging import scan, scan_in_order


def first_row(cursor: Any, dataset: Dataset) -> tuple[Value, ...]:
    """Return a dataset's first row; NULLs if there is none, as a scalar subquery gives."""
    texts = ", ".join(f"CAST({quoted(column.name)} AS VARCHAR)" for column in dataset.columns)
    row = cursor.execute(f"SELECT {texts} FROM ({scan(dataset)}) LIMIT 1").fetchone()
    values = row or (None,) * len(dataset.columns)
    return tuple((column.type, value) for column, value in zip(dataset.columns, values, strict=True))


def all_rows(cursor: Any, dataset: Dataset) -> list[tuple[object, ...]]:
    """Return a dataset's rows, in the order in which they were written."""
    return list(cursor.execute(scan_in_order(dataset)).fetchall())


def distinct_values(cursor: Any, dataset: Dataset, limit: int) -> tuple[Value, ...] | None:
    """Return the distinct values of a dataset's only column, without NULL; None for more than `limit`."""
    (column,) = dataset.columns
    name = quoted(column.name)
    distinct = f"SELECT DISTINCT CAST({name} AS VARCHAR) AS k FROM ({scan(dataset)}) WHERE {name} IS NOT NULL"
    rows = cursor.execute(f"SELECT k FROM ({distinct}) ORDER BY k LIMIT {limit + 1}").fetchall()
    return None if len(rows) > limit else tuple((column.type, row[0]) for row in rows)
