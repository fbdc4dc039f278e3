"""The demo runs as `make demo` runs it, and its tables hold what one DuckDB computes of the same data."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from tests.docs.pages import ROOT

SHOP = ROOT / "examples" / "shop"
LEFTOVERS = shutil.ignore_patterns("data", "target", "logs", ".dvt", "__pycache__", ".user.yml")

TRUTH = """
    WITH totals AS (
        SELECT order_id, customer_id, ordered_on, status, sum(quantity * price) AS total
        FROM orders.orders JOIN orders.order_lines USING (order_id)
        GROUP BY ALL
    ),
    bought AS (
        SELECT customer_id, count(*) AS orders, sum(total) AS revenue
        FROM totals WHERE status = 'paid' AND ordered_on >= DATE '2025-04-01' GROUP BY ALL
    ),
    seen AS (
        SELECT customer_id, count(*) AS views
        FROM '{shop}/data/events/page_views/*.parquet' WHERE customer_id IS NOT NULL GROUP BY ALL
    ),
    customers AS (
        SELECT c.id, n.country, coalesce(orders, 0) AS orders, coalesce(revenue, 0) AS revenue,
               coalesce(views, 0) AS views
        FROM crm.customers c
        LEFT JOIN '{shop}/seeds/countries.csv' n ON n.code = c.country_code
        LEFT JOIN bought ON bought.customer_id = c.id
        LEFT JOIN seen ON seen.customer_id = c.id
    )
    SELECT country, count(*), sum(orders)::BIGINT, sum(revenue)::VARCHAR, sum(views)::BIGINT,
           count(*) FILTER (revenue >= 500)
    FROM customers GROUP BY country ORDER BY country
"""


@contextmanager
def everything(shop: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield one DuckDB that reads all of the shop's data."""
    from dvt.drivers.duckdb import load_extension

    with duckdb.connect() as duck:
        load_extension(duck, "sqlite_scanner")
        duck.execute(f"ATTACH '{shop}/data/crm.sqlite' AS crm (TYPE sqlite, READ_ONLY)")
        for name in ("orders", "warehouse", "marketing"):
            duck.execute(f"ATTACH '{shop}/data/{name}.duckdb' AS {name} (READ_ONLY)")
        yield duck


@pytest.mark.slow
def test_the_demo_arrives_at_the_right_table(tmp_path: Path):
    shop = tmp_path / "shop"
    shutil.copytree(SHOP, shop, ignore=LEFTOVERS)
    process = subprocess.run(
        [sys.executable, ROOT / "tools" / "demo.py", shop],
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert "DVT001" in process.stdout
    with everything(shop) as duck:
        truth = duck.execute(TRUTH.format(shop=shop)).fetchall()
        table = duck.execute(
            "SELECT country, customers, orders, revenue::VARCHAR, views, gold"
            " FROM warehouse.sales_by_country ORDER BY country"
        ).fetchall()
        assert table == truth
        audience = duck.execute(
            "SELECT count(*) FROM marketing.audience a JOIN crm.customers c ON c.id = a.customer_id"
            " WHERE NOT c.newsletter OR a.tier = 'bronze'"
        ).fetchone()
        assert audience == (0,)
        views = duck.execute("SELECT sum(views)::BIGINT FROM warehouse.activity").fetchone()
        assert views == (sum(row[4] for row in truth),)
        snapshot = duck.execute("SELECT count(*) FROM warehouse.customer_tiers WHERE dbt_valid_to IS NULL")
        assert snapshot.fetchone() == (20_000,)


@pytest.mark.slow
def test_the_shops_data_is_always_the_same(tmp_path: Path):
    sums = []
    for name in ("one", "other"):
        shop = tmp_path / name
        shutil.copytree(SHOP, shop, ignore=LEFTOVERS)
        subprocess.run([sys.executable, shop / "generate.py"], check=True)
        with duckdb.connect(str(shop / "data" / "orders.duckdb"), read_only=True) as orders:
            rows = orders.execute(
                "SELECT count(*), md5(string_agg(l::VARCHAR, ',' ORDER BY line_id)) FROM order_lines l"
            ).fetchall()
            rows += orders.execute(
                f"SELECT count(*), md5(string_agg(v::VARCHAR, ',' ORDER BY view_id))"
                f" FROM '{shop}/data/events/page_views/*.parquet' v"
            ).fetchall()
        sums.append(rows)
    assert sums[0] == sums[1]
    assert [count for count, _ in sums[0]] == [375_000, 1_200_000]
