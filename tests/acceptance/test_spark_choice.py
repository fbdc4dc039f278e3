"""Where Spark is the only compute, `auto` takes it for what is proven there, and tells why not else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.acceptance.project import Project
from tests.acceptance.test_tpch import stages_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

ONLY = """\
shop:
  target: spark_local
  computes:
    spark_local: {type: spark, master: "local[2]", config: {spark.sql.shuffle.partitions: 2}}
"""
ORDERS = "{{ source('orders', 'orders') }}"
PROVEN = (
    "SELECT customer, count(*) AS orders, avg(price) AS mean, sum(price) / count(*) AS share, "
    f"max(upper(name)) AS name FROM {ORDERS} WHERE bought >= DATE '2024-01-02' - INTERVAL '1 day' "
    "GROUP BY customer HAVING sum(price) > 0.5 ORDER BY customer"
)
UNPROVEN = f"SELECT customer, array_agg(id ORDER BY id) AS ids FROM {ORDERS} GROUP BY customer"
ODD_TYPE = f"SELECT id, payload FROM {ORDERS}"


@pytest.fixture
def shop(tmp_path: Path, databases: Callable[[str], Any]) -> Project:
    """Return a project whose orders are in DuckDB, and whose models are on PostgreSQL."""
    server = databases("postgres")
    server.execute("DROP SCHEMA IF EXISTS choice CASCADE")
    outputs = {
        "pg": server.settings(schema="choice"),
        "orders": {"type": "duckdb", "path": str(tmp_path / "orders.duckdb")},
    }
    project = Project(tmp_path, outputs, default="pg")
    project.file("computes.yml", ONLY)
    with duckdb.connect(str(tmp_path / "orders.duckdb")) as orders:
        orders.execute(
            "CREATE TABLE orders AS SELECT i::INTEGER AS id, (i % 3)::INTEGER AS customer, "
            "(i / 7)::DECIMAL(9,2) AS price, 'straße ' || i AS name, '{}'::JSON AS payload, "
            "DATE '2024-01-01' + (i % 2)::INTEGER AS bought FROM range(40) r(i)"
        )
    project.source("orders", "orders", ["orders"], schema="main")
    return project


def test_auto_takes_spark_for_what_is_proven_there_and_tells_why_not_for_the_rest(
    shop: Project, databases: Callable[[str], Any]
) -> None:
    for name, sql in {"proven": PROVEN, "unproven": UNPROVEN, "odd_type": ODD_TYPE}.items():
        shop.model(name, sql, materialized="table", compute="auto")
    shop.model("named", UNPROVEN, materialized="table", compute="spark_local")
    told = shop.dvt("explain").output
    assert "spark" in told
    result = shop.dvt("run", "--threads", "1")
    statuses = {"proven": "success", "unproven": "success", "odd_type": "success", "named": "error"}
    assert result.statuses() == statuses, result.output
    assert "DVT123" in result.output
    assert "array_agg" in result.output.lower()
    computed = {
        name: [stage["connection"] for stage in stages if stage["what"] == "compute"]
        for name, stages in stages_of(shop).items()
    }
    assert computed["proven"] == ["spark"]
    assert computed["unproven"] == computed["odd_type"] == []
    server = databases("postgres")
    kept = server.execute("SELECT * FROM choice.proven")
    with duckdb.connect(str(shop.root / "orders.duckdb"), read_only=True) as orders:
        rows = orders.execute("SELECT id, customer, price, name, bought FROM orders").fetchall()
    server.execute(
        "CREATE TABLE choice.copied (id int, customer int, price numeric(9,2), name text, bought date)"
    )
    with server.owner() as connection, connection.cursor() as cursor:
        cursor.executemany("INSERT INTO choice.copied VALUES (%s, %s, %s, %s, %s)", rows)
    assert kept == server.execute(PROVEN.replace(ORDERS, "choice.copied"))
