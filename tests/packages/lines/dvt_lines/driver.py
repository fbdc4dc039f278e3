"""Text files as tables, read by a DuckDB of the driver's own."""

from __future__ import annotations

from pathlib import Path

import duckdb

from dvt.drivers.duckdb.sql import literal


def connect() -> duckdb.DuckDBPyConnection:
    """An empty DuckDB in memory."""
    return duckdb.connect()


def lines_of(file: Path) -> str:
    """A FROM item with the number of each line, and its text."""
    # No text file has this separator, so that a line is a single column.
    read = f"read_csv({literal(str(file))}, header = false, sep = '\\x1F', quote = '', all_varchar = true)"
    return f"(SELECT row_number() OVER () AS n, column0 AS line FROM {read})"
