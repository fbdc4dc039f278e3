"""Publishing keeps contracts, constraints, indexes, grants, docs, hooks, and the table itself."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
import yaml

from tests.dbt_bridge.federated.project import Project, make_role

NAMES = "select id, name from {{ source('crm', 'customers') }}"
CONTRACT: dict[str, Any] = {
    "version": 2,
    "models": [
        {
            "name": "people",
            "description": "Who buys.",
            "config": {"contract": {"enforced": True}, "persist_docs": {"relation": True, "columns": True}},
            "constraints": [{"type": "primary_key", "columns": ["id"]}],
            "columns": [
                {"name": "id", "data_type": "bigint", "constraints": [{"type": "not_null"}]},
                {
                    "name": "name",
                    "data_type": "varchar(60)",
                    "description": "As they say it.",
                    "constraints": [{"type": "check", "expression": "length(name) < 20"}],
                },
            ],
        }
    ],
}


def test_a_table_gets_the_types_and_constraints_of_its_contract(shop: Project) -> None:
    shop.write("models/people.yml", CONTRACT)
    shop.model("people", NAMES, materialized="table")
    for _ in range(2):
        assert shop.dvt("run"), shop.messages()
        with pytest.raises(Exception, match=r"(?i)not.null|be null"):
            shop.run_sql("house", "insert into people values (null, 'x')")
        with pytest.raises(Exception, match=r"(?i)duplicate (key|entry)"):
            shop.run_sql("house", "insert into people values (1, 'x')")
        with pytest.raises(Exception, match=r"(?i)check constraint|constraint .* failed"):
            shop.run_sql("house", "insert into people values (9, repeat('x', 30))")
        statement = (shop.root / "target/run/shop/models/people.sql").read_text().strip()
        assert "rename to" in statement, "the rows are not copied once more"
        assert "insert" not in statement
    schema = shop.outputs["house"]["schema"]
    query = "select data_type from information_schema.columns where table_name = 'people' and table_schema = "
    types = {str(kind).lower() for (kind,) in shop.rows("house", f"{query}'{schema}'")}
    assert types <= {"bigint", "character varying", "varchar"}


def test_a_row_that_breaks_a_constraint_fails_and_keeps_the_old_table(shop: Project) -> None:
    shop.write("models/people.yml", CONTRACT)
    shop.model("people", NAMES, materialized="table")
    assert shop.dvt("run"), shop.messages()
    shop.run_sql("lite", "insert into customers values (4, 'a name that is too long for the check')")
    assert not shop.dvt("run")
    message = shop.run_results()["people"]["message"]
    assert "DVT128" in message
    assert re.search("check constraint|constraint .* failed", message.lower())
    assert len(shop.rows("house", "select * from people")) == 3
    assert shop.tables() == [("people", "BASE TABLE")]


def test_a_select_without_a_contracted_column_is_an_error(shop: Project) -> None:
    shop.write("models/people.yml", CONTRACT)
    shop.model("people", "select id from {{ source('crm', 'customers') }}", materialized="table")
    assert not shop.dvt("run")
    assert "contract" in shop.run_results()["people"]["message"].lower()
    assert shop.tables() == []


def test_an_incremental_model_keeps_its_contract(shop: Project) -> None:
    shop.write("models/people.yml", CONTRACT)
    shop.model("people", NAMES, materialized="incremental", unique_key="id", on_schema_change="fail")
    for _ in range(2):
        assert shop.dvt("run"), shop.messages()
    assert len(shop.rows("house", "select * from people")) == 3


@pytest.mark.slow
def test_a_text_that_is_too_long_for_its_contract_is_refused_and_not_cut(pg_shop: Project) -> None:
    contract = yaml.safe_load(yaml.safe_dump(CONTRACT).replace("varchar(60)", "varchar(3)"))
    pg_shop.write("models/people.yml", contract)
    for materialized in ("table", "incremental"):
        pg_shop.model("people", NAMES, materialized=materialized, unique_key="id", on_schema_change="fail")
        for _ in range(2):
            assert pg_shop.dvt("run"), pg_shop.messages()
        pg_shop.run_sql("lite", "insert into customers values (4, 'Diana')")
        assert not pg_shop.dvt("run")
        assert "too long for type character varying(3)" in pg_shop.run_results()["people"]["message"]
        assert len(pg_shop.rows("house", "select * from people")) == 3
        pg_shop.run_sql("lite", "delete from customers where id = 4")


@pytest.mark.slow
def test_indexes_grants_and_docs_are_as_on_a_native_table(pg_shop: Project, postgres: Any) -> None:
    make_role(postgres, "reader")
    pg_shop.write("models/people.yml", CONTRACT)
    pg_shop.model(
        "people",
        "select cast(id as bigint) as id, name from {{ source('crm', 'customers') }}",
        materialized="table",
        indexes=[{"columns": ["name"], "unique": True}],
        grants={"select": ["reader"]},
    )
    schema = pg_shop.outputs["house"]["schema"]
    for _ in range(2):
        assert pg_shop.dvt("run"), pg_shop.messages()
        indexes = pg_shop.rows("house", f"select indexdef from pg_indexes where schemaname = '{schema}'")
        assert any("UNIQUE" in definition and "(name)" in definition for (definition,) in indexes)
        table = f"'{schema}.people'::regclass"
        assert pg_shop.rows("house", f"select has_table_privilege('reader', {table}, 'select')") == [(True,)]
        assert pg_shop.rows("house", f"select obj_description({table})") == [("Who buys.",)]
        assert pg_shop.rows("house", f"select col_description({table}, 2)") == [("As they say it.",)]


def test_hooks_run_once_and_in_order(shop: Project) -> None:
    shop.run_sql("house", *_log_table(shop))
    shop.model(
        "people",
        NAMES,
        materialized="table",
        pre_hook=[_log(shop, "before"), {"sql": _log(shop, "outside"), "transaction": False}],
        post_hook=[
            _log(shop, "{{ this.identifier }}"),
            "insert into {{ this }} values (99, 'hook')",
            {"sql": _log(shop, "after"), "transaction": False},
        ],
    )
    assert shop.dvt("run"), shop.messages()
    words = [word for (word,) in shop.rows("house", "select word from hook_log order by n")]
    assert words == ["outside", "before", "people", "after"]
    assert len(shop.rows("house", "select * from people")) == 4


def test_a_pre_hook_is_seen_by_the_federated_read(shop: Project) -> None:
    shop.model("base", "select 1 as id", materialized="table")
    insert = "insert into {{ ref('base') }} values (2)"
    sql = "select b.id from {{ ref('base') }} b, {{ source('crm', 'customers') }} c where c.id = b.id"
    shop.model("people", sql, materialized="table", pre_hook=[insert])
    assert shop.dvt("run"), shop.messages()
    assert sorted(shop.rows("house", "select id from people")) == [(1,), (2,)]


def test_what_a_hook_writes_is_read_anew_by_later_models(shop: Project) -> None:
    shop.model("base", "select 1 as id", materialized="table")
    sql = "select b.id from {{ ref('base') }} b, {{ source('crm', 'customers') }} c where c.id = b.id"
    shop.model("first", sql, materialized="table")
    insert = "insert into {{ ref('base') }} values (2)"
    shop.model("second", f"{sql} -- after {{{{ ref('first') }}}}", materialized="table", pre_hook=[insert])
    assert shop.dvt("run"), shop.messages()
    assert shop.rows("house", "select id from first") == [(1,)]
    assert sorted(shop.rows("house", "select id from second")) == [(1,), (2,)]


@pytest.mark.parametrize("federated", [True, False])
def test_a_hook_runs_on_the_connection_it_names(shop: Project, federated: bool) -> None:
    shop.run_sql("other", "create table hook_log (word text)")
    hook = {"sql": "insert into hook_log values ('{{ this.identifier }}')", "connection": "other"}
    sql = NAMES if federated else "select 1 as id"
    shop.model("people", sql, materialized="table", pre_hook=[hook], post_hook=[hook])
    assert shop.dvt("run"), shop.messages()
    assert shop.rows("other", "select word from hook_log") == [("people",), ("people",)]


def test_a_hook_that_names_no_output_is_one_error(shop: Project) -> None:
    hook = {"sql": "select 1", "connection": "nowhere"}
    shop.model("people", NAMES, materialized="table", post_hook=[hook])
    assert not shop.dvt("run")
    assert shop.messages().count("DVT110") == 1
    assert shop.tables() == []


@pytest.mark.slow
def test_keep_leaves_views_and_grants_on_the_table(pg_shop: Project, postgres: Any) -> None:
    make_role(postgres, "kept_reader")
    pg_shop.model("people", NAMES, materialized="table", publish="keep")
    assert pg_shop.dvt("run"), pg_shop.messages()
    pg_shop.run_sql(
        "house", "create view seen as select name from people", "grant select on people to kept_reader"
    )
    oid = pg_shop.rows("house", "select 'people'::regclass::oid")
    pg_shop.run_sql("lite", "insert into customers values (4, 'Di')", "delete from customers where id = 1")
    assert pg_shop.dvt("run"), pg_shop.messages()
    assert sorted(pg_shop.rows("house", "select name from seen")) == [("Bo",), ("Cy",), ("Di",)]
    assert pg_shop.rows("house", "select 'people'::regclass::oid") == oid
    assert pg_shop.rows("house", "select has_table_privilege('kept_reader', 'people', 'select')") == [(True,)]


def test_keep_replaces_the_rows_and_adds_columns(shop: Project) -> None:
    shop.model("people", NAMES, materialized="table", publish="keep")
    assert shop.dvt("run"), shop.messages()
    shop.run_sql("lite", "delete from customers where id = 1")
    wider = NAMES.replace("id, name", "2 * id as twice, id, name")
    shop.model("people", wider, materialized="table", publish="keep")
    assert shop.dvt("run"), shop.messages()
    assert sorted(shop.rows("house", "select id, name, twice from people")) == [(2, "Bo", 4), (3, "Cy", 6)]
    assert shop.tables() == [("people", "BASE TABLE")]
    assert shop.run_results()["people"]["adapter_response"]["rows_affected"] == 2


def test_keep_refuses_a_lost_column_until_full_refresh(shop: Project) -> None:
    shop.model("people", NAMES, materialized="table", publish="keep")
    assert shop.dvt("run"), shop.messages()
    shop.model(
        "people", "select id from {{ source('crm', 'customers') }}", materialized="table", publish="keep"
    )
    assert not shop.dvt("run")
    assert "DVT107" in shop.run_results()["people"]["message"]
    assert len(shop.rows("house", "select name from people")) == 3
    assert shop.dvt("run", "--full-refresh"), shop.messages()


def test_keep_that_fails_in_the_middle_keeps_the_old_rows(shop: Project) -> None:
    shop.model("people", NAMES, materialized="table", publish="keep")
    assert shop.dvt("run"), shop.messages()
    shop.run_sql("lite", "delete from customers")
    shop.model(
        "people", NAMES, materialized="table", publish="keep", post_hook="insert into no_such values (1)"
    )
    assert not shop.dvt("run")
    assert len(shop.rows("house", "select name from people")) == 3
    assert shop.tables() == [("people", "BASE TABLE")]


def test_sums_of_integers_are_exact(shop: Project) -> None:
    shop.model("summed", "select sum(id * 1000000000000000000) as s from {{ source('crm', 'customers') }}",
               materialized="table")  # fmt: skip
    assert shop.dvt("run"), shop.messages()
    assert shop.rows("house", "select s from summed") == [(Decimal(6 * 10**18),)]


def _log_table(shop: Project) -> list[str]:
    schema = shop.outputs["house"]["schema"]
    return [f"create schema if not exists {schema}", f"create table {schema}.hook_log (n bigint, word text)"]


def _log(shop: Project, word: str) -> str:
    log = f"{shop.outputs['house']['schema']}.hook_log"
    return f"insert into {log} select count(*), '{word}' from {log}"
