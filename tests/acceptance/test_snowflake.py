"""A project over DuckDB and an emulator of Snowflake, by the command, with dbt's own adapter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from dvt.testing.background import wait_until
from tests.acceptance.project import Project
from tests.acceptance.ways import check_ways_without_a_bucket
from tests.databases.transfers import objects

pytestmark = [pytest.mark.slow, pytest.mark.long]

JOIN = """
select o.n, o.placed, c.name
from {{ source('shop', 'orders') }} o join {{ source('crm', 'customers') }} c on o.n = c.id
"""
STORE_SECRET = "pl4nted-s3cret/+minio"


@pytest.fixture
def snowflake(databases: Any) -> Any:
    return databases("snowflake")


@pytest.fixture
def project(snowflake: Any, stores: Any, tmp_path: Any) -> Project:
    store = stores("minio")
    snowflake.execute(
        "create schema if not exists DVT_TESTS.MARTS",
        "create or replace table DVT_TESTS.MARTS.ORDERS as select n::number(38,0) as n, 'w' || n as word,"
        " '2024-02-29 10:00:00.5'::timestamp_ntz as placed from"
        " (select seq4() + 1 as n from table(generator(rowcount => 5000)))",
    )
    snowflake.control(state={"endpoint": store.endpoint, "loses_files": False, "paused": False}, clear=True)
    with duckdb.connect(str(tmp_path / "crm.duckdb")) as crm:
        crm.execute("CREATE TABLE customers AS SELECT i AS id, 'it''s \\ ' || i AS name FROM range(300) t(i)")
    outputs = {
        "wh": snowflake.settings(schema="marts", database="dvt_tests", bucket="lake", bulk_rows=0),
        "crm": {"type": "duckdb", "path": str(tmp_path / "crm.duckdb")},
        "local": {"type": "duckdb", "path": str(tmp_path / "local.duckdb")},
    }
    project = Project(tmp_path / "project", outputs, "local")
    lake = {"type": "s3", "prefix": "of dvt", **store.settings(store.new_bucket())}
    entries = {"shop": {"target": "local", "buckets": {"lake": lake}}}
    (project.root / "buckets.yml").write_text(yaml.safe_dump(entries))
    project.source("shop", "wh", ["orders"], schema="marts", database="dvt_tests")
    project.source("crm", "crm", ["customers"], schema="main")
    project.model("here", f"{JOIN} where o.n > 290")
    return project


def test_a_source_in_upper_case_arrives_through_the_bucket(project: Project, snowflake: Any) -> None:
    result = project.dvt("run").ok()
    assert result.statuses() == {"here": "success"}
    with duckdb.connect(str(project.root.parent / "local.duckdb")) as local:
        found = local.execute("SELECT count(*), min(name), min(placed)::VARCHAR FROM main.here").fetchone()
    assert found == (9, "it's \\ 291", "2024-02-29 10:00:00.5")
    (unloaded,) = [statement for statement in snowflake.sent() if statement.startswith("COPY INTO ")]
    assert '"N" > 290' in unloaded
    assert "WORD" not in unloaded
    assert [key for key in objects(project.root) if not key.endswith("_owner.json")] == []
    _shows_no_secret(project, snowflake, result.output)


def test_models_are_built_there_with_names_in_upper_case(project: Project, snowflake: Any) -> None:
    project.model("there", f"{JOIN} where o.n <= 10", target="wh")
    project.model("computed", f"{JOIN} where o.n <= 20", target="wh", dialect="duckdb", compute="duckdb")
    project.model("onward", "select n, name from {{ ref('there') }} where n > 5", target="wh")
    for _ in range(2):
        result = project.dvt("run", "--exclude", "here").ok()
        assert result.statuses() == {"there": "success", "computed": "success", "onward": "success"}
    described = snowflake.execute("describe table DVT_TESTS.MARTS.THERE")
    assert [row[:2] for row in described] == [
        ("N", "NUMBER(38,0)"), ("PLACED", "TIMESTAMP_NTZ(9)"), ("NAME", "VARCHAR(16777216)")
    ]  # fmt: skip
    assert snowflake.execute("select count(*), min(name) from DVT_TESTS.MARTS.ONWARD") == [(5, "it's \\ 10")]
    assert snowflake.execute("select count(*) from DVT_TESTS.MARTS.COMPUTED") == [(20,)]
    tables = snowflake.execute(
        "select table_name from DVT_TESTS.information_schema.tables where table_schema = 'MARTS'"
    )
    assert not [name for (name,) in tables if "dvt" in name.lower()]
    assert [key for key in objects(project.root) if not key.endswith("_owner.json")] == []
    copied = [statement for statement in snowflake.sent() if statement.startswith("COPY INTO DVT_LOAD")]
    assert all("FROM 's3://" in statement for statement in copied)
    _shows_no_secret(project, snowflake, result.output)


def test_explain_shows_the_way_and_debug_the_service(project: Project, snowflake: Any) -> None:
    output = project.dvt("explain", "--select", "here", "--format", "json").ok().output
    (here,) = json.loads(output)["nodes"]
    extractions = {node["connection"]: node for node in here["plan"]["extractions"]}
    assert extractions["wh"]["by"] == "COPY INTO through bucket 'lake' (s3): the output names it"
    assert extractions["wh"]["pushed"] == ['"N" > 290']
    assert not [statement for statement in snowflake.sent() if statement.startswith("COPY INTO ")]
    text = project.dvt("debug", "--all").output
    assert "Snowflake 10.0.0" in text
    _shows_no_secret(project, snowflake, output + text)


def test_explain_tells_what_moves_by_the_slower_way_and_what_is_little(project: Project) -> None:
    project.model("here", f"{JOIN} where o.n > 290")
    check_ways_without_a_bucket(project, "Snowflake", "rows of the client", "s3 or azure")


def test_without_a_bucket_rows_of_the_client_move_and_a_warning_says_so(
    project: Project, snowflake: Any
) -> None:
    (project.root / "buckets.yml").unlink()
    profiles = yaml.safe_load((project.root / "profiles.yml").read_text())
    del profiles["shop"]["outputs"]["wh"]["bucket"]
    (project.root / "profiles.yml").write_text(yaml.safe_dump(profiles))
    output = project.dvt("run").ok().output
    assert output.count("Native connector available for Snowflake but no bucket configured.") == 1
    assert not [statement for statement in snowflake.sent() if statement.startswith("COPY INTO ")]
    profiles["shop"]["outputs"]["wh"]["bulk_rows"] = 10_000
    (project.root / "profiles.yml").write_text(yaml.safe_dump(profiles))
    assert "DVT022" not in project.dvt("run").ok().output


def test_what_a_killed_run_has_unloaded_is_removed_by_clean(project: Project, snowflake: Any) -> None:
    snowflake.control(state={"paused": True})
    try:
        process = project.start("run")
        assert wait_until(lambda: any("_transfers" in key for key in objects(project.root)), 60)
        process.kill()
        process.communicate()
    finally:
        snowflake.control(state={"paused": False})
    snowflake.cut()  # the service ends a dead client's session by itself, after hours
    project.dvt("clean").ok()
    assert [key for key in objects(project.root) if "_transfers" in key] == []


def test_rows_that_are_missing_in_the_bucket_are_an_error(project: Project, snowflake: Any) -> None:
    snowflake.control(state={"loses_files": True})
    result = project.dvt("run")
    assert result.statuses() == {"here": "error"}
    assert "0 rows of 4710 arrived in bucket 'lake'" in result.output


def test_a_wrong_password_is_refused_by_name_and_not_shown(project: Project) -> None:
    profiles = yaml.safe_load((project.root / "profiles.yml").read_text())
    profiles["shop"]["outputs"]["wh"]["password"] = "s0me-0ther"
    (project.root / "profiles.yml").write_text(yaml.safe_dump(profiles))
    result = project.dvt("run")
    assert "DVT131" in result.output
    assert "Incorrect username or password" in result.output
    assert "s0me-0ther" not in result.output


def _shows_no_secret(project: Project, snowflake: Any, output: str) -> None:
    """Neither an output of the command nor a file that it has written has a password or a key."""
    configured = {"profiles.yml", "buckets.yml"}
    files = [path for path in project.root.rglob("*") if path.is_file() and path.name not in configured]
    texts = {str(path): path.read_bytes() for path in files} | {"output": output.encode()}
    assert any(Path(name).name == "dbt.log" for name in texts)
    for secret in (*snowflake.secrets, STORE_SECRET):
        assert [name for name, text in texts.items() if secret.encode() in text] == []
