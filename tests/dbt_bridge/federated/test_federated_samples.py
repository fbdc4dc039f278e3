"""--empty, --sample and microbatch: what is read of each source, and how the model may name it."""

from __future__ import annotations

import os
import re

import pytest

from tests.dbt_bridge.federated.project import Project

CUSTOMERS = "{{ source('crm', 'customers') }}"
ORDERS = "{{ source('ledger', 'orders') }}"
WAYS = {
    "by table name": f"select customers.id from {CUSTOMERS} join {ORDERS} on orders.customer = customers.id",
    "by alias": f"select c.id from {CUSTOMERS} as c join {ORDERS} o on o.customer = c.id",
    "in CTEs": f"with customers as (select * from {CUSTOMERS}), orders as (select * from {ORDERS}) "
    "select customers.id from customers, orders where orders.customer = customers.id",
    "in subqueries": f"select id from {CUSTOMERS} where id in (select customer from {ORDERS})",
    "aggregated": f"select count(*) as id from {CUSTOMERS}, {ORDERS}",
    "united": f"select id from {CUSTOMERS} union all select customer from {ORDERS}",
}
"""Ways to name the two tables."""


def with_event_time(shop: Project) -> None:
    """Give the orders an event time."""
    sources = shop.root / "models/sources.yml"
    text = sources.read_text()
    sources.write_text(text.replace("- name: orders", "- name: orders\n    config: {event_time: placed}"))


def moved(shop: Project, name: str) -> int:
    """Return the rows that a node has extracted."""
    rows = shop.run_results()[name]["adapter_response"]["rows_moved"]
    assert isinstance(rows, int)
    return rows


def test_empty_reads_no_row_however_tables_are_named(shop: Project) -> None:
    for number, sql in enumerate(WAYS.values()):
        shop.model(f"m{number}", sql, materialized="table")
    assert shop.dvt("run"), shop.messages()
    assert shop.dvt("run", "--empty"), shop.messages()
    at_source = os.environ["DVT_COMPUTE"] == "source"  # there the count moves, which is a row
    for number, way in enumerate(WAYS):
        rows = shop.rows("house", f"select count(*) from m{number} where id > 0")
        answered = int(at_source and way == "aggregated")
        assert (rows, moved(shop, f"m{number}")) == ([(0,)], answered), way


def test_empty_builds_native_models_that_name_their_tables(shop: Project) -> None:
    shop.model("up", "select 1 as id, 'a' as name", materialized="table")
    joined = "select u.id, v.name from {{ ref('up') }} as u join {{ ref('up') }} v on u.id = v.id"
    shop.model("aliased", joined, materialized="table")
    shop.model("plain", "select id from {{ ref('up') }} where id > 0", materialized="table")
    assert shop.dvt("run"), shop.messages()
    assert shop.dvt("run", "--empty"), shop.messages()
    for name in ("aliased", "plain"):
        assert shop.rows("house", f"select count(*) from {name}") == [(0,)]


@pytest.mark.parametrize("alias", ["", "as o"])
def test_a_sample_is_all_that_is_read(shop: Project, alias: str) -> None:
    with_event_time(shop)
    sql = f"select {alias.removeprefix('as ') or 'orders'}.id from {ORDERS} {alias} -- the last line"
    shop.model("sampled", sql, materialized="table")
    span = "{'start': '2024-01-01', 'end': '2024-01-03'}"
    assert shop.dvt("run", "--sample", span), shop.messages()
    assert sorted(shop.rows("house", "select id from sampled")) == [(10,), (11,)]
    assert moved(shop, "sampled") == 2


def test_batches_read_their_rows_each(shop: Project) -> None:
    with_event_time(shop)
    sql = f"select o.id, o.placed, c.name from {ORDERS} o join {CUSTOMERS} as c on c.id = o.customer"
    _by_day(shop, sql)
    span = ("--event-time-start", "2024-01-01", "--event-time-end", "2024-01-04")
    assert shop.dvt("run", *span), shop.messages()
    assert shop.rows("house", "select id, name from daily order by 1") == [
        (10, "Ada"),
        (11, "Ada"),
        (12, "Bo"),
    ]
    lines = [line for line in shop.messages().splitlines() if "extract other" in line]
    assert [line.split(": ")[-1].split(" rows")[0] for line in lines] == ["1", "1", "1"]


def test_the_reason_of_a_failed_batch_is_shown(shop: Project) -> None:
    with_event_time(shop)
    sql = f"select o.id, o.placed, o.nothing from {ORDERS} o join {CUSTOMERS} as c on c.id = o.customer"
    _by_day(shop, sql)
    span = ("--event-time-start", "2024-01-01", "--event-time-end", "2024-01-03")
    assert not shop.dvt("run", *span)
    assert "nothing" in shop.run_results()["daily"]["message"]
    assert re.search("DVT12[12]", shop.run_results()["daily"]["message"]), "dvt's own error, or the source's"
    assert re.search("DVT12[12]", shop.messages())


def _by_day(shop: Project, sql: str) -> None:
    """Write a microbatch model: dbt-postgres merges batches by key, the others replace them by time."""
    key = {"unique_key": "id"} if shop.outputs["house"]["type"] == "postgres" else {}
    shop.model(
        "daily",
        sql,
        materialized="incremental",
        incremental_strategy="microbatch",
        event_time="placed",
        begin="2024-01-01",
        batch_size="day",
        **key,
    )
