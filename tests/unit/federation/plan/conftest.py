"""Fixtures: a database with the planner tests' tables, and an oracle over it."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from tests.acceptance.oracle import Oracle

_TABLES = """
CREATE TABLE orders (id INTEGER, customer_id INTEGER, total DECIMAL(10,2), ordered DATE, changed TIMESTAMP,
    note VARCHAR, score DOUBLE, paid BOOLEAN);
CREATE TABLE customers (id INTEGER, name VARCHAR, since DATE);
CREATE TABLE target_table (id INTEGER, changed TIMESTAMP, total DECIMAL(10,2), note VARCHAR,
    score DOUBLE);
CREATE TABLE parcels (id INTEGER, state ENUM('new', 'sent', 'lost'));
CREATE TABLE odd ("Foo" INTEGER, "weird name" INTEGER, "CamelCase" INTEGER);
INSERT INTO orders VALUES (1, 1, 5.50, '2024-01-01', '2024-01-01 10:00:00', 'x', 0.5, true);
INSERT INTO customers VALUES (1, 'Ann', '2020-01-01');
"""


@pytest.fixture(scope="session")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as db:
        db.execute("SET GLOBAL TimeZone = 'UTC'")
        db.execute(_TABLES)
        yield db


@pytest.fixture
def shop(database: duckdb.DuckDBPyConnection) -> Oracle:
    database.execute("DELETE FROM target_table")
    return Oracle(database, connections={"orders": "pg", "customers": "maria", "target_table": "target"})
