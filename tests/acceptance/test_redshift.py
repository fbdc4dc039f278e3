"""A project over DuckDB and the stand-in for Redshift, by the command, with dbt's own adapter."""

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

pytestmark = pytest.mark.slow

JOIN = """
select o.n, c.name, c.seen
from {{ source('shop', 'orders') }} o join {{ source('crm', 'customers') }} c on o.n = c.id
"""
STORE_SECRET = "pl4nted-s3cret/+minio"


@pytest.fixture
def project(redshift: Any, stores: Any, tmp_path: Any) -> Project:
    store = stores("minio")
    redshift.proxy.endpoint = store.endpoint
    redshift.proxy.statements.clear()
    redshift.execute(
        "drop schema if exists marts cascade",
        "create schema marts",
        'grant all on schema marts to "shop user"',
    )
    redshift.fill(redshift.table("orders"), 5000)
    with duckdb.connect(str(tmp_path / "crm.duckdb")) as crm:
        crm.execute("CREATE TABLE customers AS SELECT i AS id, 'it''s \\ ' || i AS name FROM range(300) t(i)")
        crm.execute("ALTER TABLE customers ADD COLUMN seen TIMESTAMP DEFAULT '2024-02-29 10:00:00.5'")
    outputs = {
        "wh": redshift.settings(schema="marts", bucket="lake", bulk_rows=0),
        "crm": {"type": "duckdb", "path": str(tmp_path / "crm.duckdb")},
        "local": {"type": "duckdb", "path": str(tmp_path / "local.duckdb")},
    }
    project = Project(tmp_path / "project", outputs, "wh")
    lake = {"type": "s3", "prefix": "of dvt", **store.settings(store.new_bucket())}
    entries = {"shop": {"target": "local", "buckets": {"lake": lake}}}
    (project.root / "buckets.yml").write_text(yaml.safe_dump(entries))
    project.source("shop", "wh", ["orders"], schema="shop")
    project.source("crm", "crm", ["customers"], schema="main")
    return project


def test_models_move_through_the_bucket_in_both_directions(project: Project, redshift: Any) -> None:
    project.model("here", f"{JOIN} where o.n > 290", target="local")
    project.model("there", f"{JOIN} where o.n <= 10")
    project.model("computed", JOIN, dialect="duckdb", compute="duckdb")
    for _ in range(2):
        result = project.dvt("run").ok()
        assert result.statuses() == {"here": "success", "there": "success", "computed": "success"}
    with duckdb.connect(str(project.root.parent / "local.duckdb")) as local:
        assert local.execute("SELECT count(*), min(name) FROM main.here").fetchone() == (9, "it's \\ 291")
    there = redshift.execute("select count(*), min(seen)::text from marts.there")
    assert there == [(10, "2024-02-29 10:00:00.5")]
    assert redshift.execute("select count(*), count(distinct name) from marts.computed") == [(299, 299)]
    assert redshift.execute("select name from marts.computed where n = 7") == [("it's \\ 7",)]
    assert (
        redshift.execute(
            "select tablename from pg_tables where schemaname = 'marts' and tablename like '%dvt%'"
        )
        == []
    )
    sent = redshift.proxy.statements
    assert sum(statement.startswith("UNLOAD ") for statement in sent) == 2
    assert not [statement for statement in sent if statement.startswith("DECLARE ")]
    assert sum(statement.startswith("COPY ") for statement in sent) == 4
    assert "word" not in next(statement for statement in sent if statement.startswith("UNLOAD "))
    assert [key for key in objects(project.root) if not key.endswith("_owner.json")] == []
    _shows_no_secret(project, redshift, result.output)


def test_explain_shows_the_way_and_the_filter_is_pushed(project: Project, redshift: Any) -> None:
    project.model("here", f"{JOIN} where o.n > 290", target="local")
    project.model("computed", JOIN, dialect="duckdb", compute="duckdb")
    (here,) = json.loads(project.dvt("explain", "--select", "here", "--format", "json").ok().output)["nodes"]
    extractions = {node["connection"]: node for node in here["plan"]["extractions"]}
    assert extractions["wh"]["by"] == "UNLOAD through bucket 'lake' (s3): the output names it"
    assert extractions["wh"]["pushed"] == ['"n" > 290']
    assert extractions["crm"]["by"] is None
    project.model("there", f"{JOIN} where o.n <= 10")
    text = project.dvt("explain", "--select", "there").ok().output
    assert "copy       to wh" in text
    assert "by: COPY through bucket 'lake' (s3): the output names it" in text
    text = project.dvt("explain", "--select", "computed").ok().output
    assert "by: COPY through bucket 'lake' (s3): the output names it" in text
    assert not [statement for statement in redshift.proxy.statements if statement.startswith("UNLOAD ")]
    _shows_no_secret(project, redshift, text)


@pytest.mark.long
def test_explain_tells_what_moves_by_the_slower_way_and_what_is_little(project: Project) -> None:
    project.model("here", f"{JOIN} where o.n > 290", target="local")
    check_ways_without_a_bucket(project, "Redshift", "rows of the driver", "s3")


def test_without_a_bucket_rows_of_the_driver_move_and_a_warning_says_so(
    project: Project, redshift: Any
) -> None:
    (project.root / "buckets.yml").unlink()
    profiles = yaml.safe_load((project.root / "profiles.yml").read_text())
    del profiles["shop"]["outputs"]["wh"]["bucket"]
    (project.root / "profiles.yml").write_text(yaml.safe_dump(profiles))
    project.model("here", JOIN, target="local")
    project.model("computed", JOIN, dialect="duckdb", compute="duckdb")
    output = project.dvt("run").ok().output
    warned = "Native connector available for Redshift but no bucket configured. Configure buckets.yml for"
    assert output.count(warned) == 1
    assert redshift.execute("select count(*), count(distinct name) from marts.computed") == [(299, 299)]
    profiles["shop"]["outputs"]["wh"]["bulk_rows"] = 10_000
    (project.root / "profiles.yml").write_text(yaml.safe_dump(profiles))
    assert "DVT022" not in project.dvt("run").ok().output


def test_what_a_killed_run_has_unloaded_is_removed_by_clean(project: Project, redshift: Any) -> None:
    project.model("here", JOIN, target="local")
    redshift.proxy.answers.clear()
    try:
        process = project.start("run")
        assert wait_until(lambda: any("_transfers" in key for key in objects(project.root)), 60)
        process.kill()
        process.communicate()
    finally:
        redshift.proxy.answers.set()
    assert any("_transfers" in key for key in objects(project.root))
    project.dvt("clean").ok()
    assert [key for key in objects(project.root) if "_transfers" in key] == []


def test_rows_that_are_missing_in_the_bucket_are_an_error(project: Project, redshift: Any) -> None:
    project.model("here", JOIN, target="local")
    redshift.proxy.loses_files = True
    try:
        result = project.dvt("run")
    finally:
        redshift.proxy.loses_files = False
    assert result.statuses() == {"here": "error"}
    assert "0 rows of 5000 arrived in bucket 'lake'" in result.output


def test_a_bucket_of_another_type_is_refused_by_name(project: Project) -> None:
    bucket = {"shop": {"buckets": {"lake": {"type": "filesystem", "path": str(project.root / "lake")}}}}
    (project.root / "buckets.yml").write_text(yaml.safe_dump(bucket))
    project.model("here", JOIN, target="local")
    result = project.dvt("run")
    assert result.code != 0
    assert "DVT219" in result.output
    assert "bucket 'lake' is of type filesystem" in result.output


def _shows_no_secret(project: Project, redshift: Any, output: str) -> None:
    """Neither an output of the command nor a file that it has written has a password or a key."""
    configured = {"profiles.yml", "buckets.yml"}
    files = [path for path in project.root.rglob("*") if path.is_file() and path.name not in configured]
    texts = {str(path): path.read_bytes() for path in files} | {"output": output.encode()}
    assert any(Path(name).name == "dbt.log" for name in texts)
    for secret in (*redshift.secrets, STORE_SECRET):
        assert [name for name, text in texts.items() if secret.encode() in text] == []


def test_debug_tries_the_way_through_the_bucket_and_leaves_nothing(project: Project, redshift: Any) -> None:
    profiles = yaml.safe_load((project.root / "profiles.yml").read_text())
    profiles["shop"]["outputs"]["wh"]["bulk_rows"] = 100_000
    (project.root / "profiles.yml").write_text(yaml.safe_dump(profiles))
    text = " ".join(project.dvt("debug").output.split())
    assert "ms by UNLOAD through bucket 'lake' (s3): the output names it" in text
    redshift.proxy.statements.clear()
    outputs = _debugged(project)
    assert outputs["read"] == ("OK", "by UNLOAD through bucket 'lake' (s3): the output names it")
    assert outputs["load"] == ("OK", "by COPY through bucket 'lake' (s3): the output names it")
    sent = redshift.proxy.statements
    assert [sum(text.startswith(f"{verb} ") for text in sent) for verb in ("UNLOAD", "COPY")] == [1, 1]
    assert [key for key in objects(project.root) if not key.endswith("_owner.json")] == []
    assert redshift.execute("select count(*) from pg_tables where schemaname = 'marts'") == [(0,)]

    buckets = yaml.safe_load((project.root / "buckets.yml").read_text())
    buckets["shop"]["buckets"]["lake"]["bucket"] = "of-nobody"
    (project.root / "buckets.yml").write_text(yaml.safe_dump(buckets))
    assert _debugged(project)["read"][0] == "FAIL"
    (project.root / "buckets.yml").unlink()
    del profiles["shop"]["outputs"]["wh"]["bucket"]
    (project.root / "profiles.yml").write_text(yaml.safe_dump(profiles))
    status, detail = _debugged(project)["read"]
    assert (status, "no bucket of type s3 is configured" in detail) == ("WARN", True)


def _debugged(project: Project) -> dict[str, tuple[str, str]]:
    said = json.loads(project.dvt("debug", "--json").output)
    (warehouse,) = said["outputs"]
    return {check["check"]: (check["status"], check["detail"]) for check in warehouse["checks"]}
