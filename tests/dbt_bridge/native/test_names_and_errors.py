"""Places where users may write dvt's settings, and the error for each setting that is wrong."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from dvt.dbt_bridge.dbt_errors import DvtDbtError
from tests.dbt_bridge.federated.project import Project

pytestmark = pytest.mark.slow

CREATE_COWS = "create table cows as select 1 as id"


def farm(**keys: Any) -> dict[str, Any]:
    return {"sources": [{"name": "farm", "schema": "main", "tables": [{"name": "cows"}], **keys}]}


PLACES = {
    "top level": farm(connection="barn"),
    "config": farm(config={"connection": "barn"}),
    "config.meta": farm(config={"meta": {"connection": "barn"}}),
    "meta": farm(meta={"connection": "barn"}),
    "table, top level": farm(connection="nowhere", tables=[{"name": "cows", "connection": "barn"}]),
    "table, config": farm(connection="nowhere", tables=[{"name": "cows", "config": {"connection": "barn"}}]),
    "table, meta": farm(
        config={"connection": "nowhere"}, tables=[{"name": "cows", "meta": {"connection": "barn"}}]
    ),
}


@pytest.mark.parametrize("content", PLACES.values(), ids=PLACES.keys())
def test_a_connection_may_stand_in_several_places(shop: Project, content: dict[str, Any]) -> None:
    shop.run_sql("barn", CREATE_COWS)
    shop.write("models/sources.yml", content)
    shop.model("a", "select * from {{ source('farm', 'cows') }}", target="barn")
    assert shop.dvt("run"), shop.messages()
    assert shop.rows("barn", "from a") == [(1,)]
    source = json.loads((shop.root / "target/manifest.json").read_text())["sources"]["source.shop.farm.cows"]
    assert source["relation_name"] == '"barn"."main"."cows"'


def test_a_changed_connection_is_noticed_by_partial_parsing(shop: Project) -> None:
    shop.run_sql("barn", CREATE_COWS)
    shop.run_sql("loft", "create schema loft; create table loft.cows as select 2 as id")
    shop.write("models/sources.yml", farm(connection="barn"))
    shop.model("a", "select * from {{ source('farm', 'cows') }}", target="barn")
    assert shop.dvt("run"), shop.messages()
    shop.write("models/sources.yml", farm(connection="lite"))
    assert shop.dvt("list"), shop.messages()
    shop.write("models/sources.yml", farm())
    assert not shop.dvt("parse")
    assert "DVT102" in str(shop.result.exception)


def test_dvt_keeps_its_partial_parse_file_apart_from_dbts(shop: Project) -> None:
    shop.model("a", "select 1 as one")
    assert shop.dvt("parse")
    assert (shop.root / "target/dvt_partial_parse.msgpack").exists()
    assert not (shop.root / "target/partial_parse.msgpack").exists()


BROKEN: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]] = {
    "DVT101": ({}, {"compute": "big"}, ("'big'", "models/a.sql")),
    "DVT102": (farm(), {"target": "barn"}, ("farm.cows", "models/sources.yml")),
    "DVT103": (farm(connection="barn", meta={"connection": "loft"}), {}, ("farm", "models/sources.yml")),
    "DVT110": (farm(connection="bran"), {}, ("farm.cows", "'bran'", "'barn'")),
    "DVT116": ({}, {"target": "hose"}, ("'a'", "'hose'", "'house'", "models/a.sql")),
    "DVT117": ({}, {"target": "lite"}, ("'a'", "'lite'", "sqlite", "house", "models/a.sql")),
    "DVT118": ({}, {"publish": "swop", "target": "barn"}, ("'a'", "publish", "'swop'", "keep, swap")),
    "DVT115": ({}, {"target": "cloud"}, ("databricks", "pip install 'dvt-engine[databricks]'")),
    "DVT119": ({}, {"target": "unset"}, ("'unset'", "DVT_TEST_NEVER_SET")),
}


@pytest.mark.parametrize("code", BROKEN)
def test_a_broken_setting_is_one_error_that_names_it_before_anything_runs(shop: Project, code: str) -> None:
    sources, config, names = BROKEN[code]
    shop.write("models/sources.yml", {"version": 2, **sources})
    shop.model("first", "select 1 as one", materialized="table")
    shop.model("a", "select 1 as one", **config)
    assert not shop.dvt("run")
    error = shop.result.exception
    assert isinstance(error, DvtDbtError)
    assert error.error.code == code
    messages = shop.messages()
    assert messages.count(code) == 1
    assert "hint:" in messages
    assert "Traceback" not in messages
    assert all(name in messages for name in names), messages
    assert not (shop.root / "house.duckdb").exists()


def test_one_run_shows_all_errors_of_a_project_with_their_lines(shop: Project) -> None:
    outputs = {**shop.outputs, "typo": {"type": "postgre"}, "lite2": {"type": "sqlit", "path": "x"}}
    shop.write("profiles.yml", {"shop": {"target": "house", "outputs": outputs}})
    shop.write("computes.yml", "shop:\n  computes:\n    a: {type: duckdb, thread: 1}\n    b: {type: duck}\n")
    tables = "tables:\n      - name: cows\n      - name: hens\n        config:\n          connection: bran\n"
    shop.write(
        "models/sources.yml",
        f"sources:\n  - name: farm\n    {tables}"
        "  - name: mill\n    connection: barn\n    meta: {connection: loft}\n    tables: [{name: bags}]\n"
        "  - name: inn\n    connection: lite2\n    tables: [{name: guests}]\n",
    )
    shop.model("a", "select 1 as one", target="hose", publish="swop")
    shop.write("models/far/b.sql", "-- a comment\n\nselect 1 as one\n{{ config(\n  target='typo'\n) }}")
    shop.model("c", "select 1 as one")
    shop.write("models/c.yml", "models:\n  - name: c\n    config:\n      target: hose\n")
    shop.model("d", "select 1 as one")
    folders = "models:\n  shop:\n    d:\n      +target: barns\n"
    shop.write("dbt_project.yml", f"name: shop\nprofile: shop\n{folders}")
    assert not shop.dvt("run")
    error = shop.result.exception.error
    assert error.code == "DVT109"
    profiles, computes = shop.root / "profiles.yml", shop.root / "computes.yml"
    text = profiles.read_text(encoding="utf-8")
    typo, lite2 = (text[: text.index(f"type: {kind}\n")].count("\n") + 1 for kind in ("postgre", "sqlit"))
    assert sorted(map(one_line, error.errors)) == [
        f"DVT100 {computes}, line 3: shop.computes.a.thread: no such key here",
        f"DVT100 {computes}, line 4: shop.computes.b: its type should be duckdb or spark",
        "DVT102 source 'farm.cows' (models/sources.yml, line 4) does not say which connection it lives on",
        "DVT103 source 'mill.bags' (models/sources.yml, line 9) names different connections",
        "DVT110 source 'farm.hens' (models/sources.yml, line 7) names connection 'bran'",
        f"DVT113 type 'postgre' of output 'typo' ({profiles}, line {typo}) is unknown",
        f"DVT113 type 'sqlit' of output 'lite2' ({profiles}, line {lite2}) is unknown",
        "DVT116 model 'a' (models/a.sql, line 1) has target 'hose'",
        "DVT116 model 'c' (models/c.yml, line 4) has target 'hose'",
        "DVT116 model 'd' (dbt_project.yml, line 6) has target 'barns'",
        "DVT118 model 'a' (models/a.sql, line 1): publish cannot be 'swop'",
    ]
    assert "did you mean 'postgres'?" in str(error)
    assert "did you mean 'sqlite'?" in str(error)
    assert "pip install" not in str(error)
    assert not shop.dvt("run"), "partial parsing keeps the errors"
    assert str(shop.result.exception.error) == str(error)
    assert not (shop.root / "house.duckdb").exists()


def test_all_outputs_that_selected_nodes_cannot_use_are_one_error(shop: Project) -> None:
    outputs = {**shop.outputs, "blank": {"type": "sqlite", "path": "{{ env_var('DVT_TEST_UNSET_TOO') }}"}}
    shop.write("profiles.yml", {"shop": {"target": "house", "outputs": outputs}})
    shop.write("models/sources.yml", farm(connection="blank"))
    shop.model("a", "select 1 as one", target="cloud")
    shop.model("b", "select 1 as one", target="unset")
    shop.model("c", "select * from {{ source('farm', 'cows') }}")
    assert not shop.dvt("run")
    error = shop.result.exception.error
    assert sorted(each.code for each in error.errors) == ["DVT115", "DVT119", "DVT119"]
    assert all(name in str(error) for name in ("databricks", "DVT_TEST_NEVER_SET", "DVT_TEST_UNSET_TOO"))
    assert str(error).count("set the environment variable that its Jinja reads") == 1
    assert not (shop.root / "house.duckdb").exists()


def one_line(error: Any) -> str:
    """Return an error's first words: up to what it lists."""
    return (
        re.split(r", which is no| \(config|\n", str(error))[0].replace(" (connection:", "\n").split("\n")[0]
    )


@pytest.mark.parametrize(
    ("kind", "meant"), [("postgre", "postgres"), ("sqlit", "sqlite"), ("duckbd", "duckdb")]
)
@pytest.mark.parametrize("how", ["default", "target", "command line"])
def test_a_misspelt_type_is_no_package_to_install(shop: Project, kind: str, meant: str, how: str) -> None:
    outputs = {**shop.outputs, "typo": {"type": kind, "path": "x", "schema": "s"}}
    target = "typo" if how == "default" else "house"
    shop.write("profiles.yml", {"shop": {"target": target, "outputs": outputs}})
    shop.model("a", "select 1 as one", **({"target": "typo"} if how == "target" else {}))
    assert not shop.dvt("parse", *(["--target", "typo"] if how == "command line" else []))
    assert "DVT113" in shop.messages()
    assert "'typo'" in shop.messages()
    assert "profiles.yml, line" in shop.messages()
    assert f"did you mean {meant!r}?" in shop.messages()
    assert "pip" not in shop.messages()


def test_a_format_of_files_that_is_taken_for_a_type_is_explained(shop: Project) -> None:
    shop.write(
        "profiles.yml", {"shop": {"target": "house", "outputs": {**shop.outputs, "lake": {"type": "CSV"}}}}
    )
    shop.model("a", "select 1 as one", target="lake")
    assert not shop.dvt("parse")
    assert "an output of files has `type: files` and `format: csv`" in shop.messages()


def test_an_unused_output_of_an_unknown_type_is_no_error(shop: Project) -> None:
    outputs = {**shop.outputs, "typo": {"type": "postgre"}}
    shop.write("profiles.yml", {"shop": {"target": "house", "outputs": outputs}})
    shop.model("a", "select 1 as one", target="barn")
    assert shop.dvt("run"), shop.messages()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dialect", "klingon"),
        ("pushdown", "some"),
        ("zero_dates", "maybe"),
        ("target", 3),
        ("compute", ["x"]),
    ],
)
def test_an_invalid_setting_is_an_error_that_names_it(shop: Project, key: str, value: Any) -> None:
    shop.model("a", "select 1 as one", **{"target": "barn", key: value})
    assert not shop.dvt("parse")
    assert f"{key} cannot be" in shop.messages(), shop.messages()


def test_settings_may_stand_in_folders_and_properties(shop: Project) -> None:
    folder = {"+dialect": "duckdb", "+pushdown": False, "+target": "barn", "+publish": "keep"}
    shop.write("dbt_project.yml", {"name": "shop", "profile": "shop", "models": {"shop": {"far": folder}}})
    shop.write("models/far/a.sql", "select 1 as one")
    shop.model("b", "select 2 as one")
    shop.write(
        "models/b.yml", {"models": [{"name": "b", "config": {"target": "barn", "zero_dates": "null"}}]}
    )
    assert shop.dvt("run"), shop.messages()
    assert shop.rows("barn", "select a.one, b.one from a, b") == [(1, 2)]


@pytest.mark.parametrize("how", ["default", "command line"])
def test_a_default_target_that_can_only_be_read_is_one_error(shop: Project, how: str) -> None:
    shop.model("a", "select 1 as one")
    if how == "default":
        shop.write("profiles.yml", {"shop": {"target": "lite", "outputs": shop.outputs}})
    assert not shop.dvt("run", *(("--target", "lite") if how != "default" else ()))
    assert "DVT117" in shop.messages()
    assert "barn, cloud, house" in shop.messages()


def test_errors_are_events_too(shop: Project) -> None:
    shop.model("a", "select 1 as one", target="hose")
    assert not shop.dvt("run", "--log-format", "json")
    (event,) = [event for event in shop.events if "DVT116" in event.info.msg]
    assert (event.info.name, event.info.level) == ("MainEncounteredError", "error")


def test_unknown_target_on_the_command_line_is_dbts_own_error(shop: Project) -> None:
    shop.model("a", "select 1 as one")
    assert not shop.dvt("run", "--target", "hose")
    assert "does not have a target named 'hose'" in str(shop.result.exception)


def test_a_password_of_the_wrong_kind_is_not_shown(shop: Project) -> None:
    keys = {"host": "h", "user": "u", "pass": ["l1sted-s3cret"], "port": 1, "dbname": "d", "schema": "s"}
    outputs = {**shop.outputs, "bad": {"type": "postgres", **keys}}
    shop.write("profiles.yml", {"shop": {"target": "house", "outputs": outputs}})
    shop.model("a", "select 1 as one", target="bad")
    assert not shop.dvt("run")
    assert "DVT119" in shop.messages()
    assert "l1sted-s3cret" not in shop.messages()
