"""Copies of a DuckDB's tables on the tests' databases, with types as users would declare them."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb

_SQLITE_TYPES = {"BIGINT": "INTEGER", "INTEGER": "INTEGER", "VARCHAR": "TEXT", "DATE": "DATE"}
_POSTGRES_TYPES = {"DOUBLE": "double precision"}
_MARIADB_TYPES = {"VARCHAR": "varchar(255)"}
_BATCH_ROWS = 2_000
"""Rows of one INSERT."""


def columns(source: duckdb.DuckDBPyConnection, table: str, types: Mapping[str, str]) -> str:
    """Return the column list of a CREATE TABLE, with DuckDB's types replaced by the database's."""
    rows = source.execute(f"DESCRIBE {table}").fetchall()
    return ", ".join(f"{name} {types.get(type_, type_)}" for name, type_, *_ in rows)


def on_postgres(source: duckdb.DuckDBPyConnection, table: str, server: Any, schema: str) -> None:
    """Create and fill the table on a PostgreSQL, by COPY."""
    name = f'"{schema}".{table}'
    server.execute(f"DROP TABLE IF EXISTS {name} CASCADE")
    server.execute(f"CREATE TABLE {name} ({columns(source, table, _POSTGRES_TYPES)})")
    text = io.StringIO()
    csv.writer(text).writerows(source.execute(f"FROM {table}").fetchall())
    text.seek(0)
    with closing(server.owner()) as connection, connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {name} FROM STDIN (FORMAT csv)", text)
    server.execute(f"ANALYZE {name}")


def on_mariadb(source: duckdb.DuckDBPyConnection, table: str, server: Any, schema: str = "shop") -> None:
    """Create and fill the table on a MariaDB, many rows to a statement."""
    name = f"{schema}.{table}"
    server.execute(f"DROP TABLE IF EXISTS {name}")
    server.execute(f"CREATE TABLE {name} ({columns(source, table, _MARIADB_TYPES)}) DEFAULT CHARSET utf8mb4")
    reader = source.execute(f"FROM {table}")
    with server.owner() as connection, connection.cursor() as cursor:
        while rows := reader.fetchmany(_BATCH_ROWS):
            placeholders = ", ".join(["%s"] * len(rows[0]))
            cursor.executemany(f"INSERT INTO {name} VALUES ({placeholders})", rows)


def on_sqlite(source: duckdb.DuckDBPyConnection, table: str, file: Path) -> None:
    """Create and fill the table in an SQLite file."""
    with closing(sqlite3.connect(file)) as sqlite, sqlite:
        sqlite.execute(f"CREATE TABLE {table} ({columns(source, table, _SQLITE_TYPES)})")
        rows = source.execute(f"FROM {table}").fetchall()
        placeholders = ", ".join(["?"] * len(rows[0]))
        texts = [[value if isinstance(value, int | None) else str(value) for value in row] for row in rows]
        sqlite.executemany(f"INSERT INTO {table} VALUES ({placeholders})", texts)


def in_duckdb(source: duckdb.DuckDBPyConnection, table: str, file: Path) -> None:
    """Copy the table into a DuckDB file."""
    source.execute(f"ATTACH '{file}' AS placed")
    try:
        source.execute(f"CREATE TABLE placed.{table} AS FROM {table}")
    finally:
        source.execute("DETACH placed")
