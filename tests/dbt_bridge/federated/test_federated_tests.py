"""Data tests over several databases, and unit tests of federated models."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.dbt_bridge.federated.project import Project

ORPHANS = """
select o.id from {{ source('ledger', 'orders') }} o
left join {{ source('crm', 'customers') }} c on c.id = o.customer where c.id is null
"""


def test_a_test_across_databases_passes_and_fails(shop: Project) -> None:
    shop.write("tests/orphans.sql", ORPHANS)
    assert shop.dvt("test"), shop.messages()
    shop.run_sql("other", "insert into orders values (14, 77, 1, '2024-01-01')")
    assert not shop.dvt("test")
    result = shop.run_results()["orphans"]
    assert (result["status"], result["failures"]) == ("fail", 1)
    assert shop.tables() == []


def test_a_generic_test_across_databases_passes_and_fails(shop: Project) -> None:
    shop.model("people", "select id from {{ source('crm', 'customers') }} where id < 3", materialized="table")
    relationships: dict[str, Any] = {
        "arguments": {"to": "source('ledger', 'orders')", "field": "customer"},
    }
    columns = [{"name": "id", "data_tests": [{"relationships": relationships}]}]
    shop.write("models/people.yml", {"version": 2, "models": [{"name": "people", "columns": columns}]})
    assert shop.dvt("build"), shop.messages()
    shop.run_sql("other", "delete from orders where customer = 2")
    assert not shop.dvt("test")
    (result,) = shop.run_results().values()
    assert (result["status"], result["failures"]) == ("fail", 1)


def test_failures_of_a_test_across_databases_are_stored(shop: Project) -> None:
    shop.run_sql("other", "insert into orders values (14, 77, 1, '2024-01-01')")
    shop.write("tests/orphans.sql", "{{ config(store_failures=true, schema='kept') }}" + ORPHANS)
    assert not shop.dvt("test")
    schema = f"{shop.outputs['house']['schema']}_kept"
    assert shop.rows("house", f"select * from {schema}.orphans") == [(14,)]


def test_a_test_that_may_not_be_federated_is_an_error_before_anything_runs(shop: Project) -> None:
    shop.model("first", "select 1 as id", materialized="table")
    shop.write("tests/orphans.sql", "{{ config(federate=false) }}" + ORPHANS)
    assert not shop.dvt("build")
    assert "DVT105" in f"{shop.messages()}{shop.result.exception}"
    assert shop.tables() == []


def test_tests_of_sources_that_have_no_adapter_run_and_are_judged_by_dbt(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each on what it needs: a generic test, its severity, its threshold and its limit, a singular test."""
    monkeypatch.setenv("DVT_COMPUTE", "auto")
    shop.run_sql("lite", "insert into customers values (3, 'Cy'), (4, null), (5, null)")
    shop.model("first", "select 1 as id", materialized="table")
    warning = {"severity": "warn"}
    columns = [
        {
            "name": "id",
            "data_tests": [
                {"unique": {"name": "doubled", "config": warning}},
                {"not_null": {"name": "full"}},
            ],
        },
        {
            "name": "name",
            "data_tests": [
                {"not_null": {"name": "many", "config": {"error_if": ">2", "warn_if": ">1"}}},
                {"not_null": {"name": "few", "config": {"limit": 1}}},
                {
                    "accepted_values": {
                        "name": "known",
                        "arguments": {"values": ["Ada", "Bo", "Cy"]},
                        "config": {"where": "name is not null"},
                    }
                },
            ],
        },
    ]
    source = {
        "name": "crm",
        "config": {"connection": "lite"},
        "tables": [{"name": "customers", "columns": columns}],
    }
    shop.write("models/sources.yml", {"version": 2, "sources": [source]})
    shop.write("tests/lone.sql", "select * from {{ source('crm', 'customers') }} where id > 4")
    assert not shop.dvt("build")
    results = {key.split(".")[2]: (r["status"], r["failures"]) for key, r in shop.results_by_id().items()}
    assert results == {
        "first": ("success", None),
        "doubled": ("warn", 1),
        "full": ("pass", 0),
        "many": ("warn", 2),
        "few": ("fail", 1),
        "known": ("pass", 0),
        "lone": ("fail", 1),
    }


def test_failures_of_a_test_of_a_source_without_an_adapter_are_stored(shop: Project) -> None:
    shop.write(
        "tests/lone.sql",
        "{{ config(store_failures=true, schema='kept') }} select * from {{ source('crm', 'customers') }}",
    )
    assert not shop.dvt("test")
    schema = f"{shop.outputs['house']['schema']}_kept"
    assert shop.rows("house", f"select id from {schema}.lone order by 1") == [(1,), (2,), (3,)]


def test_a_node_whose_target_cannot_be_used_fails_alone(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes wrong while a runner is made is the node's error: the others run, the results are written."""
    from dvt.dbt_bridge.outputs.targets import Targets

    adapter = Targets.adapter

    def broken(self: Targets, target: str) -> Any:
        if target == "other" and sys._getframe(1).f_code.co_name == "runner_init":
            raise RuntimeError("the adapter of other is broken")
        return adapter(self, target)

    shop.model("a", "select 1 as id", materialized="table")
    shop.model("b", "select * from {{ ref('a') }}", materialized="table", target="other")
    shop.model("c", "select * from {{ ref('a') }}", materialized="table")
    monkeypatch.setattr(Targets, "adapter", broken)
    assert not shop.dvt("run")
    statuses = {name: result["status"] for name, result in shop.run_results().items()}
    assert statuses == {"a": "success", "b": "error", "c": "success"}
    assert "the adapter of other is broken" in shop.run_results()["b"]["message"]


@pytest.mark.parametrize("compute", ["auto", "source"])
def test_a_unit_test_of_a_federated_model_passes_and_fails(
    shop: Project, monkeypatch: pytest.MonkeyPatch, compute: str
) -> None:
    monkeypatch.setenv("DVT_COMPUTE", compute)
    shop.model(
        "totals",
        "select c.name, sum(o.amount) as total from {{ source('crm', 'customers') }} c "
        "join {{ source('ledger', 'orders') }} o on o.customer = c.id group by 1",
        materialized="table",
    )
    shop.write(
        "models/units.yml", {"version": 2, "unit_tests": [_unit("right", "3.50"), _unit("wrong", "9")]}
    )
    assert not shop.dvt("test")
    results = shop.run_results()
    assert {name: results[name]["status"] for name in ("right", "wrong")} == {
        "right": "pass",
        "wrong": "fail",
    }
    assert shop.tables() == []


def _unit(name: str, total: str) -> dict[str, Any]:
    return {
        "name": name,
        "model": "totals",
        "given": [
            {"input": "source('crm', 'customers')", "rows": [{"id": 7, "name": "Eve"}]},
            {
                "input": "source('ledger', 'orders')",
                "rows": [
                    {"customer": 7, "amount": 1.25, "placed": "2024-01-02"},
                    {"customer": 7, "amount": 2.25, "placed": "2024-01-02 10:11:12"},
                    {"customer": 8},
                ],
            },
        ],
        "expect": {"rows": [{"name": "Eve", "total": total}]},
    }
