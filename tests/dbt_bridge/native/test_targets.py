"""Native models on any target: each node runs on its own output, in one DAG, with that output's names."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.dbt_bridge.federated.project import Project

pytestmark = pytest.mark.slow


def manifest(shop: Project) -> dict:
    return json.loads((shop.root / "target/manifest.json").read_text())


def test_models_seeds_snapshots_tests_and_hooks_run_on_their_own_target(shop: Project) -> None:
    shop.write("dbt_project.yml", {"name": "shop", "profile": "shop", "seeds": {"shop": {"+target": "barn"}}})
    shop.write("seeds/cows.csv", "id,name\n1,Ada\n2,Bo\n")
    hook = "create or replace table hooked as select '{{ target.name }}' as t"
    shop.model("herd", "select * from {{ ref('cows') }}", target="barn", materialized="table", post_hook=hook)
    shop.model("here", "select '{{ target.name }}' as t")
    shop.write(
        "snapshots/s.yml",
        {
            "snapshots": [
                {
                    "name": "past",
                    "relation": "ref('cows')",
                    "config": {
                        "unique_key": "id",
                        "strategy": "check",
                        "check_cols": "all",
                        "target": "barn",
                    },
                }
            ]
        },
    )
    tests = [{"name": "herd", "columns": [{"name": "id", "data_tests": ["unique"]}]}]
    shop.write("models/tests.yml", {"models": tests})
    assert shop.dvt("build"), shop.messages()
    assert shop.rows("barn", "select name from herd order by id") == [("Ada",), ("Bo",)]
    assert shop.rows("barn", "select count(*) from past") == [(2,)]
    assert shop.rows("barn", "select t from hooked") == [("barn",)]
    assert shop.rows("house", "select t from here") == [("house",)]
    assert shop.tables("house") == [("here", "VIEW")]
    node = manifest(shop)["nodes"]["model.shop.herd"]
    assert (node["database"], node["relation_name"]) == ("barn", '"barn"."main"."herd"')


def test_tests_gate_what_comes_after_on_another_target(shop: Project) -> None:
    shop.model("a", "select 1 as id union all select 1", target="barn")
    shop.model("b", "select * from {{ ref('a') }}", target="barn")
    shop.model("c", "select * from {{ ref('b') }}", target="barn")
    tests = [{"name": "a", "columns": [{"name": "id", "data_tests": ["unique"]}]}]
    shop.write("models/tests.yml", {"models": tests})
    assert not shop.dvt("build")
    statuses = {name: result["status"] for name, result in shop.run_results().items()}
    assert statuses["a"] == "success"
    assert statuses["b"] == statuses["c"] == "skipped"


def test_two_outputs_may_name_one_file_by_two_paths(shop: Project) -> None:
    shop.model("low", "select 1 as one", target="barn", materialized="table")
    shop.model("high", "select 2 as two", target="loft", materialized="table")
    assert shop.dvt("run", "--threads", "4"), shop.messages()
    assert shop.rows("barn", "select one, two from main.low, loft.high") == [(1, 2)]


def test_one_name_may_stand_on_two_targets_but_not_twice_on_one(shop: Project) -> None:
    shop.model("a", "select 1 as one", alias="same", target="barn")
    shop.model("b", "select 2 as one", alias="same", target="twin")
    assert shop.dvt("run"), shop.messages()
    assert shop.rows("barn", "select one from same") == [(1,)]
    assert shop.rows("twin", "select one from same") == [(2,)]
    shop.model("c", "select 3 as one", alias="same", target="barn")
    assert not shop.dvt("parse")
    assert "same" in str(shop.result.exception)


def test_target_on_the_command_line_moves_every_model(shop: Project) -> None:
    shop.model("a", "select '{{ target.name }}' as t")
    shop.model("b", "select * from {{ ref('a') }}", target="barn")
    assert shop.dvt("run")
    assert shop.dvt("run", "--target", "loft"), shop.messages()
    assert shop.rows("barn", "select t from loft.b") == [("loft",)]


def test_jinja_sees_the_nodes_own_target_while_it_is_parsed(shop: Project) -> None:
    branch = "select * from {% if target.name == 'barn' %}{{ ref('x') }}{% else %}{{ ref('y') }}{% endif %}"
    shop.model("x", "select 1 as one", target="barn")
    shop.model("y", "select 2 as one", target="barn")
    shop.model("z", branch, target="barn")
    shop.write("models/far/w.sql", branch)
    folders = {"models": {"shop": {"far": {"+target": "barn"}}}}
    shop.write("dbt_project.yml", {"name": "shop", "profile": "shop", **folders})
    assert shop.dvt("run"), shop.messages()
    assert shop.rows("barn", "select z.one, w.one from z, w") == [(1, 1)]


def test_an_ephemeral_model_is_inlined_for_each_reader_anew(shop: Project) -> None:
    shop.model("e", "select '{{ target.name }}' as t", materialized="ephemeral")
    shop.model("a", "select * from {{ ref('e') }}")
    shop.model("b", "select * from {{ ref('e') }}", target="barn")
    assert shop.dvt("run"), shop.messages()
    assert shop.rows("house", "select t from a") + shop.rows("barn", "select t from b") == [
        ("house",),
        ("barn",),
    ]


def test_an_output_that_no_selected_node_needs_is_never_touched(shop: Project) -> None:
    shop.model("a", "select 1 as one")
    for output in ("barn", "nowhere", "unset", "cloud"):
        shop.model(f"on_{output}", "select 1 as one", target=output)
    assert shop.dvt("run", "--select", "a"), shop.messages()
    assert shop.dvt("run", "--select", "on_barn"), shop.messages()
    assert not (shop.root / "no").exists()


def test_the_default_output_is_not_touched_either_when_nothing_selected_needs_it(shop: Project) -> None:
    shop.model("a", "select 1 as one")
    shop.model("b", "select 1 as one", target="barn")
    assert shop.dvt("run", "--select", "b"), shop.messages()
    assert not (shop.root / "house.duckdb").exists()
    assert (shop.root / "barn.duckdb").exists()


@pytest.mark.parametrize("damaged", [False, True])
def test_a_file_that_cannot_be_opened_is_one_clear_error(shop: Project, damaged: bool) -> None:
    shop.model("a", "select 1 as one", target="barn" if damaged else "nowhere")
    if damaged:
        (shop.root / "barn.duckdb").write_bytes(b"hello" * 5000)
    problem = "cannot be read (not a valid DuckDB" if damaged else f"nor is its folder {shop.root / 'no'}"
    assert not shop.dvt("run")
    assert "DVT138 connection" in shop.messages()
    assert problem in shop.messages()
    assert "Traceback" not in shop.messages()


def test_files_are_free_for_another_process_when_the_invocation_has_ended(shop: Project) -> None:
    shop.model("a", "select 1 as one", materialized="table")
    shop.model("b", "select 2 as two", materialized="table", target="barn")
    for _ in range(2):
        assert shop.dvt("run"), shop.messages()
        for file, table in (("house", "a"), ("barn", "b")):
            path = shop.root / f"{file}.duckdb"
            code = f"import duckdb; duckdb.connect('{path}').execute('insert into {table} values (9)')"
            subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_on_run_end_gets_the_schemas_of_its_own_target_only(shop: Project) -> None:
    hook = "create or replace table told as select '{{ schemas | sort | join(',') }}' as s"
    shop.write("dbt_project.yml", {"name": "shop", "profile": "shop", "on-run-end": [hook]})
    shop.model("a", "select 1 as one", schema="mine")
    shop.model("b", "select 1 as one", schema="yours", target="barn")
    assert shop.dvt("run"), shop.messages()
    assert shop.rows("house", "select s from told") == [("main_mine",)]


def test_catalog_and_freshness_ask_every_output_for_its_own(shop: Project) -> None:
    shop.run_sql("barn", "create table cows as select 1 as id, now()::timestamp as at_time")
    source = {
        "name": "farm",
        "schema": "main",
        "config": {"connection": "barn", "freshness": {"warn_after": {"count": 1, "period": "day"}}},
        "loaded_at_field": "at_time",
        "tables": [{"name": "cows"}],
    }
    shop.write("models/sources.yml", {"sources": [source]})
    shop.model("a", "select 1 as one", alias="same")
    shop.model("b", "select 1 as one, 2 as two", alias="same", target="barn")
    shop.model("c", "select 3 as three", alias="same", target="twin")
    assert shop.dvt("run")
    assert shop.dvt("docs", "generate"), shop.messages()
    catalog = json.loads((shop.root / "target/catalog.json").read_text())
    assert list(catalog["nodes"]["model.shop.a"]["columns"]) == ["one"]
    assert list(catalog["nodes"]["model.shop.b"]["columns"]) == ["one", "two"]
    assert list(catalog["nodes"]["model.shop.c"]["columns"]) == ["three"]
    assert list(catalog["sources"]["source.shop.farm.cows"]["columns"]) == ["id", "at_time"]
    assert shop.dvt("source", "freshness"), shop.messages()
    sources = json.loads((shop.root / "target/sources.json").read_text())["results"]
    assert [result["status"] for result in sources] == ["pass"]


def test_sources_without_an_adapter_have_names_and_columns_as_others(shop: Project) -> None:
    outputs = {**shop.outputs, "lake": {"type": "files", "path": str(shop.root / "lake"), "format": "csv"}}
    shop.write("profiles.yml", {"shop": {"target": "house", "outputs": outputs}})
    shop.run_sql("lite", "create table Cows (Id integer, name text, weight decimal(10, 2))")
    shop.write("lake/hens.csv", "id,laid_on\n1,2024-01-01\n")
    shop.write("lake/eggs-2024.csv", "hen,count\n1,300\n")
    eggs = {"name": "eggs", "config": {"external_location": "eggs-*.csv"}}
    shop.write(
        "models/sources.yml",
        {
            "sources": [
                {"name": "farm", "connection": "lite", "tables": [{"name": "cows"}, {"name": "gone"}]},
                {"name": "coop", "connection": "lake", "schema": "s", "tables": [{"name": "hens"}, eggs]},
            ]
        },
    )
    shop.model("a", "select 1 as one")
    assert shop.dvt("run"), shop.messages()
    sources = manifest(shop)["sources"]
    names = {uid: [source[key] for key in ("database", "schema", "name")] for uid, source in sources.items()}
    assert names["source.shop.farm.cows"] == ["lite", "farm", "cows"]
    assert names["source.shop.coop.eggs"] == ["lake", "s", "eggs"]
    assert sources["source.shop.coop.hens"]["relation_name"] == '"lake"."s"."hens"'
    assert shop.dvt("docs", "generate"), shop.messages()
    catalog = json.loads((shop.root / "target/catalog.json").read_text())
    assert list(catalog["nodes"]) == ["model.shop.a"]
    types = {
        uid: {name: column["type"] for name, column in table["columns"].items()}
        for uid, table in catalog["sources"].items()
    }
    assert types == {
        "source.shop.farm.cows": {"Id": "INTEGER", "name": "TEXT", "weight": "decimal(10, 2)"},
        "source.shop.coop.hens": {"id": "BIGINT", "laid_on": "DATE"},
        "source.shop.coop.eggs": {"hen": "BIGINT", "count": "BIGINT"},
    }
    assert shop.dvt("docs", "generate", "--select", "source:coop.hens"), shop.messages()
    catalog = json.loads((shop.root / "target/catalog.json").read_text())
    assert list(catalog["sources"]) == ["source.shop.coop.hens"]


def test_a_catalog_that_cannot_be_read_is_an_error_beside_the_others(shop: Project) -> None:
    tables = [{"name": "cows"}]
    sources = [{"name": name, "connection": name, "tables": tables} for name in ("lite", "barn")]
    shop.write("models/sources.yml", {"sources": sources})
    (shop.root / "lite.sqlite").write_bytes(b"hello" * 5000)
    shop.model("a", "select 1 as one", materialized="table")
    assert shop.dvt("run"), shop.messages()
    assert not shop.dvt("docs", "generate")
    catalog = json.loads((shop.root / "target/catalog.json").read_text())
    assert list(catalog["nodes"]) == ["model.shop.a"]
    assert len(catalog["errors"]) == 1
    assert "'lite'" in catalog["errors"][0]


def test_a_source_whose_freshness_cannot_be_told_fails_alone(shop: Project) -> None:
    shop.run_sql("barn", "create table cows as select 1 as id, now()::timestamp as at_time")
    keys = {"lite": {}, "barn": {"schema": "main", "loaded_at_field": "at_time"}}
    config = {"freshness": {"warn_after": {"count": 1, "period": "day"}}}
    sources = [
        {"name": name, "config": {"connection": name, **config}, "tables": [{"name": "cows"}], **keys[name]}
        for name in ("lite", "barn")
    ]
    shop.write("models/sources.yml", {"sources": sources})
    assert not shop.dvt("source", "freshness")
    assert "freshness of source 'lite.cows'" in shop.messages()
    assert "loaded_at_field" in shop.messages()
    results = json.loads((shop.root / "target/sources.json").read_text())["results"]
    assert "pass" in [result["status"] for result in results if ".barn." in result["unique_id"]]


def test_show_runs_an_inline_query_where_what_it_reads_lives(shop: Project) -> None:
    shop.model("b", "select 41 + 1 as answer", target="barn")
    assert shop.dvt("run")
    assert shop.dvt("show", "--inline", "select answer from {{ ref('b') }}"), shop.messages()
    assert "42" in shop.messages()
