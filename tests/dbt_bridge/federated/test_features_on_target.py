"""What dbt can do natively, at the target over copies: show, samples, batches, tests, contracts, errors."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dbt_bridge.federated.project import Project, make_role
from tests.dbt_bridge.federated.test_federated_publish import (  # noqa: F401  run here at the target
    test_keep_leaves_views_and_grants_on_the_table,
    test_keep_refuses_a_lost_column_until_full_refresh,
    test_keep_that_fails_in_the_middle_keeps_the_old_rows,
)
from tests.dbt_bridge.federated.test_federated_samples import (  # noqa: F401  run here at the target
    test_a_sample_is_all_that_is_read,
    test_batches_read_their_rows_each,
    test_empty_reads_no_row_however_tables_are_named,
)
from tests.dbt_bridge.federated.test_federated_show import extracted, shown
from tests.dbt_bridge.federated.test_on_target import moved, source_of

WRONG = {
    "no_column": ("select o.id,\n  o.nothing\nfrom {O} o", 4),
    "syntax": ("select o.id\nfrom {O} o\nwhere id = = 3", 5),
    "no_function": ("select\n  nofunc(orders.id) as x\nfrom {O} where orders.id > 0", 4),
}
"""SQL that is wrong on every target, with two lines of Jinja before it, and the wrong line in the file."""


TWICE = """
{% materialization twice, default %}
  {%- set target_relation = this.incorporate(type='table') -%}
  {{ run_hooks(pre_hooks) }}
  {% call statement('old') %} drop table if exists {{ target_relation }} {% endcall %}
  {% call statement('main') %}
    create table {{ target_relation }} as
    select * from ({{ sql }}) as a union all select * from ({{ sql }}) as b
  {% endcall %}
  {{ run_hooks(post_hooks) }}
  {% do adapter.commit() %}
  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
"""


@pytest.fixture(autouse=True)
def at_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVT_COMPUTE", "target")


def own_text(shop: Project) -> str:
    """Return an expression over `id` that only the shop's target understands."""
    texts = {"duckdb": "list_value(id)::varchar", "postgres": "to_char(id, 'FM999')", "mariadb": "elt(1, id)"}
    return texts[str(shop.outputs["house"]["type"])]


def test_rows_are_shown_as_the_target_computes_them(shop: Project) -> None:
    sql = f"select id, {own_text(shop)} as t from {{{{ source('ledger', 'orders') }}}}"
    shop.model("shown", sql, materialized="table", schema="never_made")
    brackets = shop.outputs["house"]["type"] == "duckdb"
    rows = [{"id": number, "t": f"[{number}]" if brackets else str(number)} for number in (10, 11, 12)]
    assert shown(shop, "--select", "shown") == rows
    assert "compute duckdb" not in shop.messages()
    assert shown(shop, "--select", "shown", "--limit", "2") == rows[:2]
    shop.model("limited", "select id, amount from {{ source('ledger', 'orders') }}", materialized="view")
    assert len(shown(shop, "--select", "limited", "--limit", "2")) == 2
    assert extracted(shop) == {"other": "2"}
    assert shop.tables() == []


def test_a_query_over_databases_is_shown_by_the_target(shop: Project) -> None:
    there = "{{ source('ledger', 'orders') }} o join {{ source('crm', 'customers') }} c on c.id = o.customer"
    sql = f"select o.id, {own_text(shop).replace('id', 'o.id')} as t from {there} order by o.id desc limit 2"
    assert [row["id"] for row in shown(shop, "--inline", sql)] == [12, 11]
    assert "compute duckdb" not in shop.messages()
    assert [row["id"] for row in shown(shop, "--inline", sql, "--limit", "1")] == [12]
    assert shop.tables() == []


def test_show_takes_the_place_of_auto(pg_shop: Project) -> None:
    own = f"select {own_text(pg_shop)} as t from {{{{ source('ledger', 'orders') }}}}"
    pg_shop.model("own", own, materialized="table")
    pg_shop.model("plain", "select id from {{ source('ledger', 'orders') }}", materialized="table")
    assert shown(pg_shop, "--select", "own", "--compute", "auto") == [{"t": "10"}, {"t": "11"}, {"t": "12"}]
    assert "compute duckdb" not in pg_shop.messages()
    assert len(shown(pg_shop, "--select", "plain", "--compute", "auto")) == 3
    assert "compute duckdb" in pg_shop.messages()


@pytest.mark.parametrize("compute", ["target", "auto"])
def test_an_error_of_the_target_is_told_in_the_users_words(shop: Project, compute: str) -> None:
    for name, (sql, _) in WRONG.items():
        text = sql.format(O="{{ source('ledger', 'orders') }}")
        shop.write(f"models/{name}.sql", f"{{{{ config(materialized='table') }}}}\n\n{text}\n")
    assert not shop.dvt("run", "--compute", compute)
    results = shop.run_results()
    for name, (_, line) in WRONG.items():
        message = str(results[name]["message"])
        assert "dvt_" not in message
        if shop.outputs["house"]["type"] != "mariadb" or name == "syntax":
            assert f"models/{name}.sql, line {line}" in message, message


def test_failures_of_a_test_over_several_databases_are_stored(shop: Project) -> None:
    shop.model("ids", "select id from {{ source('ledger', 'orders') }} where id < 12", materialized="table")
    there = "{{ source('ledger', 'orders') }}"
    sql = f"select o.id from {there} o join {{{{ ref('ids') }}}} i on i.id = o.id where i.id > "
    for name, id_, kind in (("fails", 9, "table"), ("fails_as_view", 9, "view"), ("passes", 99, "table")):
        config = f"store_failures=true, store_failures_as='{kind}', schema='kept'"
        shop.write(f"tests/{name}.sql", f"{{{{ config({config}) }}}}{sql}{id_}")
    assert not shop.dvt("build")
    failures = {name: result["failures"] for name, result in shop.run_results().items()}
    assert failures == {"ids": None, "fails": 2, "fails_as_view": 2, "passes": 0}
    schema = shop.quoted(f"{shop.outputs['house']['schema']}_kept")
    for name, count in (("fails", 2), ("fails_as_view", 2), ("passes", 0)):
        assert shop.rows("house", f"select count(*) from {schema}.{name}") == [(count,)]
    assert shop.tables() == [("ids", "BASE TABLE")]


def test_the_reason_of_a_failed_batch_is_its_result(pg_shop: Project) -> None:
    by_day = "event_time='placed', begin='2024-01-01', batch_size='day', unique_key='id'"
    head = f"{{{{ config(materialized='incremental', incremental_strategy='microbatch', {by_day}) }}}}"
    select = "select o.id,\n  o.nothing\nfrom {{ source('ledger', 'orders') }} o"
    pg_shop.write("models/daily.sql", f"{head}\n{select}")
    assert not pg_shop.dvt("run", "--event-time-start", "2024-01-01", "--event-time-end", "2024-01-03")
    message = str(pg_shop.run_results()["daily"]["message"])
    assert "column o.nothing does not exist" in message
    assert "models/daily.sql, line 3" in message
    assert "dvt_" not in message


def test_each_strategy_leaves_the_rows_that_it_leaves_natively(shop: Project) -> None:
    schema = shop.outputs["house"]["schema"]
    shop.run_sql("house", f"create schema if not exists {schema}")
    shop.run_sql("house", f"create table {schema}.near_orders (id bigint, amount decimal(10,2))")
    shop.run_sql("house", f"insert into {schema}.near_orders values (10, 5.50), (11, 4.50), (12, 1.00)")
    shop.write("models/near.yml", source_of("near_orders", connection="house", schema=schema))
    tables = {"far": "{{ source('ledger', 'orders') }}", "near": "{{ source('s', 'near_orders') }}"}
    newer = "{% if is_incremental() %} where id >= (select max(id) from {{ this }}) {% endif %}"
    strategies = {"added": "append", "replaced": "delete+insert", "merged": "merge"}
    for name, strategy in strategies.items():
        config = {"incremental_strategy": strategy} | ({} if name == "added" else {"unique_key": "id"})
        for side, table in tables.items():
            sql = f"select id, amount from {table} {newer}"
            shop.model(f"{side}_{name}", sql, materialized="incremental", **config)
    for command in (["run"], ["run"], ["run", "--full-refresh"]):
        assert shop.dvt(*command), shop.messages()
        assert not moved(shop, "far_added", "compute")
        for name in strategies:
            far, near = (shop.rows("house", f"select id, amount from {side}_{name}") for side in tables)
            assert sorted(far) == sorted(near), name
        for output, table in (("other", "orders"), ("house", f"{schema}.near_orders")):
            change = f"update {table} set amount = 9 where id = 12"
            shop.run_sql(output, change, f"insert into {table} (id, amount) values (13, 2)")


def test_snapshots_keep_the_rows_that_they_keep_natively(shop: Project) -> None:
    schema = shop.outputs["house"]["schema"]
    times = ("01-01 10:00:00", "01-02 11:00:00", "01-03 12:00:00")
    orders = "(10, 1, 5.50, '2024-{}'), (11, 1, 4.50, '2024-{}'), (12, 2, 1.00, '2024-{}')".format(*times)
    shop.run_sql("house", f"create schema if not exists {schema}")
    columns = "id bigint, customer bigint, amount decimal(10,2), placed timestamp"
    shop.run_sql("house", f"create table {schema}.near_orders ({columns})")
    shop.run_sql("house", f"insert into {schema}.near_orders values {orders}")
    shop.write("models/near.yml", source_of("near_orders", connection="house", schema=schema))
    tables = {"far": "{{ source('ledger', 'orders') }}", "near": "{{ source('s', 'near_orders') }}"}
    by_time, by_values = (
        "strategy='timestamp', updated_at='placed'",
        "strategy='check', check_cols=['amount']",
    )
    kinds = {
        "dated": f"{by_time}, hard_deletes='invalidate'",
        "checked": f"{by_values}, hard_deletes='ignore'",
        "deleted": f"{by_values}, hard_deletes='new_record'",
    }
    for name, config in kinds.items():
        for side, table in tables.items():
            sql = f"{{{{ config(unique_key='id', {config}) }}}} select id, amount, placed from {table}"
            text = f"{{% snapshot {side}_{name} %}} {sql} {{% endsnapshot %}}"
            shop.write(f"snapshots/{side}_{name}.sql", text)
    changes = ("set amount = 9, placed = '2024-02-01' where id = 12", "set amount = 8 where id = 11")
    for update in ("", *changes):
        for output, table in (("other", "orders"), ("house", f"{schema}.near_orders")) if update else ():
            shop.run_sql(output, f"update {table} {update}", f"delete from {table} where id = 10")
        assert shop.dvt("snapshot"), shop.messages()
        for name in kinds:
            deleted = ", dbt_is_deleted" if name == "deleted" else ""
            rows = f"select id, amount, placed, dbt_valid_to is null{deleted} from {{}}_{name}"
            far, near = (shop.rows("house", rows.format(side)) for side in tables)
            assert sorted(far) == sorted(near), name
            assert shop.run_results()[f"far_{name}"]["adapter_response"]["rows_moved"] <= 3


def test_a_materialization_of_the_projects_own_is_built(shop: Project) -> None:
    shop.write("macros/twice.sql", TWICE)
    shop.model("doubled", "select id from {{ source('ledger', 'orders') }}", materialized="twice")
    assert shop.dvt("run"), shop.messages()
    assert [int(n) for (n,) in shop.rows("house", "select count(*) from doubled")] == [6]
    assert not shop.dvt("run", "--compute", "duckdb")
    assert "DVT112" in str(shop.result.exception)


@pytest.mark.parametrize("wrong", ["name", "type"])
def test_another_contract_is_dbts_own_error(shop: Project, wrong: str) -> None:
    name, type_ = {"name": ("misspelt", "decimal(10,2)"), "type": ("amount", "date")}[wrong]
    columns = [{"name": "id", "data_type": "bigint"}, {"name": name, "data_type": type_}]
    contract = {"name": "sold", "config": {"contract": {"enforced": True}}, "columns": columns}
    shop.write("models/sold.yml", {"models": [contract]})
    shop.model("sold", "select id, amount from {{ source('ledger', 'orders') }}", materialized="table")
    assert not shop.dvt("run")
    message = str(shop.run_results()["sold"]["message"])
    assert "This model has an enforced contract that failed" in message
    assert {"name": "missing in definition", "type": "data type mismatch"}[wrong] in message
    assert shop.tables() == []


def test_the_target_grants_describes_and_indexes_what_it_computes(pg_shop: Project, postgres: Any) -> None:
    make_role(postgres, "far_reader")
    described = {
        "name": "sold",
        "description": "What is sold.",
        "columns": [{"name": "id", "description": "Key."}],
    }
    config = {"grants": {"select": ["far_reader"]}, "persist_docs": {"relation": True, "columns": True}}
    pg_shop.write("models/sold.yml", {"models": [{**described, "config": config}]})
    sql = "select id, amount from {{ source('ledger', 'orders') }}"
    pg_shop.model("sold", sql, materialized="table", indexes=[{"columns": ["id"], "unique": True}])
    assert pg_shop.dvt("run"), pg_shop.messages()
    facts = "has_table_privilege('far_reader', 'sold', 'select'), obj_description('sold'::regclass)"
    unique = "(select count(*) from pg_index where indrelid = 'sold'::regclass and indisunique)"
    assert pg_shop.rows("house", f"select {facts}, {unique}") == [(True, "What is sold.", 1)]
