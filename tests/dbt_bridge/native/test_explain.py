"""`dvt explain` shows path and plan of every node and runs none."""

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
    return {explanation.name: explanation for explanation in project.result.result}


def test_explain_shows_path_reason_and_plan_of_every_node(bank: Project, capsys: Any) -> None:
    explanations = nodes(bank)
    assert list(explanations) == ["spending", "names", "there"]
    assert {name: (explanation.path, explanation.target) for name, explanation in explanations.items()} == {
        "spending": ("federated", "house"),
        "names": ("native", "house"),
        "there": ("federated", "other"),
    }
    plan = explanations["spending"].plan
    assert plan is not None
    by_connection = {explanation.connection: explanation for explanation in plan.queries}
    assert by_connection.keys() == {"lite", "other"}
    assert by_connection["other"].where
    assert [condition.sql for condition in by_connection["lite"].not_pushed]
    assert explanations["there"].plan is None
    assert explanations["there"].unbuilt == ("spending",)
    printed = capsys.readouterr().out
    assert "lives on house, reads lite, other" in printed
    assert "on duckdb, over the extracted tables" in printed
    assert "pushed:" in printed
    assert "not pushed:" in printed
    assert "known once spending is built" in printed


def test_explain_tells_the_bucket_and_what_a_run_that_failed_has_left(bank: Project, capsys: Any) -> None:
    bank.model(
        "spending", SPENDING, materialized="table", dialect="duckdb", post_hook="select * from nowhere"
    )
    assert not bank.dvt("run", "--select", "spending")
    staged = nodes(bank, "--select", "spending")["spending"].staged
    assert staged is not None
    assert (staged.bucket, staged.extractions, len(staged.reused)) == ("local", 2, 1)
    printed = capsys.readouterr().out
    assert "stage      in bucket local, file:.dvt/staging\n" in printed
    (alias,) = staged.reused
    assert f"1 of 2 extractions there from {staged.reused[alias]}: {alias}\n" in printed
    assert nodes(bank, "--select", "spending", "--full-refresh")["spending"].staged.reused == {}
    capsys.readouterr()
    assert bank.dvt("explain", "--select", "spending", "--format", "json")
    (node,) = json.loads(capsys.readouterr().out)["nodes"]
    assert node["staged"] == {
        "bucket": "local", "address": "file:.dvt/staging", "extractions": 2,
        "reused": staged.reused, "in_other_buckets": {}, "notes": [],
    }  # fmt: skip


def test_explain_runs_nothing(bank: Project) -> None:
    nodes(bank)
    assert bank.tables("house") == []
    assert not (bank.root / "target/run_results.json").exists()
    assert not list((bank.root / ".dvt").rglob("*.parquet"))


def test_json_alone_is_printed(bank: Project, capsys: Any) -> None:
    nodes(bank, "--select", "spending", "--format", "json")
    (node,) = json.loads(capsys.readouterr().out)["nodes"]
    assert node["path"] == "federated"
    orders = next(
        extraction for extraction in node["plan"]["extractions"] if extraction["connection"] == "other"
    )
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
    assert {name: explanation.path for name, explanation in nodes(bank).items()} == {"a": "native"}
