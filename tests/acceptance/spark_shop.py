"""A shop whose models are written in Spark's SQL, for tests of Spark through the command."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import duckdb
import psutil

from tests.acceptance.project import Project

COMPUTES = """\
shop:
  target: duckdb
  computes:
    spark_local:
      type: spark
      master: local[2]
      config: {spark.sql.shuffle.partitions: 4, spark.hadoop.fs.s3a.secret.key: hush-hush}
"""
ORDERS = "{{ source('orders', 'orders') }}"
CUSTOMERS = "{{ source('crm', 'customers') }}"
MODELS = {
    "spent": f"SELECT c.name AS name, count(*) AS orders, sum(o.price) AS total, max(o.at) AS last_at, "
    f"min(o.paid_on) AS first_on FROM {ORDERS} AS o JOIN {CUSTOMERS} AS c ON o.customer = c.id "
    "WHERE o.price > 1.5 AND c.name <> 'bob' GROUP BY c.name",
    "kept": "SELECT o.id, o.price, o.at, o.seen, o.paid_on, o.is_new, o.ratio, o.raw, c.name "
    f"FROM {ORDERS} AS o LEFT JOIN {CUSTOMERS} AS c ON o.customer = c.id",
    "hidden": f"WITH customers AS (SELECT id FROM {CUSTOMERS} WHERE id = 0), "
    f"everybody AS (SELECT count(*) AS n FROM {CUSTOMERS}) "
    "SELECT customers.id, everybody.n FROM customers CROSS JOIN everybody",
}
"""Models whose SQL means the same in Spark and in DuckDB."""


def make_shop(root: Path, computes: str = COMPUTES) -> Project:
    """Make a project: orders in DuckDB, customers in SQLite, models in a DuckDB warehouse."""
    outputs = {
        "warehouse": {"type": "duckdb", "path": "warehouse.duckdb"},
        "orders": {"type": "duckdb", "path": "orders.duckdb"},
        "crm": {"type": "sqlite", "path": "crm.sqlite"},
    }
    project = Project(root, outputs, default="warehouse")
    project.file("computes.yml", computes)
    with duckdb.connect(str(root / "orders.duckdb")) as orders:
        orders.execute(
            "CREATE TABLE orders AS SELECT i AS id, i % 4 AS customer, (i / 4)::DECIMAL(9,2) AS price, "
            "TIMESTAMP '1582-10-10 12:00:00.000001' + INTERVAL (i) DAY AS at, "
            "TIMESTAMPTZ '2024-03-31 01:30:00+00' + INTERVAL (i) HOUR AS seen, "
            "DATE '0001-01-01' + i::INTEGER AS paid_on, "
            "CASE WHEN i % 3 = 0 THEN NULL ELSE i % 2 = 0 END AS is_new, "
            "CASE i WHEN 1 THEN 'nan' WHEN 2 THEN '-inf' ELSE i / 3 END::DOUBLE AS ratio, "
            "encode(i || 'é') AS raw, TIME '24:00:00' AS until FROM range(50) r(i)"
        )
    crm = sqlite3.connect(root / "crm.sqlite")
    crm.executescript(
        "CREATE TABLE customers (id INTEGER, name TEXT); "
        "INSERT INTO customers VALUES (0, 'ann'), (1, 'bob'), (2, 'it''s Zoë 😀'), (3, NULL)"
    )
    crm.close()
    project.source("orders", "orders", ["orders"], schema="main")
    project.source("crm", "crm", ["customers"], schema="main")
    return project


def query(shop: Project, sql: str) -> list[tuple]:
    """Return the rows of a query in the warehouse."""
    with duckdb.connect(str(shop.root / "warehouse.duckdb")) as warehouse:
        return warehouse.execute(sql).fetchall()


def spark_model(shop: Project, name: str, sql: str, **config: str) -> None:
    """Write a model that Spark computes."""
    shop.model(name, sql, **{"materialized": "table", "compute": "spark_local", "dialect": "spark", **config})


def java_processes(within: Path) -> list[int]:
    """Return the ids of the processes of Spark whose files are in a folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        line = line if line.split(" ")[0].endswith("java") else ""
        # Java's launcher, which only writes the command, is another one.
        if "SparkSubmit" in line and "launcher.Main" not in line and str(within) in line:
            found.append(process.pid)
    return found
