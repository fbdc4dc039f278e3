"""A project that reads a database over JDBC, through the command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.acceptance.project import Project
from tests.databases.java_servers import PASSWORD

pytestmark = pytest.mark.slow


@pytest.fixture
def shop(databases: Any, tmp_path: Path) -> Project:
    """Return a project with a DuckDB warehouse, which reads orders from H2."""
    server = databases("jdbc")
    server.execute("drop table if exists shop.paid_orders")
    server.execute(
        "create table shop.paid_orders (id integer primary key, paid_on date, total decimal(38, 2))"
    )
    rows = "select x, dateadd(day, x, date '2025-01-01'), x * 1.25 from system_range(1, 1000)"
    server.execute(f"insert into shop.paid_orders {rows}")
    outputs = {"warehouse": {"type": "duckdb", "path": "warehouse.duckdb"}, "erp": server.settings()}
    project = Project(tmp_path / "shop", outputs, default="warehouse")
    project.source("shop", "erp", ["paid_orders"], schema="shop")
    sql = "SELECT year(paid_on) AS year, sum(total) AS total FROM {{ source('shop', 'paid_orders') }}"
    project.model("by_year", f"{sql} WHERE id > 10 GROUP BY 1", materialized="table")
    return project


def test_a_federated_model_reads_over_jdbc(shop: Project):
    explained = shop.dvt("explain", "--select", "by_year").ok().output
    assert 'pushed: "ID" > 10' in explained
    shop.dvt("run").ok()
    with duckdb.connect(str(shop.root / "warehouse.duckdb")) as warehouse:
        rows = warehouse.execute("SELECT year, total::VARCHAR FROM by_year ORDER BY 1").fetchall()
    days = range(11, 1001)
    first = sum(day for day in days if day < 365) * 1.25
    assert rows[0] == (2025, f"{first:.2f}")
    assert len(rows) == 3


def test_a_database_without_a_row_is_no_target(tmp_path: Path):
    erp = {"type": "jdbc", "url": "jdbc:postgresql://127.0.0.1:1/erp", "user": "a"}
    project = Project(tmp_path / "shop", {"erp": erp}, default="erp")
    project.model("misplaced", "SELECT 1 AS one")
    result = project.dvt("run")
    assert result.code != 0
    assert "DVT117" in result.output
    assert "type jdbc of postgresql is a source only" in result.output
    assert "`type: postgres`" in result.output


def test_debug_tells_the_database_and_its_driver(shop: Project):
    output = shop.dvt("debug", "--all").ok().output
    assert "H2 2.3.232" in output
    assert "H2 JDBC Driver" in output
    assert PASSWORD not in output


def test_debug_says_what_installs_a_driver_that_is_missing(shop: Project, tmp_path: Path):
    outputs = {**shop.outputs, "erp": {"type": "jdbc", "url": "jdbc:h2:tcp://127.0.0.1:1/x"}}
    project = Project(shop.root, outputs, default="warehouse")
    output = project.dvt("debug", "--all", env={"HOME": str(tmp_path)}).output
    assert "DVT225" in output
    assert "dvt sync" in output
