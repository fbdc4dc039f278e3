"""The command runs federated models with the toy engine and the in-memory bucket of dvt.testing."""

from __future__ import annotations

import ast
import inspect
import os
import sqlite3
from pathlib import Path
from types import ModuleType

import duckdb
import pytest

from dvt.testing import memory_bucket, toy_engine, toy_types
from tests.acceptance.project import Project
from tests.packages import installed

pytestmark = pytest.mark.slow

BUCKETS = "shop: {buckets: {memory: {type: memory}}}"
COMPUTES = "shop: {target: toy, computes: {toy: {type: toy}}}"


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    """Return a project: orders in DuckDB, customers in SQLite, models in a DuckDB warehouse."""
    root = tmp_path / "shop"
    outputs = {
        "warehouse": {"type": "duckdb", "path": "warehouse.duckdb"},
        "orders": {"type": "duckdb", "path": "orders.duckdb"},
        "crm": {"type": "sqlite", "path": "crm.sqlite"},
    }
    project = Project(root, outputs, default="warehouse")
    project.file("computes.yml", COMPUTES)
    project.file("buckets.yml", BUCKETS)
    with duckdb.connect(str(root / "orders.duckdb")) as orders:
        orders.execute(
            "CREATE TABLE orders AS SELECT i AS id, i % 3 AS customer, i * 10 AS cents, "
            "i::DECIMAL(9,2) AS price FROM range(9) r(i)"
        )
    crm = sqlite3.connect(root / "crm.sqlite")
    crm.executescript(
        "CREATE TABLE customers (id INTEGER, name TEXT); "
        "INSERT INTO customers VALUES (0, 'ann'), (1, 'bob'), (2, 'it''s Zoë 😀')"
    )
    crm.close()
    project.source("orders", "orders", ["orders"], schema="main")
    project.source("crm", "crm", ["customers"], schema="main")
    project.model(
        "spent",
        "SELECT upper(c.name) AS name, count(*) AS orders, sum(o.cents) AS cents "
        "FROM {{ source('orders', 'orders') }} AS o JOIN {{ source('crm', 'customers') }} AS c "
        "ON o.customer = c.id WHERE c.id < 2 AND o.id > 0 GROUP BY c.name",
        materialized="table",
    )
    return project


@pytest.fixture
def package(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a process that has the package installed."""
    return {"PYTHONPATH": os.pathsep.join(installed(tmp_path / "site-packages", "toy"))}


def rows_of(shop: Project, model: str) -> list[tuple]:
    with duckdb.connect(str(shop.root / "warehouse.duckdb")) as warehouse:
        return warehouse.execute(f"SELECT * FROM {model} ORDER BY ALL").fetchall()


def test_a_federated_model_is_computed_by_the_toy_and_staged_in_memory(
    shop: Project, package: dict[str, str]
):
    shop.model(
        "who",
        "SELECT CAST(sqlite_version() AS TEXT) AS version, CAST(count(*) AS BIGINT) AS orders "
        "FROM {{ source('orders', 'orders') }} AS o JOIN {{ source('crm', 'customers') }} AS c "
        "ON o.customer = c.id",
        materialized="table",
        dialect="compute",
    )
    result = shop.dvt("run", "--keep-staging", env=package).ok()
    assert rows_of(shop, "spent") == [("ANN", 2, 90), ("BOB", 3, 120)]
    assert rows_of(shop, "who") == [(sqlite3.sqlite_version, 9)]
    assert "DVT003" not in result.output, "the package declares how upper, count and sum translate"
    assert not (shop.root / ".dvt" / "staging").exists()


def test_an_incremental_model_adds_the_new_rows_only(shop: Project, package: dict[str, str]):
    shop.model(
        "log",
        "SELECT o.id, c.name FROM {{ source('orders', 'orders') }} AS o "
        "JOIN {{ source('crm', 'customers') }} AS c ON o.customer = c.id "
        "WHERE {% if is_incremental() %} o.id > (SELECT max(id) FROM {{ this }}) "
        "{% else %} o.id < 4 {% endif %}",
        materialized="incremental",
    )
    for rows in (4, 9):
        shop.dvt("run", "--select", "log", env=package).ok()
        assert [row[0] for row in rows_of(shop, "log")] == list(range(rows))


def test_without_a_bucket_data_is_staged_in_files_for_the_same_engine(shop: Project, package: dict[str, str]):
    (shop.root / "buckets.yml").unlink()
    shop.dvt("run", env=package).ok()
    assert rows_of(shop, "spent") == [("ANN", 2, 90), ("BOB", 3, 120)]
    assert (shop.root / ".dvt" / "staging").exists()


@pytest.mark.parametrize(
    ("column", "code", "reason"),
    [
        ("o.price", "DVT123", "the toy engine does not hold"),
        ("CAST(o.cents AS DECIMAL(9, 2))", "DVT123", "SQLite has no DECIMAL"),
    ],
)
def test_a_type_that_the_toy_engine_lacks_is_an_error(
    shop: Project, package: dict[str, str], column: str, code: str, reason: str
):
    shop.model(
        "spent",
        f"SELECT c.name, {column} AS money FROM {{{{ source('orders', 'orders') }}}} AS o "
        "JOIN {{ source('crm', 'customers') }} AS c ON o.customer = c.id",
        materialized="table",
    )
    result = shop.dvt("run", env=package)
    assert result.code == 1
    assert code in result.output
    assert reason in result.output


@pytest.mark.parametrize("module", [memory_bucket, toy_engine, toy_types], ids=lambda module: module.__name__)
def test_the_toys_source_names_neither_duckdb_nor_a_path(module: ModuleType):
    source = inspect.getsource(module)
    assert "duckdb" not in source.lower()
    assert "path" not in source.lower()
    functions = {ast.unparse(node.func) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)}
    assert "open" not in functions
