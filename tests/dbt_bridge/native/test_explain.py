"""`dvt explain`: path and plan of every node, with nothing run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dvt.core.explanation import Explanation
from tests.dbt_bridge.federated.project import Project, fill_sources

pytestmark = pytest.mark.slow

SPENDING = (
    "select c.name, sum(o.amount) as spent from {{ source('crm', 'customers') }} c "
    "join {{ source('ledger', 'orders') }} o on o.customer = c.id "
    "where o.amount > 2 and c.name like 'A%' group by 1"
)
SOURCES = {
    "sources": [
        {"name": "crm", "config": {"connection": "lite"}, "tables": [{"name": "customers"}]},
        {
            "name": "ledger",
            "schema": "main",
            "config": {"connection": "other"},
            "tables": [{"name": "orders"}],
        },
    ]
}


@pytest.fixture
def bank(shop: Project) -> Project:
    shop.outputs = {**shop.outputs, "other": {**shop.outputs["barn"]}}
    shop.write("profiles.yml", {"shop": {"target": "house", "outputs": shop.outputs}})
    shop.write("models/sources.yml", SOURCES)
    fill_sources(shop)
    shop.model("spending", SPENDING, materialized="table", dialect="duckdb")
    shop.model("names", "select name from {{ ref('spending') }}")
    shop.model("there", "select * from {{ ref('spending') }}", target="other", materialized="table")
    return shop


def nodes(project: Project, *args: str) -> dict[str, Explanation]:
    assert project.dvt("explain", *args), project.result.exception
    return {one.name: one for one in project.result.result}


def test_path_reasons_and_plan(bank: Project, capsys: Any) -> None:
    found = nodes(bank)
    assert list(found) == ["spending", "names", "there"]
    assert {name: (one.path, one.target) for name, one in found.items()} == {
        "spending": ("federated", "house"),
        "names": ("native", "house"),
        "there": ("federated", "other"),
    }
    plan = found["spending"].plan
    assert plan is not None
    by_connection = {one.connection: one for one in plan.queries}
    assert by_connection.keys() == {"lite", "other"}
    assert by_connection["other"].where
    assert [kept.sql for kept in by_connection["lite"].not_pushed]
    assert found["there"].plan is None
    assert found["there"].unbuilt == ("spending",)
    shown = capsys.readouterr().out
    assert "lives on house, reads lite, other" in shown
    assert "pushed:" in shown
    assert "not pushed:" in shown
    assert "known once spending is built" in shown


def test_nothing_is_run(bank: Project) -> None:
    nodes(bank)
    assert bank.tables("house") == []
    assert not (bank.root / "target/run_results.json").exists()
    assert not list((bank.root / ".dvt").rglob("*.parquet"))


def test_json_alone_is_printed(bank: Project, capsys: Any) -> None:
    nodes(bank, "--select", "spending", "--format", "json")
    (node,) = json.loads(capsys.readouterr().out)["nodes"]
    assert node["path"] == "federated"
    orders = next(one for one in node["plan"]["extractions"] if one["connection"] == "other")
    assert [column["name"] for column in orders["columns"]] == ["customer", "amount"]
    assert orders["pushed"]
    assert node["plan"]["load"]["columns"][1]["name"] == "spent"


def test_a_problem_is_told_and_is_the_exit_code(bank: Project, capsys: Any) -> None:
    bank.model("wrong", "select c.nmae from {{ source('crm', 'customers') }} c", materialized="table")
    assert not bank.dvt("explain", "--select", "wrong")
    assert "DVT121" in capsys.readouterr().out


def test_a_plain_project_is_all_native(bank: Project) -> None:
    for name in ("spending", "names", "there"):
        bank.drop_model(name)
    bank.write("models/sources.yml", {"version": 2})
    bank.model("a", "select 1 as one")
    assert {name: one.path for name, one in nodes(bank).items()} == {"a": "native"}
