"""Freshness of sources on outputs that dbt has no adapter for."""

from __future__ import annotations

import json
from typing import Any

from tests.dbt_bridge.federated.project import Project

OLD = "2001-02-03 04:05:06"
QUERY = "select max(cast(day as date)) from {{ this }}"


def test_freshness_of_such_a_source_is_what_its_column_says(shop: Project) -> None:
    shop.run_sql(
        "lite",
        "create table visits (id integer, at_time timestamp, day text, note text)",
        f"insert into visits values (1, '{OLD}', '2001-02-03', 'x'), (2, datetime('now'), date('now'), 'y')",
        "create table empty_one (at_time timestamp)",
    )
    field = {"loaded_at_field": "at_time"}
    tables: list[dict[str, Any]] = [
        {"name": "fresh", "identifier": "visits", **field},
        {"name": "old", "identifier": "visits", "config": {"freshness": _after(filter="id < 2"), **field}},
        {"name": "queried", "identifier": "visits", "loaded_at_query": QUERY},
        {"name": "empty_one", **field},
        {"name": "wrong", "identifier": "visits", "loaded_at_field": "note"},
        {"name": "unsaid", "identifier": "visits"},
        {"name": "missing", **field},
    ]
    source = {"name": "web", "config": {"connection": "lite", "freshness": _after()}, "tables": tables}
    shop.write("models/sources.yml", {"sources": [source]})
    assert not shop.dvt("source", "freshness")
    text = (shop.root / "target/sources.json").read_text()
    results = {result["unique_id"].rsplit(".")[-1]: result for result in json.loads(text)["results"]}
    assert {name: result["status"] for name, result in results.items()} == {
        "fresh": "pass",
        "old": "error",
        "queried": "pass",
        "empty_one": "error",
    }
    assert results["old"]["max_loaded_at"].startswith("2001-02-03T04:05:06")
    messages = shop.messages()
    assert "freshness of source 'web.wrong'" in messages
    assert "'y', is no time" in messages
    assert "name a column of times: loaded_at_field" in messages
    assert "DVT120 missing (models/sources.yml)" in messages


def _after(**keys: str) -> dict[str, Any]:
    return {"error_after": {"count": 2, "period": "day"}, **keys}
