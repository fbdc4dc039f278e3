"""Parsing a project whose nodes are built on outputs of several types, which nothing connects to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dbt_bridge.federated.project import Project

pytestmark = pytest.mark.slow

PG = {
    "type": "postgres",
    "host": "h.invalid",
    "user": "u",
    "pass": "p",
    "port": 1,
    "dbname": "d",
    "schema": "s",
}
MY = {"type": "mariadb", "host": "h.invalid", "user": "u", "password": "p", "port": 1, "schema": "m"}
NOW = "select {{ dbt.current_timestamp() }} as at"
PORTABLE = """
{% macro what() %}{{ return(adapter.dispatch('what', 'shop')()) }}{% endmacro %}
{% macro postgres__what() %}{{ return(ref('on_pg')) }}{% endmacro %}
{% macro mariadb__what() %}{{ return(ref('on_my')) }}{% endmacro %}
{% macro postgres__isnt(name) %}{{ name }} is null{% endmacro %}
"""
"""Macros that are there for other adapters than the default target's."""


@pytest.fixture
def farm(shop: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Yield a project with outputs of PostgreSQL and MariaDB, which counts how often it is parsed."""
    from dbt.parser.manifest import ManifestLoader

    outputs = {**shop.outputs, "pg": PG, "my": MY}
    shop.write("profiles.yml", {"shop": {"target": "house", "outputs": outputs}})
    shop.write("macros/what.sql", PORTABLE)
    shop.model("on_pg", "select 1 as id", target="pg")
    shop.model("on_my", "select 1 as id", target="my")
    parses: list[int] = []
    parse = ManifestLoader.load_and_parse_macros

    def counted(loader: Any, files: Any) -> None:
        parses.append(1)
        parse(loader, files)

    monkeypatch.setattr(ManifestLoader, "load_and_parse_macros", counted)
    vars(shop)["parses"] = parses
    return shop


def manifest(shop: Project) -> dict[str, Any]:
    return json.loads((shop.root / "target/manifest.json").read_text(encoding="utf-8"))


def reads(shop: Project, uid: str) -> list[str]:
    return [parent.rsplit(".", 1)[-1] for parent in manifest(shop)["nodes"][uid]["depends_on"]["nodes"]]


def parse(shop: Project, *args: str) -> None:
    """Parse the project, in one parse."""
    parses: list[int] = vars(shop)["parses"]
    parses.clear()
    assert shop.dvt("parse", *args), f"{shop.messages()} {shop.result.exception}"
    assert len(parses) == 1


def dependencies(shop: Project) -> dict[str, Any]:
    """Return what every macro and node depends on."""
    parsed = manifest(shop)
    return {uid: entry["depends_on"] for uid, entry in (parsed["nodes"] | parsed["macros"]).items()}


def test_the_first_parse_knows_the_macros_of_every_nodes_adapter(farm: Project) -> None:
    farm.model("now_pg", NOW, target="pg")
    farm.model("now_my", NOW, target="my")
    farm.model("now", NOW)
    farm.model("what_pg", "select * from {{ what() }}", target="pg")
    parse(farm)
    assert reads(farm, "model.shop.what_pg") == ["on_pg"]
    first = dependencies(farm)
    assert {
        "macro.dbt_postgres.postgres__current_timestamp",
        "macro.dbt_mariadb.mariadb__current_timestamp",
    } & set(first)
    parse(farm, "--no-partial-parse")
    assert dependencies(farm) == first


@pytest.mark.parametrize("where", ["model", "after the call", "folder", "properties", "vars", "macro"])
def test_a_target_may_be_given_in_any_place(farm: Project, where: str) -> None:
    query = "select * from {{ what() }} where '{{ target.name }}' = 'pg'"
    text = {
        "model": "{{ config(target='pg') }}" + query,
        "after the call": query + "{{ config(target='pg') }}",
        "vars": "{{ config(target=var('where')) }}" + query,
        "macro": "{{ on_server() }}" + query,
    }
    farm.write("macros/on_server.sql", "{% macro on_server() %}{{ config(target='pg') }}{% endmacro %}")
    farm.write("models/far/a.sql", text.get(where, query))
    project: dict[str, Any] = {"name": "shop", "profile": "shop", "vars": {"where": "pg"}}
    if where == "folder":
        project["models"] = {"shop": {"far": {"+target": "{{ 'pg' }}"}}}
    elif where == "properties":
        config = {"target": "{{ var('where') }}"}
        farm.write("models/far/a.yml", {"models": [{"name": "a", "config": config}]})
    farm.write("dbt_project.yml", project)
    parse(farm)
    assert reads(farm, "model.shop.a") == ["on_pg"]
    assert manifest(farm)["nodes"]["model.shop.a"]["config"]["target"] == "pg"
    assert manifest(farm)["nodes"]["model.shop.a"]["relation_name"] == '"d"."s"."a"'


def test_a_branch_may_choose_the_target_by_the_invocations(farm: Project) -> None:
    farm.write(
        "models/a.sql",
        "{% if target.name == 'house' %}{{ config(target='pg') }}"
        "{% else %}{{ config(target='my') }}{% endif %}"
        "select * from {{ what() }}",
    )
    parse(farm)
    assert reads(farm, "model.shop.a") == ["on_pg"]
    assert manifest(farm)["nodes"]["model.shop.a"]["config"]["target"] == "pg"


def test_rendering_again_leaves_nothing_of_the_first_time(farm: Project) -> None:
    farm.model("x", "select 1 as id")
    farm.model("y", "select 1 as id", target="pg")
    farm.write(
        "models/a.sql",
        "{{ config(target='pg', tags=['t'], post_hook='select 1') }}"
        "select * from {% if target.name == 'house' %}{{ ref('x') }}{% else %}{{ ref('y') }}{% endif %}"
        "{{ what() }}",
    )
    parse(farm)
    node = manifest(farm)["nodes"]["model.shop.a"]
    assert reads(farm, "model.shop.a") == ["y", "on_pg"]
    assert node["config"]["tags"] == ["t"]
    assert len(node["config"]["post-hook"]) == 1


def test_target_on_the_command_line_wins_while_parsing_too(farm: Project) -> None:
    farm.model("a", "select * from {{ what() }}", target="pg")
    parse(farm, "--target", "my")
    assert reads(farm, "model.shop.a") == ["on_my"]


GENERIC = """
{% test is_what(model, column_name, at) %}
select * from {{ model }} where {{ adapter.dispatch('isnt', 'shop')(column_name) }} {{ at }}
{% endtest %}
"""
CHECK = {"is_what": {"arguments": {"at": "{{ adapter.dispatch('isnt', 'shop')('id') }}"}}}
"""A generic test, and its arguments, with macros that the default target's adapter lacks."""


def test_tests_are_parsed_for_the_target_of_what_they_test(farm: Project) -> None:
    farm.write("tests/generic/is_what.sql", GENERIC)
    columns = [{"name": "id", "data_tests": [CHECK]}]
    farm.write("models/a.yml", {"models": [{"name": "on_pg", "columns": columns}]})
    table = {"name": "cows", "columns": columns}
    farm.write("models/s.yml", {"sources": [{"name": "f", "connection": "pg", "tables": [table]}]})
    farm.write(
        "tests/of_model.sql", "{% set x = adapter.dispatch('isnt', 'shop')('id') %}select {{ ref('on_pg') }}"
    )
    farm.write(
        "tests/of_source.sql",
        "select {{ adapter.dispatch('isnt', 'shop')('id') }} from {{ source('f', 'cows') }}",
    )
    parse(farm)
    nodes = manifest(farm)["nodes"].values()
    assert len([node for node in nodes if node["resource_type"] == "test"]) == 4


def test_snapshots_hooks_and_unit_tests_are_parsed_for_their_target(farm: Project) -> None:
    snapshot = (
        "{% snapshot s %}{{ config(target='pg', unique_key='id', strategy='check', check_cols='all') }}"
    )
    farm.write(
        "snapshots/s.sql", snapshot + "select {{ snapshot_get_time() }} from {{ what() }}{% endsnapshot %}"
    )
    hook = "insert into log select {{ dbt.current_timestamp() }} from {{ what() }}"
    farm.model("hooked", "select 1 as id", target="pg", post_hook=hook)
    farm.model("a", "select id from {{ what() }}", target="pg")
    given = {
        "name": "u",
        "model": "a",
        "given": [{"input": "ref('on_pg')", "rows": []}],
        "expect": {"rows": []},
    }
    farm.write("models/u.yml", {"unit_tests": [given]})
    parse(farm)
    assert reads(farm, "snapshot.shop.s") == ["on_pg"]
    assert reads(farm, "model.shop.hooked") == ["on_pg"]
    assert farm.dvt("list", "--resource-type", "unit_test"), farm.messages()


def test_macros_of_the_output_that_a_hook_names_are_there(farm: Project) -> None:
    farm.drop_model("on_pg")
    farm.drop_model("on_my")
    hook = {"sql": "select {{ dbt.current_timestamp() }}", "connection": "pg"}
    farm.model("a", "select 1 as id", target="barn", post_hook=hook)
    parse(farm)
    assert "macro.dbt_postgres.postgres__list_schemas" in manifest(farm)["macros"]


def test_a_hook_that_cannot_run_on_its_connection_is_an_error_of_the_project(farm: Project) -> None:
    for output in ("nowhere_at_all", "lite"):
        farm.model(output, "select 1 as id", post_hook={"sql": "select 1", "connection": output})
    assert not farm.dvt("run")
    error = farm.result.exception.error
    assert [each.code for each in error.errors] == ["DVT117", "DVT110"]
    assert "a hook of model 'lite' (models/lite.sql)" in str(error)


@pytest.mark.parametrize("where", ["model", "folder", "properties"])
def test_a_changed_target_is_parsed_anew_with_its_macros(farm: Project, where: str) -> None:
    query = "select * from {{ what() }}"

    def write(target: str) -> None:
        farm.model("a", query, **({"target": target} if where == "model" else {}))
        project: dict[str, Any] = {"name": "shop", "profile": "shop"}
        if where == "folder":
            project["models"] = {"shop": {"a": {"+target": target}}}
        elif where == "properties":
            farm.write("models/a.yml", {"models": [{"name": "a", "config": {"target": target}}]})
        farm.write("dbt_project.yml", project)

    farm.drop_model("on_my")
    farm.model("on_my", "select 1 as id")
    write("pg")
    parse(farm)
    assert reads(farm, "model.shop.a") == ["on_pg"]
    write("my")
    parse(farm)
    assert reads(farm, "model.shop.a") == ["on_my"]
    vars(farm)["parses"].clear()
    assert farm.dvt("parse"), farm.messages()
    assert vars(farm)["parses"] == [], "nothing has changed"


def test_macros_of_an_output_that_is_only_read_are_there_in_the_next_parse_too(farm: Project) -> None:
    table = {"name": "cows"}
    farm.drop_model("on_pg")
    farm.drop_model("on_my")
    farm.write("models/s.yml", {"sources": [{"name": "f", "connection": "pg", "tables": [table]}]})
    farm.model("a", "select * from {{ source('f', 'cows') }}")
    parse(farm)
    assert "macro.dbt_postgres.postgres__list_schemas" in manifest(farm)["macros"]
    assert not [uid for uid in manifest(farm)["macros"] if uid.startswith("macro.dbt_mariadb")]
    vars(farm)["parses"].clear()
    assert farm.dvt("parse"), farm.messages()
    assert vars(farm)["parses"] == []
    assert "macro.dbt_postgres.postgres__list_schemas" in manifest(farm)["macros"]


def test_a_partial_parse_without_the_remembered_types_is_right(farm: Project, tmp_path: Path) -> None:
    farm.model("a", "select * from {{ what() }}", target="pg")
    parse(farm)
    (tmp_path / "target/dvt_adapter_types.json").unlink()
    farm.model("b", "select * from {{ what() }}", target="my")
    assert farm.dvt("parse"), farm.messages()
    assert reads(farm, "model.shop.a") == ["on_pg"]
    assert reads(farm, "model.shop.b") == ["on_my"]
    assert "macro.dbt_postgres.postgres__list_schemas" in manifest(farm)["macros"]


def test_an_error_in_a_models_jinja_is_that_of_its_own_target(farm: Project) -> None:
    farm.model("a", "{{ adapter.dispatch('nowhere', 'shop')() }}", target="pg")
    assert not farm.dvt("parse")
    assert "postgres__nowhere" in str(farm.result.exception)
