"""Data tests over several databases, and unit tests of federated models."""

from __future__ import annotations

from typing import Any

from tests.dbt_bridge.federated.project import Project

ORPHANS = """
select o.id from {{ source('ledger', 'orders') }} o
left join {{ source('crm', 'customers') }} c on c.id = o.customer where c.id is null
"""


def test_a_test_across_databases_passes_and_fails(shop: Project) -> None:
    shop.write("tests/orphans.sql", "{{ config(federate=true) }}" + ORPHANS)
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
        "config": {"federate": True},
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
    shop.write(
        "tests/orphans.sql", "{{ config(federate=true, store_failures=true, schema='kept') }}" + ORPHANS
    )
    assert not shop.dvt("test")
    schema = f"{shop.outputs['house']['schema']}_kept"
    assert shop.rows("house", f"select * from {schema}.orphans") == [(14,)]


def test_without_the_opt_in_a_test_across_databases_is_an_error(shop: Project) -> None:
    shop.write("tests/orphans.sql", ORPHANS)
    assert not shop.dvt("test")
    assert "DVT105" in f"{shop.messages()}{shop.result.exception}"


def test_a_unit_test_of_a_federated_model_passes_and_fails(shop: Project) -> None:
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
