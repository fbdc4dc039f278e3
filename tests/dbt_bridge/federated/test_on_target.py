"""`compute: target`: dbt builds the node natively, over copies of what it reads on other databases."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.dbt_bridge.federated.project import Project
from tests.dbt_bridge.federated.test_federated_incremental import (  # noqa: F401  run here at the target
    test_a_unique_key_replaces_rows,
    test_append_reads_only_what_is_newer_than_this,
    test_fail_on_schema_change_is_dbts_own_error,
    test_sync_all_columns_adds_and_drops_them,
)

ORDERS = "select * from {{ source('ledger', 'orders') }} as o"
NAMES = """
select customers.name, sum(orders.amount) as total
from {{ source('ledger', 'orders') }}
join {{ source('crm', 'customers') }} on customers.id = orders.customer
where orders.id > 10
group by customers.name
"""


@pytest.fixture(autouse=True)
def at_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVT_COMPUTE", "target")


def moved(shop: Project, name: str, what: str) -> list[dict[str, Any]]:
    movements = shop.run_results()[name]["adapter_response"]["dvt"]
    return [movement for movement in movements if movement["what"] == what]


def test_the_target_runs_the_text_and_results_keep_it(shop: Project) -> None:
    shop.model("totals", NAMES, materialized="table")
    assert shop.dvt("run"), shop.messages()
    rows = shop.rows("house", "select name, total from totals order by name")
    assert [(name, Decimal(total)) for name, total in rows] == [("Ada", Decimal("4.50")), ("Bo", Decimal(1))]
    result = shop.run_results()["totals"]
    assert "dvt_" not in result["compiled_code"]
    assert "dvt_" in (shop.root / "target/run/shop/models/totals.sql").read_text()
    assert [movement["rows"] for movement in moved(shop, "totals", "load")] == [2, 3]
    assert not moved(shop, "totals", "compute")
    assert shop.tables() == [("totals", "BASE TABLE")]


def test_models_share_a_copy_and_none_stays(shop: Project) -> None:
    shop.model("first", ORDERS, materialized="table")
    shop.model("second", "select id, amount from {{ source('ledger', 'orders') }} -- {{ ref('first') }}")
    assert shop.dvt("run"), shop.messages()
    assert len(moved(shop, "first", "load")) == 1
    assert moved(shop, "second", "load") == []
    assert [name for name, _ in shop.tables()] == ["first", "second"]


def test_a_view_is_a_table_since_its_copies_go(shop: Project) -> None:
    shop.model("orders", ORDERS, materialized="view")
    assert shop.dvt("run"), shop.messages()
    assert "DVT001" in shop.messages()
    assert shop.tables() == [("orders", "BASE TABLE")]


def test_a_snapshot_of_another_database(shop: Project) -> None:
    config = "unique_key='id', strategy='check', check_cols=['amount']"
    select = "select id, amount from {{ source('ledger', 'orders') }}"
    shop.write(
        "snapshots/kept.sql", f"{{% snapshot kept %}}{{{{ config({config}) }}}}{select}{{% endsnapshot %}}"
    )
    assert shop.dvt("snapshot"), shop.messages()
    shop.run_sql("other", "update orders set amount = 9 where id = 12")
    assert shop.dvt("snapshot", "--compute", "auto"), shop.messages()
    changed = shop.rows("house", "select count(*), count(dbt_valid_to) from kept where id = 12")
    assert [tuple(map(int, row)) for row in changed] == [(2, 1)]
    assert not shop.dvt("snapshot", "--compute", "duckdb")
    assert "DVT104" in str(shop.result.exception)


def test_hooks_name_the_copies(shop: Project) -> None:
    counts = "select count(*) as n, max(amount) as m from {{ source('ledger', 'orders') }}"
    hook = f"create table {{{{ this.schema }}}}.counted as {counts}"
    shop.model("ids", "select id from {{ source('ledger', 'orders') }}", materialized="table", post_hook=hook)
    assert shop.dvt("run"), shop.messages()
    assert [tuple(map(float, row)) for row in shop.rows("house", "select n, m from counted")] == [(3.0, 5.5)]


def test_a_pre_hook_may_change_what_the_model_reads_of_itself(shop: Project) -> None:
    newer = "{% if is_incremental() %} where id > (select max(id) from {{ this }}) {% endif %}"
    select = "select id, amount from {{ source('ledger', 'orders') }}" + newer
    hook = "{% if is_incremental() %} delete from {{ this }} where id > 11 {% endif %}"
    shop.model("sales", select, materialized="incremental", pre_hook=hook)
    assert shop.dvt("run"), shop.messages()
    assert shop.dvt("run"), shop.messages()
    assert [int(row[0]) for row in shop.rows("house", "select id from sales order by id")] == [10, 11, 12]


def test_postgres_keeps_types_and_keys_of_postgres(pg_shop: Project) -> None:
    there = pg_shop.outputs["house"]
    pg_shop.outputs = {**pg_shop.outputs, "there": {**there, "schema": f"{there['schema']}_there"}}
    profile = {"target": "house", "outputs": pg_shop.outputs}
    pg_shop.write("profiles.yml", {"shop": profile})
    schema = pg_shop.outputs["there"]["schema"]
    pg_shop.run_sql(
        "there",
        f"create schema {schema}",
        f"create table {schema}.parts (id int primary key, code char(4), price numeric, tags jsonb, "
        "size varchar(7), seen interval day to second)",
        f"insert into {schema}.parts values (1, 'a', 1.50, '{{\"b\": 1}}', 'xl', '1 day 02:00')",
    )
    source = {"name": "there", "schema": schema, "config": {"connection": "there"}}
    pg_shop.write("models/there.yml", {"sources": [{**source, "tables": [{"name": "parts"}]}]})
    named = "p.id, p.code, p.price, p.tags, p.size, p.seen, count(*) as n"
    grouped = f"select {named} from {{{{ source('there', 'parts') }}}} p group by p.id"
    pg_shop.model("parts", grouped, materialized="table")
    assert pg_shop.dvt("run"), pg_shop.messages()
    columns = pg_shop.rows(
        "house",
        "select attname::text, format_type(atttypid, atttypmod) from pg_attribute "
        "where attrelid = 'parts'::regclass and attnum > 0 order by attnum",
    )
    assert dict(columns) == {
        "id": "integer",
        "code": "character(4)",
        "price": "numeric",
        "tags": "jsonb",
        "size": "character varying(7)",
        "seen": "interval day to second",
        "n": "bigint",
    }
    pg_shop.run_sql("house", f"drop schema {schema} cascade")
