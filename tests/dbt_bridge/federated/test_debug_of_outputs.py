"""`dvt debug` uses outputs as a run does: it connects, and fills and drops a stage table."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest

from dvt import dvtRunner
from tests.databases.postgres import USER as POSTGRES_USER
from tests.dbt_bridge.federated.project import Project

pytestmark = pytest.mark.slow


def found(shop: Project, capsys: pytest.CaptureFixture[str], *args: str, code: bool = True) -> dict[str, Any]:
    capsys.readouterr()
    folders = ["--project-dir", str(shop.root), "--profiles-dir", str(shop.root)]
    result = dvtRunner().invoke(["debug", *folders, "--json", *args])
    assert result.success is code
    outputs = json.loads(capsys.readouterr().out)["outputs"]
    return {output["name"]: output for output in outputs}


def said(output: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {check["check"]: (check["status"], check["detail"]) for check in output["checks"]}


def test_a_new_target_is_connected_to_and_its_schema_is_not_there_yet(
    pg_shop: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    (target,) = found(pg_shop, capsys).values()
    assert (target["target"], target["status"]) == (True, "OK")
    assert target["version"].startswith("PostgreSQL ")
    status, detail = said(target)["load"]
    assert status == "SKIP"
    assert "dbt creates it in its first run" in detail


def test_a_target_is_filled_and_left_as_it_was(shop: Project, capsys: pytest.CaptureFixture[str]) -> None:
    shop.model("one", "select 1 as n", materialized="table")
    assert shop.dvt("run")
    before = shop.tables()
    target = found(shop, capsys)[shop.target]
    kind = shop.outputs[shop.target]["type"]
    product = {"duckdb": "DuckDB ", "postgres": "PostgreSQL ", "mariadb": "MariaDB "}[kind]
    assert target["version"].startswith(product)
    assert (target["status"], said(target)["load"][0]) in {("OK", "OK"), ("WARN", "OK")}
    assert all(check["seconds"] > 0 for check in target["checks"] if check["check"] in ("connect", "load"))
    assert shop.tables() == before


def test_a_user_who_may_not_create_tables_is_told(
    pg_shop: Project, postgres: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = pg_shop.outputs[pg_shop.target]["schema"]
    with closing(postgres.owner()) as connection:
        connection.cursor().execute(f"create schema {schema}")
        connection.commit()
    target = found(pg_shop, capsys, code=False)[pg_shop.target]
    status, detail = said(target)["load"]
    assert status == "FAIL"
    assert "permission denied" in detail


def test_a_schema_that_the_user_may_not_create_is_told(
    pg_shop: Project, postgres: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    postgres.execute("create database bare template template0")
    target = {**pg_shop.outputs[pg_shop.target], "dbname": "bare"}
    pg_shop.write("profiles.yml", {"shop": {"target": "house", "outputs": {"house": target}}})
    status, detail = said(found(pg_shop, capsys, code=False)["house"])["load"]
    assert (status, "this user may not create it" in detail) == ("FAIL", True)


def test_without_a_profile_buckets_are_tested_all_the_same(
    duck_shop: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    duck_shop.write("profiles.yml", {"other": {"target": "a", "outputs": {"a": {"type": "duckdb"}}}})
    duck_shop.write("buckets.yml", {"shop": {"target": "lake", "buckets": {"lake": {"type": "filesystem"}}}})
    assert found(duck_shop, capsys, "--all", code=False) == {}
    assert (duck_shop.root / ".dvt" / "staging").exists()


def test_of_other_outputs_only_all_says_more(shop: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert set(found(shop, capsys)) == {shop.target}
    outputs = found(shop, capsys, "--all")
    assert set(outputs) == set(shop.outputs)
    lite = outputs["lite"]
    assert (lite["target"], lite["status"], said(lite)["connect"][0]) == (False, "OK", "OK")
    assert lite["version"].startswith("SQLite ")
    assert said(lite)["load"][0] == "SKIP"


def test_nothing_is_written_to_what_is_not_the_target(
    duck_shop: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    file = duck_shop.root / "ledger.duckdb"
    before = file.read_bytes()
    other = found(duck_shop, capsys, "--all")["other"]
    assert said(other)["load"] == (
        "SKIP", "not tried, since it is not the target: dvt debug --target other",
    )  # fmt: skip
    assert file.read_bytes() == before
    asked = found(duck_shop, capsys, "--target", "other")["other"]
    assert (asked["target"], said(asked)["load"][0]) == (True, "OK")


def test_an_output_that_cannot_be_reached_fails_without_its_password(
    pg_shop: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = {**pg_shop.outputs[pg_shop.target], "port": 1, "pass": "s3cr3t-of-mine"}
    outputs = {**pg_shop.outputs, "wrong": wrong}
    pg_shop.write("profiles.yml", {"shop": {"target": pg_shop.target, "outputs": outputs}})
    told = found(pg_shop, capsys, "--all", code=False)
    (connect,) = [check for check in told["wrong"]["checks"] if check["check"] == "connect"]
    assert (connect["status"], bool(connect["fix"])) == ("FAIL", True)
    assert "load" not in said(told["wrong"])
    assert "s3cr3t-of-mine" not in json.dumps(told)


def test_a_missing_privilege_is_told_with_the_grant_that_mends_it(
    pg_shop: Project, postgres: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of an output that is only read; each statement that is told is run as it stands."""
    postgres.execute(
        "drop schema if exists closed cascade",
        "create schema closed",
        "create table closed.secrets (a int)",
        "create view closed.seen as select 1 as b",
    )
    outputs = {**pg_shop.outputs, "closed": {**pg_shop.outputs["house"], "schema": "closed"}}
    pg_shop.write("profiles.yml", {"shop": {"target": "house", "outputs": outputs}})
    told: list[str] = []
    for code in (False, True, True):
        closed = found(pg_shop, capsys, "--all", code=code)["closed"]
        fixes = [check["fix"] for check in closed["checks"] if check["fix"]]
        told += fixes
        if not fixes:
            break
        postgres.execute(*fixes)
    assert [fix.partition(" ON ")[0] for fix in told] == ["GRANT USAGE", "GRANT SELECT"]
    assert said(closed)["privileges"] == ("OK", "")
    assert any(package.startswith("psycopg2") for package in closed["packages"])


def test_what_a_target_lacks_is_what_keeps_it_from_being_ready(
    pg_shop: Project, postgres: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = pg_shop.outputs["house"]["schema"]
    postgres.execute(f"create schema {schema}", f'grant usage on schema {schema} to "{POSTGRES_USER}"')
    found(pg_shop, capsys, code=False)
    capsys.readouterr()
    folders = ["--project-dir", str(pg_shop.root), "--profiles-dir", str(pg_shop.root)]
    assert not dvtRunner().invoke(["debug", *folders, "--json"]).success
    told = json.loads(capsys.readouterr().out)
    assert told["federation"] == {"ready": False, "missing": ["output house"]}
    postgres.execute(*told["fixes"])
    assert found(pg_shop, capsys)["house"]["status"] == "OK"


def test_a_privilege_of_mariadb_is_told_with_its_grant(
    my_shop: Project, mariadb: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = my_shop.outputs["house"]["schema"]
    mariadb.execute(
        "create or replace user bare@'127.0.0.1' identified by 'x'",
        f"grant select on `{schema}`.* to bare@'127.0.0.1'",
    )
    bare = {**my_shop.outputs["house"], "user": "bare", "password": "x", "consistent_reads": "lock"}
    my_shop.write("profiles.yml", {"shop": {"target": "house", "outputs": {"house": bare}}})
    target = found(my_shop, capsys, code=False)["house"]
    fixes = [check["fix"] for check in target["checks"] if check["fix"]]
    assert len(fixes) == 2
    mariadb.execute(*fixes)
    target = found(my_shop, capsys)["house"]
    assert (said(target)["privileges"][0], said(target)["load"][0]) == ("OK", "OK")


def test_schemas_of_sources_are_looked_at_with_the_grants_that_mend_them(
    pg_shop: Project, postgres: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each statement that is told is run as it stands."""
    names = [f"src_{uuid4().hex[:8]}" for _ in range(2)]
    for name in names:
        postgres.execute(f"create schema {name}", f"create table {name}.t (a int)")
    tables = [{"name": "t"}]
    config = {"connection": "house"}
    sources = [
        {"name": name, "schema": name, "tables": tables, "config": config} for name in (*names, "nowhere")
    ]
    pg_shop.write("models/closed.yml", {"sources": sources})
    assert not [check for check in said(found(pg_shop, capsys)["house"]) if check.startswith("sources in")]
    assert pg_shop.dvt("parse")
    for _ in range(2):
        house = found(pg_shop, capsys, code=False)["house"]
        fixes = [check["fix"] for check in house["checks"] if check["check"].startswith("sources in src_")]
        assert len([fix for fix in fixes if fix]) == len(names)
        postgres.execute(*fixes)
    told = said(found(pg_shop, capsys, code=False)["house"])
    assert [told[f"sources in {name}"][0] for name in (*names, "nowhere")] == ["OK", "OK", "FAIL"]
    assert "is not there" in told["sources in nowhere"][1]
