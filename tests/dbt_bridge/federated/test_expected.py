"""What several nodes of a run ask of a table is extracted once, for all, when the first of them runs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dbt_bridge.federated.project import Project

ORDERS, CUSTOMERS = "{{ source('ledger', 'orders') }}", "{{ source('crm', 'customers') }}"


def extractions(shop: Project, connection: str) -> list[dict[str, Any]]:
    """Return what the last run extracted from a connection, without what was staged before."""
    return [
        moved
        for result in shop.run_results().values()
        for moved in result["adapter_response"].get("dvt", [])
        if (moved["what"], moved["connection"], moved["reused"]) == ("extract", connection, False)
    ]


def parts(shop: Project) -> None:
    """Models that read other columns and other rows of the orders."""
    read = f"from {CUSTOMERS} c join {ORDERS} o on o.customer = c.id"
    shop.model("ids", f"select o.id {read}", materialized="table")
    shop.model("sums", f"select sum(o.amount) as total {read} where o.customer = 1", materialized="table")
    shop.model(
        "days", f"select o.placed {read} where o.placed < timestamp '2024-01-02'", materialized="table"
    )
    shop.model("number", f"select count(*) as total from {ORDERS}, {CUSTOMERS}", materialized="table")


def test_models_of_other_columns_and_rows_share_one_extraction(duck_shop: Project) -> None:
    parts(duck_shop)
    assert duck_shop.dvt("run", "--threads", "4"), duck_shop.messages()
    assert [moved["rows"] for moved in extractions(duck_shop, "other")] == [3]
    assert len(extractions(duck_shop, "lite")) == 1
    assert sorted(duck_shop.rows("house", "select id from ids")) == [(10,), (11,), (12,)]
    assert [float(total) for (total,) in duck_shop.rows("house", "select total from sums")] == [10.0]
    assert [str(day)[:10] for (day,) in duck_shop.rows("house", "select placed from days")] == ["2024-01-01"]
    assert duck_shop.rows("house", "select total from number") == [(9,)]


@pytest.mark.slow
def test_filters_of_all_models_are_pushed_if_they_leave_few_rows(duck_shop: Project) -> None:
    many = "select i, i % 3, i, timestamp '2024-01-01' from range(100, 10000) r(i)"
    duck_shop.run_sql("other", f"insert into orders {many}")
    for number in (10, 12):
        read = f"from {CUSTOMERS} c join {ORDERS} o on o.customer = c.id where o.id = {number}"
        duck_shop.model(f"order_{number}", f"select o.amount {read}", materialized="table")
    assert duck_shop.dvt("run"), duck_shop.messages()
    assert [moved["rows"] for moved in extractions(duck_shop, "other")] == [2]
    assert [float(amount) for (amount,) in duck_shop.rows("house", "from order_12")] == [1.0]


@pytest.mark.slow
def test_tests_of_a_build_share_with_models(duck_shop: Project) -> None:
    parts(duck_shop)
    read = f"select o.placed from {ORDERS} o join {CUSTOMERS} c on o.customer = c.id where o.amount > 1000"
    duck_shop.write("tests/no_large_orders.sql", f"{{{{ config(federate=true) }}}}{read}")
    assert duck_shop.dvt("build"), duck_shop.messages()
    assert "Moved between databases: 6 rows" in duck_shop.messages()


def test_what_reads_a_table_that_the_run_builds_shares_it_too(duck_shop: Project) -> None:
    duck_shop.model("built", f"select id, customer, amount, placed from {ORDERS}", target="other")
    read = f"from {CUSTOMERS} c join {{{{ ref('built') }}}} o on o.customer = c.id"
    duck_shop.model("ids", f"select o.id {read}", materialized="table")
    duck_shop.model("sums", f"select sum(o.amount) as total {read}", materialized="table")
    duck_shop.model("days", f"select o.placed {read}", materialized="table")
    for _ in range(2):
        assert duck_shop.dvt("run", "--full-refresh"), duck_shop.messages()
        assert len(extractions(duck_shop, "other")) == 1
        duck_shop.run_sql("other", "drop view built")


def test_statements_in_jinja_run_once_and_keep_their_model_out(duck_shop: Project) -> None:
    parts(duck_shop)
    counting = "{% do run_query('insert into ' ~ source('ledger', 'orders') ~ ' (id) values (99)') %}"
    duck_shop.model(
        "counted",
        f"-- depends_on: {{{{ ref('ids') }}}} {{{{ ref('sums') }}}} {{{{ ref('days') }}}}\n"
        f"{{% if execute %}}{counting}{{% endif %}}select count(*) as total from {ORDERS}, {CUSTOMERS}",
        materialized="table",
    )
    assert duck_shop.dvt("run"), duck_shop.messages()
    assert duck_shop.rows("other", "select count(*) from orders where id = 99") == [(1,)]
    assert duck_shop.rows("house", "select total from counted") == [(12,)]


@pytest.mark.slow
def test_what_jinja_logs_and_warns_of_is_shown_once(duck_shop: Project) -> None:
    saying = "{% if execute %}{{ log('it ran', info=true) }}{% do exceptions.warn('it warned') %}{% endif %}"
    parts(duck_shop)
    duck_shop.model("talks", f"{saying}select o.id from {ORDERS} o, {CUSTOMERS} c", materialized="table")
    assert duck_shop.dvt("run"), duck_shop.messages()
    assert duck_shop.messages().count("it ran") == 1
    assert len([event for event in duck_shop.events if "it warned" in event.info.msg]) == 1
    assert len(extractions(duck_shop, "other")) == 1


@pytest.mark.slow
def test_an_incremental_model_shares_what_it_reads_anew(duck_shop: Project) -> None:
    parts(duck_shop)
    newer = "{% if is_incremental() %} where o.placed > (select max(placed) from {{ this }}){% endif %}"
    read = f"select o.placed, c.name from {CUSTOMERS} c join {ORDERS} o on o.customer = c.id{newer}"
    duck_shop.model("grown", read, materialized="incremental")
    for rows in (3, 4):
        assert duck_shop.dvt("run"), duck_shop.messages()
        assert duck_shop.rows("house", "select count(*) from grown") == [(rows,)]
        duck_shop.run_sql("other", "insert into orders values (13, 3, 2, timestamp '2024-02-02')")


@pytest.mark.slow
def test_an_ephemeral_model_is_inlined_as_it_is_when_its_reader_runs(duck_shop: Project) -> None:
    parts(duck_shop)
    duck_shop.model("gate", "select 1 as id", materialized="table")
    looking = (
        "-- depends_on: {{ ref('gate') }}\n"
        "{% set there = adapter.get_relation(target.database, target.schema, 'gate') %}"
        "select {{ 1 if there else 0 }} as flag"
    )
    duck_shop.model("eph", looking, materialized="ephemeral")
    duck_shop.model(
        "reader",
        f"select e.flag, o.id from {{{{ ref('eph') }}}} e, {ORDERS} o, {CUSTOMERS} c",
        materialized="table",
    )
    assert duck_shop.dvt("run"), duck_shop.messages()
    assert set(duck_shop.rows("house", "select flag from reader")) == {(1,)}


def test_a_value_that_only_one_model_reads_fails_that_model_alone(duck_shop: Project) -> None:
    duck_shop.run_sql("lite", "update customers set id = 'no number' where name = 'Cy'")
    read = f"from {CUSTOMERS} c, {ORDERS} o where o.id = 10"
    duck_shop.model("names", f"select c.name {read}", materialized="table")
    duck_shop.model("ids", f"select c.id {read}", materialized="table")
    assert not duck_shop.dvt("run")
    results = duck_shop.run_results()
    assert {name: result["status"] for name, result in results.items()} == {
        "names": "success",
        "ids": "error",
    }
    assert "customers" in results["ids"]["message"]
    assert "DVT134" in results["ids"]["message"]
