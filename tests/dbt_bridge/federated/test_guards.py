"""A model that would move more than its config allows stops before anything moves, or at the limit."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dbt_bridge.federated.project import Project
from tests.dbt_bridge.federated.test_expected import CUSTOMERS, ORDERS, extractions

JOINED = f"select o.id, c.name from {CUSTOMERS} c join {ORDERS} o on o.customer = c.id"


def failure(shop: Project, name: str) -> str:
    """Run a model that must fail and return its error."""
    assert not shop.dvt("run", "--select", name)
    return str(shop.run_results()[name]["message"])


@pytest.mark.parametrize(
    ("limits", "shown"),
    [
        ({"max_extract_rows": 2}, "max_extract_rows: 2"),
        ({"max_extract_bytes": 10}, "max_extract_bytes: 10"),
    ],
)
def test_too_large_an_estimate_stops_before_anything_moves(
    duck_shop: Project, limits: dict[str, Any], shown: str
) -> None:
    duck_shop.model("joined", JOINED, materialized="table", **limits)
    message = failure(duck_shop, "joined")
    assert "DVT146" in message
    assert shown in message
    assert "about 3 rows" in message
    assert "config(target=" in message
    assert "extract" not in [event.info.msg.split()[:2] for event in duck_shop.events]
    assert extractions(duck_shop, "other") + extractions(duck_shop, "lite") == []


@pytest.mark.slow
def test_too_low_an_estimate_stops_at_the_limit(duck_shop: Project) -> None:
    many = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000) select i from n"
    duck_shop.run_sql("lite", f"create view many as {many}")
    source = {"name": "lots", "config": {"connection": "lite"}, "tables": [{"name": "many"}]}
    duck_shop.write("models/lots.yml", {"version": 2, "sources": [source]})
    read = f"select count(*) as n from {{{{ source('lots', 'many') }}}} m, {ORDERS} o where o.id = m.i"
    duck_shop.model("counted", read, materialized="table", max_extract_rows=500)
    message = failure(duck_shop, "counted")
    assert "DVT146" in message
    assert "stopped after 501 rows" in message


@pytest.mark.slow
def test_a_limit_of_the_project_leaves_sharing_as_it_is(duck_shop: Project) -> None:
    project = {"name": "shop", "version": "1.0", "profile": "shop", "flags": {}}
    duck_shop.write("dbt_project.yml", {**project, "models": {"+max_extract_rows": 3}})
    duck_shop.model("joined", JOINED, materialized="table")
    duck_shop.model("sums", f"select sum(o.amount) as s from {ORDERS} o, {CUSTOMERS}", materialized="table")
    assert duck_shop.dvt("run"), duck_shop.messages()
    assert len(extractions(duck_shop, "other")) == 1


@pytest.mark.slow
@pytest.mark.parametrize("value", ["many", 0, -1, 2.5, True])
def test_a_limit_is_a_whole_number(duck_shop: Project, value: Any) -> None:
    duck_shop.model("joined", JOINED, materialized="table", max_extract_rows=value)
    assert not duck_shop.dvt("run")
    assert "DVT118" in str(duck_shop.result.exception)
