"""Incremental federated models: every strategy of the target's adapter, by dbt's own macros."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.dbt_bridge.federated.project import Project

ORDERS = """
select orders.id, customers.name, orders.amount
from {{ source('ledger', 'orders') }} orders
join {{ source('crm', 'customers') }} customers on customers.id = orders.customer
"""
NEW_ONLY = ORDERS + "{% if is_incremental() %} where orders.id > (select max(id) from {{ this }}) {% endif %}"
NEW_ORDER = "insert into orders values (13, 3, 2.25, '2024-01-04 09:00')"
CHANGED_ORDER = "update orders set amount = 9 where id = 12"


def _amounts(shop: Project) -> list[tuple[int, Decimal]]:
    return [
        (int(number), Decimal(amount))
        for number, amount in shop.rows("house", "select id, amount from sales order by id, amount")
    ]


FIRST = [(10, Decimal("5.50")), (11, Decimal("4.50")), (12, Decimal("1.00"))]


def test_append_reads_only_what_is_newer_than_this(shop: Project) -> None:
    shop.model("sales", NEW_ONLY, materialized="incremental", incremental_strategy="append")
    assert shop.dvt("run"), shop.messages()
    assert _amounts(shop) == FIRST
    shop.run_sql("other", NEW_ORDER, CHANGED_ORDER)
    assert shop.dvt("run"), shop.messages()
    assert _amounts(shop) == [*FIRST, (13, Decimal("2.25"))]
    assert shop.tables() == [("sales", "BASE TABLE")]


def test_a_source_that_only_the_incremental_branch_reads(shop: Project) -> None:
    """dbt notes what a model depends on when it parses, where is_incremental() is false."""
    named = "select id from {{ source('crm', 'customers') }}"
    only = f"{ORDERS}{{% if is_incremental() %}} where orders.id - 10 in ({named}) {{% endif %}}".replace(
        "join {{ source('crm', 'customers') }} customers", "join {{ ref('people') }} customers"
    )
    shop.model("people", f"{named.replace('select id', 'select id, name')}", materialized="table")
    shop.model("sales", only, materialized="incremental", incremental_strategy="append")
    assert shop.dvt("run"), shop.messages()
    assert shop.dvt("run"), shop.messages()
    assert [number for number, _ in _amounts(shop)] == [10, 11, 11, 12, 12]


@pytest.mark.parametrize("strategy", ["delete+insert", "merge"])
def test_a_unique_key_replaces_rows(shop: Project, strategy: str) -> None:
    shop.model("sales", ORDERS, materialized="incremental", incremental_strategy=strategy, unique_key="id")
    assert shop.dvt("run"), shop.messages()
    shop.run_sql("other", NEW_ORDER, CHANGED_ORDER)
    assert shop.dvt("run"), shop.messages()
    assert _amounts(shop) == [*FIRST[:2], (12, Decimal("9.00")), (13, Decimal("2.25"))]


def test_full_refresh_builds_the_table_again(shop: Project) -> None:
    shop.model("sales", NEW_ONLY, materialized="incremental", incremental_strategy="append")
    assert shop.dvt("run"), shop.messages()
    shop.run_sql("other", NEW_ORDER, CHANGED_ORDER)
    assert shop.dvt("run", "--full-refresh"), shop.messages()
    assert _amounts(shop) == [*FIRST[:2], (12, Decimal("9.00")), (13, Decimal("2.25"))]
    assert shop.tables() == [("sales", "BASE TABLE")]


def test_append_new_columns_adds_them(shop: Project) -> None:
    settings = {"materialized": "incremental", "unique_key": "id", "incremental_strategy": "delete+insert"}
    shop.model("sales", ORDERS, **settings, on_schema_change="append_new_columns")
    assert shop.dvt("run"), shop.messages()
    shop.model("sales", _with_another_column(ORDERS), **settings, on_schema_change="append_new_columns")
    assert shop.dvt("run"), shop.messages()
    assert shop.rows("house", "select id, twice from sales order by 1")[0] == (10, Decimal("11.00"))


def test_sync_all_columns_adds_and_drops_them(shop: Project) -> None:
    settings = {"materialized": "incremental", "unique_key": "id", "incremental_strategy": "delete+insert"}
    shop.model("sales", ORDERS, **settings, on_schema_change="sync_all_columns")
    assert shop.dvt("run"), shop.messages()
    changed = _with_another_column(ORDERS).replace("customers.name, ", "")
    shop.model("sales", changed, **settings, on_schema_change="sync_all_columns")
    assert shop.dvt("run"), shop.messages()
    assert _columns(shop) == ["amount", "id", "twice"]


def test_fail_on_schema_change_is_dbts_own_error(shop: Project) -> None:
    shop.model("sales", ORDERS, materialized="incremental", unique_key="id", on_schema_change="fail")
    assert shop.dvt("run"), shop.messages()
    shop.model(
        "sales",
        _with_another_column(ORDERS),
        materialized="incremental",
        unique_key="id",
        on_schema_change="fail",
    )
    assert not shop.dvt("run")
    assert "out of sync" in shop.run_results()["sales"]["message"]
    assert _columns(shop) == ["amount", "id", "name"]


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        (ORDERS.replace("customers.name, ", ""), "column name"),
        (ORDERS.replace("orders.amount\n", "orders.id as amount\n"), "column amount was"),
    ],
)
def test_a_column_lost_or_of_another_type_is_dvt107_until_full_refresh(
    shop: Project, changed: str, problem: str
) -> None:
    shop.model("sales", ORDERS, materialized="incremental", unique_key="id")
    assert shop.dvt("run"), shop.messages()
    shop.model("sales", changed, materialized="incremental", unique_key="id")
    assert not shop.dvt("run")
    message = shop.run_results()["sales"]["message"]
    assert "DVT107" in message
    assert problem in message
    assert _amounts(shop) == FIRST
    assert shop.dvt("run", "--full-refresh"), shop.messages()


SUMS = """
select customers.id, sum(orders.customer) as total
from {{ source('ledger', 'orders') }} orders
join {{ source('crm', 'customers') }} customers on customers.id = orders.customer
group by customers.id
"""


@pytest.mark.parametrize("config", [{"unique_key": "id"}, {"on_schema_change": "append_new_columns"}])
def test_sums_go_into_a_table_that_holds_them_as_decimals(shop: Project, config: dict[str, str]) -> None:
    kind = shop.outputs["house"]["type"]
    number = "numeric" if kind == "postgres" else "decimal(38,0)"
    schema = shop.outputs["house"]["schema"]
    shop.run_sql(
        "house",
        f"create schema if not exists {schema}",
        f"create table {schema}.sales (id bigint, total {number})",
    )
    shop.model("sales", SUMS, materialized="incremental", **config)
    assert shop.dvt("run"), shop.messages()
    sums = shop.rows("house", "select id, total from sales order by id")
    assert sums == [(1, Decimal(2)), (2, Decimal(2))]
    if "unique_key" in config:
        assert shop.dvt("run"), shop.messages()
        assert shop.rows("house", "select id, total from sales order by id") == sums


ORDER_WITH_VALUES = """
select orders.id, {values}
from {{{{ source('ledger', 'orders') }}}} orders
join {{{{ source('crm', 'customers') }}}} customers on customers.id = orders.customer
where orders.id = 10
"""
TYPED = {
    "span": ("-interval '14 months'", "-1 year -2 months"),
    "bits": ("'0101'::bit", "0101"),
    "many": (f"'{'9' * 60}'::bignum", "9" * 60),
    "word": ("'it''s'::enum('a', 'it''s')", "it's"),
}


@pytest.mark.slow
@pytest.mark.parametrize("config", [{}, {"unique_key": "id", "incremental_strategy": "merge"}])
def test_values_go_into_a_table_that_holds_them_as_text(duck_shop: Project, config: dict[str, str]) -> None:
    shop = duck_shop
    columns = ", ".join(f"{name} varchar" for name in TYPED)
    shop.run_sql(
        "house", f"create table sales (id bigint, {columns})", "insert into sales (id, span) values (1, 'x')"
    )
    values = ", ".join(f"{value} as {name}" for name, (value, _) in TYPED.items())
    shop.model("sales", ORDER_WITH_VALUES.format(values=values), materialized="incremental", **config)
    assert shop.dvt("run"), shop.messages()
    texts = tuple(text for _, text in TYPED.values())
    assert shop.rows("house", f"select {', '.join(TYPED)} from sales where id = 10") == [texts]
    assert shop.rows("house", "select count(*) from sales") == [(2,)]


@pytest.mark.slow
def test_a_sum_that_the_table_cannot_hold_leaves_it_as_it_was(duck_shop: Project) -> None:
    shop = duck_shop
    shop.run_sql("house", "create table sales (id bigint, total decimal(38,0))")
    values = f"sum({'9' * 38}::hugeint + 1) over () as total"
    shop.model("sales", ORDER_WITH_VALUES.format(values=values), materialized="incremental")
    assert not shop.dvt("run")
    assert "DECIMAL(38,0)" in shop.run_results()["sales"]["message"]
    assert shop.rows("house", "select count(*) from sales") == [(0,)]
    assert shop.dvt("run", "--full-refresh"), shop.messages()
    assert shop.rows("house", "select total, typeof(total) from sales") == [(10**38, "HUGEINT")]


def _by_day(shop: Project, **config: Any) -> None:
    """Write a microbatch model of the orders of each day."""
    sources = shop.root / "models/sources.yml"
    dated = sources.read_text().replace("- name: orders", "- name: orders\n    config: {event_time: placed}")
    sources.write_text(dated)
    shop.model(
        "sales",
        ORDERS.replace("orders.amount", "orders.amount, orders.placed"),
        materialized="incremental",
        incremental_strategy="microbatch",
        event_time="placed",
        begin="2024-01-01",
        batch_size="day",
        **config,
    )


def test_microbatch_runs_each_batch_federated(shop: Project) -> None:
    # dbt-postgres merges batches by key, dbt-duckdb deletes and inserts them by time.
    key = {"unique_key": "id"} if shop.outputs["house"]["type"] == "postgres" else {}
    _by_day(shop, **key)
    window = ["--event-time-start", "2024-01-01", "--event-time-end", "2024-01-04"]
    assert shop.dvt("run", *window), shop.messages()
    assert _amounts(shop) == FIRST
    shop.run_sql("other", NEW_ORDER, CHANGED_ORDER)
    window = ["--event-time-start", "2024-01-03", "--event-time-end", "2024-01-05"]
    assert shop.dvt("run", *window), shop.messages()
    assert _amounts(shop) == [*FIRST[:2], (12, Decimal("9.00")), (13, Decimal("2.25"))]
    assert shop.tables() == [("sales", "BASE TABLE")]


@pytest.mark.slow
def test_batches_may_run_at_once(duck_shop: Project) -> None:
    """Only dbt-duckdb runs batches concurrently; the other adapters run them in turn."""
    shop = duck_shop
    shop.run_sql(
        "other",
        "insert into orders select 100 + i, 1 + i % 3, i, timestamp '2024-01-01' + interval (i % 20) day "
        "from range(2000) numbers(i)",
    )
    _by_day(shop, concurrent_batches=True)
    window = ["--event-time-start", "2024-01-01", "--event-time-end", "2024-01-21"]
    expected = [(len(FIRST) + 2000, 2003)]
    for _ in range(2):
        assert shop.dvt("run", "--threads", "8", *window), shop.messages()
        assert shop.rows("house", "select count(*), count(distinct id) from sales") == expected
    assert shop.tables() == [("sales", "BASE TABLE")]


def _with_another_column(sql: str) -> str:
    return sql.replace("orders.amount\n", "orders.amount, 2 * orders.amount as twice\n")


def _columns(shop: Project) -> list[str]:
    schema = shop.outputs["house"]["schema"]
    query = (
        "select column_name from information_schema.columns where table_name = 'sales' and table_schema = "
    )
    return sorted(str(name) for (name,) in shop.rows("house", f"{query}'{schema}'"))
