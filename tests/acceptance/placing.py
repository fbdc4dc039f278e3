"""Tables of a DuckDB put on the tests' databases, with types as their users would declare them."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb

_SQLITE = {"BIGINT": "INTEGER", "INTEGER": "INTEGER", "VARCHAR": "TEXT", "DATE": "DATE"}
_POSTGRES = {"DOUBLE": "double precision"}
_MARIADB = {"VARCHAR": "varchar(255)"}
_BATCH = 2_000


def columns(source: duckdb.DuckDBPyConnection, table: str, types: Mapping[str, str]) -> str:
    """The column list of a CREATE TABLE, with DuckDB's types replaced by the database's."""
    rows = source.execute(f"DESCRIBE {table}").fetchall()
    return ", ".join(f"{name} {types.get(kind, kind)}" for name, kind, *_ in rows)


def on_postgres(source: duckdb.DuckDBPyConnection, table: str, server: Any, schema: str) -> None:
    """Create and fill the table on a PostgreSQL, by COPY."""
    name = f'"{schema}".{table}'
    server.execute(f"DROP TABLE IF EXISTS {name} CASCADE")
    server.execute(f"CREATE TABLE {name} ({columns(source, table, _POSTGRES)})")
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
    server.execute(f"CREATE TABLE {name} ({columns(source, table, _MARIADB)}) DEFAULT CHARSET utf8mb4")
    answer = source.execute(f"FROM {table}")
    with server.owner() as connection, connection.cursor() as cursor:
        while rows := answer.fetchmany(_BATCH):
            places = ", ".join(["%s"] * len(rows[0]))
            cursor.executemany(f"INSERT INTO {name} VALUES ({places})", rows)


def on_sqlite(source: duckdb.DuckDBPyConnection, table: str, file: Path) -> None:
    """Create and fill the table in a SQLite file."""
    with closing(sqlite3.connect(file)) as lite, lite:
        lite.execute(f"CREATE TABLE {table} ({columns(source, table, _SQLITE)})")
        rows = source.execute(f"FROM {table}").fetchall()
        places = ", ".join(["?"] * len(rows[0]))
        texts = [[value if isinstance(value, int | None) else str(value) for value in row] for row in rows]
        lite.executemany(f"INSERT INTO {table} VALUES ({places})", texts)


def in_duckdb(source: duckdb.DuckDBPyConnection, table: str, file: Path) -> None:
    """Copy the table into a DuckDB file."""
    source.execute(f"ATTACH '{file}' AS placed")
    try:
        source.execute(f"CREATE TABLE placed.{table} AS FROM {table}")
    finally:
        source.execute("DETACH placed")
