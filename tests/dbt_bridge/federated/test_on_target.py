"""`compute: target`: dbt builds the node natively, over copies of what it reads on other databases."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

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


def source_of(table: str, connection: str = "other", schema: str = "main") -> dict[str, Any]:
    """Return the properties of a source `s` with one table."""
    source = {"name": "s", "schema": schema, "config": {"connection": connection}}
    return {"sources": [{**source, "tables": [{"name": table}]}]}


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


@pytest.mark.parametrize("compute", ["target", "auto"])
def test_hooks_name_the_copies(shop: Project, compute: str) -> None:
    counts = "select count(*) as n, max(amount) as m from {{ source('ledger', 'orders') }}"
    hook = f"create table {{{{ this.schema }}}}.counted as {counts}"
    shop.model("ids", "select id from {{ source('ledger', 'orders') }}", materialized="table", post_hook=hook)
    assert shop.dvt("run", "--compute", compute), shop.messages()
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


def test_names_that_the_target_would_cut_are_refused_before_anything_moves(shop: Project) -> None:
    long = "how_satisfied_were_you_with_the_delivery_of_your_order_all_in_all_"
    shop.run_sql("other", f"create table answers as select 1 as id, 5 as {long}1, 4 as {long}2")
    shop.write("models/answers.yml", source_of("answers"))
    shop.model("twins", "select * from {{ source('s', 'answers') }}", materialized="table")
    shop.model("named", f"select id as {long} from {{{{ source('s', 'answers') }}}}", materialized="table")
    shop.model("ids", "select id from {{ source('s', 'answers') }}", materialized="table")
    shop.model("short", f"select {long}1 as n from {{{{ source('s', 'answers') }}}}", materialized="table")
    is_duckdb = shop.outputs["house"]["type"] == "duckdb"
    assert shop.dvt("run") == is_duckdb, shop.messages()
    built = {name for name, _ in shop.tables()}
    assert built == ({"twins", "named", "ids", "short"} if is_duckdb else {"ids"})
    if not is_duckdb:
        message = shop.run_results()["twins"]["message"]
        assert "DVT145" in message
        assert "ledger.main.answers" in message
        assert f"{long}1 would be {long[:60]}" in message
        assert "DVT145" in shop.run_results()["named"]["message"]
        assert not re.search(r"(twins|named): extract", shop.messages())
        assert shop.dvt("run", "--compute", "auto", "--select", "short"), shop.messages()


def test_columns_of_a_copy_may_have_any_name(shop: Project) -> None:
    names = ["per%cent", "100%s", "%(a)s", "a b", "it's", "semi;colon", "$1", "?", 'dou"ble', "tick`s", "a.b"]
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    columns = ", ".join(f"{number} as {name}" for number, name in enumerate(quoted))
    shop.run_sql("other", f"create table odd as select {columns}")
    shop.write("models/odd.yml", source_of("odd"))
    shop.model("odds", "select * from {{ source('s', 'odd') }}", materialized="table")
    percents = f"o.{shop.quoted('per%cent')} = p.{shop.quoted('100%s')}"
    odd = "{{ source('s', 'odd') }}"
    shop.model(
        "indexed", f"select count(*) as n from {odd} o join {odd} p on {percents}", materialized="table"
    )
    assert shop.dvt("run"), shop.messages()
    values = shop.rows("house", "select * from odds")
    assert [tuple(map(int, row)) for row in values] == [tuple(range(len(names)))]
    assert [int(row[0]) for row in shop.rows("house", "select n from indexed")] == [0]


def test_columns_that_are_the_same_name_on_the_target_are_refused(duck_shop: Project, postgres: Any) -> None:
    schema = f"t_{uuid4().hex[:8]}"
    there = postgres.settings(schema=schema)
    duck_shop.outputs = {**duck_shop.outputs, "there": there}
    duck_shop.write("profiles.yml", {"shop": {"target": "house", "outputs": duck_shop.outputs}})
    create = f'create table {schema}.twins as select 1 as id, 2 as "Id", 3 as n'
    duck_shop.run_sql("there", f"create schema {schema}", create)
    duck_shop.write("models/twins.yml", source_of("twins", connection="there", schema=schema))
    duck_shop.model("both", "select * from {{ source('s', 'twins') }}", materialized="table")
    duck_shop.model("neither", "select n from {{ source('s', 'twins') }}", materialized="table")
    assert not duck_shop.dvt("run")
    assert "DVT124" in duck_shop.run_results()["both"]["message"]
    assert f"{schema}.twins" in duck_shop.run_results()["both"]["message"]
    assert duck_shop.rows("house", "select n from neither") == [(3,)]
    duck_shop.run_sql("there", f"drop schema {schema} cascade")
