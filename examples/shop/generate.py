"""Generates the shop's data, the same on every machine: python generate.py [--next-month]

    data/crm.sqlite             20,000 customers
    data/orders.duckdb          150,000 orders with 375,000 lines
    data/events/page_views/     1.2 million page views, one Parquet file per month of 2025

`--next-month` adds the page views of January 2026: one more file.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb

DATA = Path(__file__).parent / "data"
VIEWS_PER_MONTH = 100_000

# Random numbers that are the same on every machine: topic and number of the row decide.
DIE = """
    CREATE TEMP MACRO mixed(x) AS (x * x % 2_147_483_647 * 48_271 + x) % 2_147_483_647;
    CREATE TEMP MACRO die(sides, topic, i) AS
        (mixed(mixed((md5_number_lower(topic) % 2_147_483_647)::BIGINT + i)) % sides)::INTEGER;
    CREATE TEMP MACRO one_of(choices, topic, i) AS choices[1 + die(len(choices), topic, i)];
"""

CUSTOMERS = """
    SELECT i AS id,
           concat_ws(
               ' ',
               one_of(['Ada', 'Bilal', 'Chloé', 'Dmitri', 'Eun-ji', 'Fatima', 'Grace', 'Hana'], 'first', i),
               one_of(['Abe', 'Brandt', 'Costa', 'Diop', 'Eriksen', 'Fischer', 'García', 'Hu'], 'last', i)
           ) AS name,
           'customer' || i || '@example.com' AS email,
           one_of(['DE', 'FR', 'JP', 'BR', 'US', 'US', 'SN', 'SE'], 'country', i) AS country_code,
           (DATE '2023-01-01' + die(730, 'signed up', i))::VARCHAR AS signed_up_on,
           (die(3, 'newsletter', i) = 0)::INTEGER AS newsletter
    FROM range(1, 20_001) AS customers (i)
"""

ORDERS = """
    CREATE TABLE orders AS
    SELECT i AS order_id,
           1 + die(20_000, 'buyer', i) AS customer_id,
           DATE '2025-01-01' + die(365, 'ordered', i) AS ordered_on,
           one_of(['paid', 'paid', 'paid', 'paid', 'returned', 'open'], 'status', i) AS status
    FROM range(1, 150_001) AS orders (i);

    CREATE TABLE order_lines AS
    SELECT 1 + line % 150_000 AS order_id,
           line AS line_id,
           one_of(['tea', 'cup', 'pot', 'spoon', 'honey', 'tray'], 'product', line) AS product,
           1 + die(4, 'quantity', line) AS quantity,
           ((250 + die(4_750, 'price', line)) / 100)::DECIMAL(9, 2) AS price
    FROM range(375_000) AS lines (line);
"""

PAGE_VIEWS = """
    COPY (
        SELECT {month} * 1_000_000 + i AS view_id,
               CASE WHEN die(4, 'known {month}', i) > 0 THEN 1 + die(20_000, 'viewer {month}', i) END
                 AS customer_id,
               TIMESTAMP '{first}' + to_seconds(die({days} * 86_400, 'viewed {month}', i)) AS viewed_at,
               '/' || one_of(['tea', 'cup', 'pot', 'spoon', 'cart', 'sale'], 'page {month}', i) AS page,
               one_of(['phone', 'phone', 'laptop', 'tablet'], 'device {month}', i) AS device,
               die(180_000, 'stayed {month}', i) AS milliseconds
        FROM range({rows}) AS views (i)
        ORDER BY viewed_at, view_id
    ) TO '{path}' (FORMAT parquet, COMPRESSION zstd)
"""


def page_views(database: duckdb.DuckDBPyConnection, month: int) -> None:
    """Write a month of page views as one Parquet file; month 1 is January 2025."""
    first, following = (
        f"{2025 + (number - 1) // 12}-{1 + (number - 1) % 12:02}-01" for number in (month, month + 1)
    )
    (days,) = database.execute(f"SELECT DATE '{following}' - DATE '{first}'").fetchone()
    path = DATA / "events" / "page_views" / f"{first[:7]}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    database.execute(PAGE_VIEWS.format(month=month, first=first, days=days, rows=VIEWS_PER_MONTH, path=path))


def customers(database: duckdb.DuckDBPyConnection) -> None:
    """Write the customers into a SQLite file."""
    rows = database.execute(CUSTOMERS).fetchall()
    with closing(sqlite3.connect(DATA / "crm.sqlite")) as crm, crm:
        crm.execute(
            "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT,"
            " country_code TEXT, signed_up_on DATE, newsletter BOOLEAN)"
        )
        crm.executemany("INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?)", rows)


def orders() -> None:
    """Write orders and their lines into a DuckDB file."""
    with duckdb.connect(str(DATA / "orders.duckdb")) as database:
        database.execute(DIE + ORDERS)


def main() -> None:
    """Generate all data again, or with --next-month only the month that follows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--next-month", action="store_true", help="add January 2026 to the data")
    next_month = parser.parse_args().next_month
    with duckdb.connect() as database:
        database.execute(DIE)
        if next_month:
            page_views(database, 13)
            return
        shutil.rmtree(DATA, ignore_errors=True)
        DATA.mkdir()
        customers(database)
        for month in range(1, 13):
            page_views(database, month)
    orders()


if __name__ == "__main__":
    main()
