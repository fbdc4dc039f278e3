"""Without a `compute`, dvt chooses: what the engine is not proven to answer is computed on the target."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dbt_bridge.federated.project import Project
from tests.dbt_bridge.federated.test_on_target import moved

UNIT_TEST = {
    "unit_tests": [
        {
            "name": "names",
            "model": "people",
            "given": [{"input": "source('crm', 'customers')", "rows": [{"id": 7, "name": "Eve"}]}],
            "expect": {"rows": [{"id": 7, "upper_name": "EVE"}]},
        }
    ]
}
PEOPLE = "select id from {{ ref('people') }}"
FROM = "from {{ source('crm', 'customers') }} c join {{ source('ledger', 'orders') }} o on o.customer = c.id"
ORPHANS = f"select id from {{{{ source('ledger', 'orders') }}}} where customer not in ({PEOPLE})"


@pytest.fixture(autouse=True)
def chosen_by_dvt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVT_COMPUTE", "auto")


def explained(shop: Project, capsys: Any, *args: str) -> str:
    capsys.readouterr()
    shop.dvt("explain", *args)
    return str(capsys.readouterr().out)


def test_what_is_not_proven_goes_to_the_target(pg_shop: Project, capsys: Any) -> None:
    select = "select id, to_char(id, 'FM000') as padded from {{ source('crm', 'customers') }}"
    pg_shop.model("padded", select, materialized="table")
    assert pg_shop.dvt("run"), pg_shop.messages()
    assert pg_shop.rows("house", "select padded from padded order by id") == [("001",), ("002",), ("003",)]
    assert not moved(pg_shop, "padded", "compute")
    text = explained(pg_shop, capsys).lower()
    assert "place      target: " in text
    assert "at engine: no, to_char(id, 'fm000')" in text
    assert "at target: yes, about 3 rows" in text


def test_explain_tells_by_how_many_statements_a_server_is_read(pg_shop: Project, capsys: Any) -> None:
    schema = pg_shop.outputs["house"]["schema"]
    select = "select n, repeat('x', 90) as x from generate_series(1, 400000) n"
    pg_shop.run_sql(
        "house", f"create schema if not exists {schema}", f"create table {schema}.large as {select}"
    )
    large = {"name": "own", "schema": schema, "tables": [{"name": "large"}]}
    pg_shop.write("models/own.yml", {"sources": [large | {"config": {"connection": "house"}}]})
    join = (
        "select l.n from {{ source('own', 'large') }} l join {{ source('crm', 'customers') }} c on c.id = l.n"
    )
    pg_shop.model("joined", join, materialized="table")
    text = explained(pg_shop, capsys, "--select", "joined", "--compute", "duckdb")
    assert "read: in 2 ranges of pages, 3 at a time" in text


def test_explain_names_indexes_of_copies_where_they_are_made(shop: Project, capsys: Any) -> None:
    shop.model("joined", f"select c.id {FROM}", materialized="table")
    text = explained(shop, capsys, "--select", "joined", "--compute", "target")
    assert "copy       to house" in text
    assert ("index on" in text) is (shop.outputs["house"]["type"] != "duckdb")


def test_unit_tests_and_tests_run_where_their_sql_is_understood(shop: Project) -> None:
    select = "select id, upper(name) as upper_name from {{ source('crm', 'customers') }}"
    shop.model("people", select, materialized="table")
    shop.write("models/people.yml", UNIT_TEST)
    shop.write("tests/orphans.sql", ORPHANS)
    assert shop.dvt("build"), shop.messages()
    statuses = {name: result["status"] for name, result in shop.run_results().items()}
    assert statuses == {"names": "pass", "orphans": "pass", "people": "success"}
    shop.run_sql("other", "insert into orders values (14, 99, 1, '2024-01-05 09:00')")
    assert not shop.dvt("test", "--select", "orphans")
    assert shop.run_results()["orphans"]["failures"] == 1


def test_run_query_runs_on_the_target_what_no_engine_is_proven_to_answer(pg_shop: Project) -> None:
    sql = """
{% set q = "select to_char(max(id), 'FM000') from " ~ source('ledger', 'orders') %}
select '{{ run_query(q).rows[0][0] if execute }}' as last, count(*) as n """
    pg_shop.model("counted", sql + FROM, materialized="table")
    assert pg_shop.dvt("run"), pg_shop.messages()
    ((highest,),) = pg_shop.rows("other", "select max(id) from orders")
    assert pg_shop.rows("house", "select * from counted") == [(f"{highest:03}", 3)]


ONE_TEXT = {
    "grouped": "select count(*) as n from (select name from {0} group by name) t",
    "distinct_names": "select count(*) as n from (select distinct name from {0}) t",
    "windowed": "select max(n) as n from (select count(*) over (partition by name) as n from {0}) t",
    "merged": "select count(*) as n from {0} a join (select name from {0}) b using (name)",
    "matched": "select count(*) as n from {0} a join {0} b on a.name like b.name",
    "joined": "select count(*) as n from {0} a join {0} b on a.name = b.name",
    "named": "select count(*) as n from (select if(id > 1, 'Ada', 'ada') t from {0} group by t) t",
}
"""Queries whose answers say which texts are one."""


def test_mariadb_says_which_texts_of_another_database_are_one(my_shop: Project) -> None:
    """Text becomes the target's with its collation, by which ADA is Ada, wherever the model is computed."""
    my_shop.run_sql("lite", "insert into customers values (4, 'ADA'), (5, 'bo'), (6, 'Zoë')")
    my_shop.model("own", "select * from {{ source('crm', 'customers') }}", materialized="table")
    for name, query in ONE_TEXT.items():
        my_shop.model(f"own_{name}", query.format("{{ ref('own') }}"), materialized="table")
        my_shop.model(name, query.format("{{ source('crm', 'customers') }}"), materialized="table")
    assert my_shop.dvt("run"), my_shop.messages()
    for name in ONE_TEXT:
        rows = my_shop.rows("house", f"select n from own_{name}")
        assert (name, my_shop.rows("house", f"select n from {name}")) == (name, rows)
    assert my_shop.rows("house", "select n from grouped") == [(4,)]


SET = {
    "duckdb": ("set timezone = 'Asia/Tokyo'", "hour('2024-01-01 00:00:00+00'::timestamptz)", "09"),
    "postgres": (
        "set time zone 'Asia/Tokyo'",
        "extract(hour from '2024-01-01 00:00:00+00'::timestamptz)",
        "09",
    ),
    "mariadb": ("set session div_precision_increment = 7", "customer / 3", "0.3333333"),
}
"""Type of the target → a statement that changes its session, an expression that shows it, and its value."""


@pytest.mark.parametrize("where", ["sql_header", "pre_hook", "macro"])
def test_sql_for_a_session_that_the_user_sets_stays_on_its_target(
    shop: Project, where: str, capsys: Any
) -> None:
    statement, shows, value = SET[str(shop.outputs["house"]["type"])]
    shop.write("macros/zoned.sql", f"{{% macro zoned() %}}{statement}{{% endmacro %}}")
    config = {"sql_header": f"{statement};"} if where == "sql_header" else {"pre_hook": statement}
    if where == "macro":
        config = {"pre_hook": "{{ zoned() }}"}
    select = f"select {shows} as v from {{{{ source('ledger', 'orders') }}}} where customer = 1"
    shop.model("session", select, materialized="table", **config)
    for _ in range(2):
        assert shop.dvt("run"), shop.messages()
        assert {float(v) for (v,) in shop.rows("house", "select v from session")} == {float(value)}
    assert f"no, its {'sql_header' if where == 'sql_header' else 'pre-hook'}" in explained(shop, capsys)
    if shop.outputs["house"]["type"] == "duckdb":  # the source's type, too
        assert not shop.dvt("run", "--compute", "source")
        message = str(shop.run_results()["session"]["message"])
        assert "DVT147" in message
        assert "session of its target" in message


def test_a_named_engine_warns_of_a_session_that_the_user_sets(shop: Project) -> None:
    statement, _, _ = SET[str(shop.outputs["house"]["type"])]
    select = "select customer as v from {{ source('ledger', 'orders') }}"
    shop.model("session", select, materialized="table", sql_header=f"{statement};")
    assert shop.dvt("run", "--compute", "duckdb"), shop.messages()
    assert "its sql_header runs in the session of its target" in shop.messages()
