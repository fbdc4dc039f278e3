"""What a federated run does not import: a second of every command, where it happens to be installed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from tests.acceptance.project import Project

pytestmark = pytest.mark.slow

IMPORTED = "from pathlib import Path\nPath(__file__).with_suffix('.imported').touch()\nraise ImportError\n"


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    """Return a project that reads SQLite, DuckDB and Parquet files."""
    with closing(sqlite3.connect(tmp_path / "orders.sqlite")) as orders, orders:
        orders.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, cents INTEGER)")
        orders.executemany("INSERT INTO orders VALUES (?, ?, ?)", [(1, "a", 100), (2, "b", 50), (3, "a", 7)])
    (tmp_path / "events").mkdir()
    duckdb.sql("SELECT range AS id, range % 2 AS kind FROM range(4)").write_parquet(
        str(tmp_path / "events" / "clicks.parquet")
    )
    project = Project(
        tmp_path / "shop",
        {
            "warehouse": {"type": "duckdb", "path": "warehouse.duckdb"},
            "orders": {"type": "sqlite", "path": "../orders.sqlite"},
            "events": {"type": "files", "path": "../events"},
        },
        default="warehouse",
    )
    project.source("orders", "orders", ["orders"], schema="main")
    project.source("events", "events", ["clicks"], schema="main")
    project.model(
        "spent",
        "SELECT o.customer, sum(o.cents) / 100.0 AS spent, count(c.id) AS clicks"
        " FROM {{ source('orders', 'orders') }} o LEFT JOIN {{ source('events', 'clicks') }} c ON c.id = o.id"
        " GROUP BY 1",
        materialized="table",
    )
    return project


def test_pandas_is_not_imported(shop: Project, tmp_path: Path):
    """DuckDB imports it for the first parameter of a statement."""
    (tmp_path / "pandas.py").write_text(IMPORTED)
    for command in ("explain", "debug", "build"):
        shop.dvt(command, env={"PYTHONPATH": str(tmp_path)}).ok()
    assert not (tmp_path / "pandas.imported").exists()
    with duckdb.connect(str(shop.root / "warehouse.duckdb")) as warehouse:
        assert warehouse.execute("SELECT * FROM spent ORDER BY customer").fetchall() == [
            ("a", 1.07, 2),
            ("b", 0.5, 1),
        ]
