"""A DAG of 34 models over five outputs, and the rows that each of its tables must hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

SOURCES: Mapping[str, str] = {
    "orders": "server_a",
    "customers": "lite",
    "events": "duck_a",
    "items": "server_b",
}
"""Source table → its output."""

ROWS = 2_000
"""Rows of orders and events; items has twice as many."""


def source_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the sources as tables of a DuckDB."""
    connection.execute(f"""
        CREATE TABLE orders AS SELECT i AS id, i % 97 AS customer_id, (i * 7 % 1000)::DECIMAL(10,2) AS amount,
            DATE '2024-01-01' + (i % 365)::INTEGER AS placed FROM range({ROWS}) t(i);
        CREATE TABLE customers AS SELECT i AS id, 'Name ' || i AS name, i % 5 AS region FROM range(97) t(i);
        CREATE TABLE events AS SELECT i AS id, i % 97 AS customer_id, i % 11 AS kind FROM range({ROWS}) t(i);
        CREATE TABLE items AS SELECT i AS id, i % {ROWS} AS order_id, i % 13 AS product, i % 4 + 1 AS quantity
            FROM range({2 * ROWS}) t(i);
    """)


@dataclass(frozen=True)
class Step:
    """A model: its name, its target, and SQL in which `{name}` is a table."""

    name: str
    target: str
    sql: str


def steps() -> Iterator[Step]:
    """Yield all models, each after the tables that it reads."""
    outputs = ("server_a", "server_b", "duck_a", "duck_b")
    spend = "SELECT customer_id, sum(amount) AS spent, count(*) AS orders FROM {orders} GROUP BY customer_id"
    visits = "SELECT customer_id, kind, count(*) AS times FROM {events} GROUP BY customer_id, kind"
    purchases = "SELECT order_id, sum(quantity) AS pieces FROM {items} GROUP BY order_id"
    people = "SELECT id, name, region FROM {customers} WHERE region < 4"
    for output in outputs:
        yield Step(f"spend_{output}", output, spend)
        yield Step(f"visits_{output}", output, visits)
        yield Step(f"purchases_{output}", output, purchases)
        yield Step(f"people_{output}", output, people)
    for number, output in enumerate(outputs):
        other, third = outputs[(number + 1) % 4], outputs[(number + 2) % 4]
        yield Step(
            f"valued_{output}",
            output,
            f"SELECT p.id, p.name, p.region, s.spent, s.orders FROM {{people_{other}}} p "
            f"JOIN {{spend_{third}}} s ON s.customer_id = p.id",
        )
        yield Step(
            f"sized_{output}",
            output,
            f"SELECT o.customer_id, sum(b.pieces) AS pieces FROM {{purchases_{other}}} b "
            "JOIN {orders} o ON o.id = b.order_id GROUP BY o.customer_id",
        )
        yield Step(
            f"active_{output}",
            output,
            f"SELECT v.region, e.kind, sum(e.times) AS times, count(*) AS people FROM {{valued_{output}}} v "
            f"LEFT JOIN {{visits_{third}}} e ON e.customer_id = v.id GROUP BY v.region, e.kind",
        )
    for number, output in enumerate(outputs):
        other = outputs[(number + 3) % 4]
        yield Step(
            f"mart_{output}",
            output,
            f"SELECT a.region, a.kind, a.times, z.pieces FROM {{active_{other}}} a "
            f"LEFT JOIN (SELECT customer_id % 5 AS region, sum(pieces) AS pieces FROM {{sized_{output}}} "
            "GROUP BY customer_id % 5) z ON z.region = a.region",
        )
    union = " UNION ALL ".join(
        f"SELECT '{output}' AS source, count(*) AS n FROM {{mart_{output}}}" for output in outputs
    )
    yield Step("totals_server", "server_a", union)
    yield Step("totals_duck", "duck_b", union)


def as_model(step: Step) -> str:
    """Return the step's SQL with dbt's ref and source."""
    names: dict[str, Any] = {
        name: f"{{{{ source('{output}', '{name}') }}}}" for name, output in SOURCES.items()
    }
    names |= {step.name: f"{{{{ ref('{step.name}') }}}}" for step in steps()}
    return step.sql.format_map(names)


def expected_tables() -> duckdb.DuckDBPyConnection:
    """Build every source and every model as a table of one DuckDB."""
    connection = duckdb.connect()
    source_rows(connection)
    names = {name: name for name in SOURCES} | {step.name: step.name for step in steps()}
    for step in steps():
        connection.execute(f"CREATE TABLE {step.name} AS {step.sql.format_map(names)}")
    return connection
