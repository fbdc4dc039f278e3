"""Text files as tables, read by a DuckDB of the driver's own."""

from __future__ import annotations

from pathlib import Path

import duckdb

from dvt.drivers.duckdb.sql import literal


def connect() -> duckdb.DuckDBPyConnection:
    """Open an empty DuckDB in memory."""
    return duckdb.connect()


def lines_of(file: Path) -> str:
    """Return a FROM item with the number and the text of each line."""
    # No text file holds this separator, so a line is one column.
    read = f"read_csv({literal(str(file))}, header = false, sep = '\\x1F', quote = '', all_varchar = true)"
    return f"(SELECT row_number() OVER () AS n, column0 AS line FROM {read})"
