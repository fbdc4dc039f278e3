"""A project over DuckDB and the stand-in for BigQuery, by the command."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from dvt.testing.background import wait_until
from tests.acceptance.project import Project
from tests.acceptance.warehouse import Warehouse
from tests.acceptance.ways import check_ways_without_a_bucket
from tests.databases.transfers import objects

pytestmark = [pytest.mark.slow, pytest.mark.long]

JOIN = """
select o.n, c.name, c.seen
from {{ source('shop', 'orders') }} o join {{ source('crm', 'customers') }} c on o.n = c.id
"""
GOLDEN = Path(__file__).with_name("golden")


@pytest.fixture
def project(bigquery: Any, stores: Any, tmp_path: Any) -> Project:
    store = stores("fake_gcs")
    bigquery.jobs.endpoint = store.endpoint
    bigquery.jobs.all.clear()
    bigquery.api.requests.clear()
    bigquery.fill(bigquery.table("orders"), 5000)
    with duckdb.connect(str(tmp_path / "crm.duckdb")) as crm:
        crm.execute("CREATE TABLE customers AS SELECT i AS id, 'it''s \\ ' || i AS name FROM range(300) t(i)")
        crm.execute("ALTER TABLE customers ADD COLUMN seen TIMESTAMP DEFAULT '2024-02-29 10:00:00.5'")
    outputs = {
        "wh": bigquery.settings(bucket="lake", bulk_rows=0),
        "crm": {"type": "duckdb", "path": str(tmp_path / "crm.duckdb")},
        "local": {"type": "duckdb", "path": str(tmp_path / "local.duckdb")},
    }
    project = Warehouse(tmp_path / "project", outputs, "local")
    lake = {"type": "gcs", "prefix": "of dvt", **store.settings(store.new_bucket())}
    entries = {"shop": {"target": "local", "buckets": {"lake": lake}}}
    (project.root / "buckets.yml").write_text(yaml.safe_dump(entries))
    project.source("shop", "wh", ["orders"], schema="shop")
    project.source("crm", "crm", ["customers"], schema="main")
    return project


def _rows(project: Project, sql: str) -> Any:
    with duckdb.connect(str(project.root.parent / "local.duckdb")) as local:
        return local.execute(sql).fetchone()


def test_a_model_reads_through_the_bucket(project: Project, bigquery: Any) -> None:
    project.model("here", f"{JOIN} where o.n > 290")
    for _ in range(2):
        result = project.dvt("run").ok()
    assert _rows(project, "SELECT count(*), min(name) FROM main.here") == (9, "it's \\ 291")
    exports = [text for text in bigquery.statements if text.startswith("EXPORT DATA ")]
    assert len(exports) == 2
    assert "word" not in exports[0]
    assert "WHERE (`n` > 290)" in exports[0]
    assert [key for key in objects(project.root) if not key.endswith("_owner.json")] == []
    _shows_no_secret(project, bigquery, result.output)


def test_what_is_sent_is_as_in_the_golden_file(project: Project, bigquery: Any) -> None:
    project.model("here", f"{JOIN} where o.n > 290")
    project.dvt("run").ok()
    sent = [
        _without_chance(data["configuration"])
        for method, path, data in bigquery.api.requests
        if (method, path) == ("POST", "/jobs")
    ]
    golden = json.loads((GOLDEN / "bigquery_read.json").read_text())
    assert sent == golden


def test_explain_shows_the_way_and_the_filter_is_pushed(project: Project, bigquery: Any) -> None:
    project.model("here", f"{JOIN} where o.n > 290")
    (here,) = json.loads(project.dvt("explain", "--select", "here", "--format", "json").ok().output)["nodes"]
    extractions = {node["connection"]: node for node in here["plan"]["extractions"]}
    assert extractions["wh"]["by"] == "EXPORT DATA through bucket 'lake' (gcs): the output names it"
    assert extractions["wh"]["pushed"] == ["`n` > 290"]
    assert not bigquery.statements


def test_explain_tells_what_moves_by_the_slower_way_and_what_is_little(project: Project) -> None:
    project.model("here", f"{JOIN} where o.n > 290")
    check_ways_without_a_bucket(project, "BigQuery", "rows of the client", "gcs")


def test_without_a_bucket_rows_of_the_client_move_and_a_warning_says_so(
    project: Project, bigquery: Any
) -> None:
    (project.root / "buckets.yml").unlink()
    profiles = yaml.safe_load((project.root / "profiles.yml").read_text())
    del profiles["shop"]["outputs"]["wh"]["bucket"]
    (project.root / "profiles.yml").write_text(yaml.safe_dump(profiles))
    project.model("here", JOIN)
    output = project.dvt("run").ok().output
    warned = "Native connector available for BigQuery but no bucket configured. Configure buckets.yml for"
    assert output.count(warned) == 1
    assert _rows(project, "SELECT count(*), count(DISTINCT name) FROM main.here") == (299, 299)
    profiles["shop"]["outputs"]["wh"]["bulk_rows"] = 10_000
    (project.root / "profiles.yml").write_text(yaml.safe_dump(profiles))
    assert "DVT022" not in project.dvt("run").ok().output


def test_what_a_killed_run_has_exported_is_removed_by_clean(project: Project, bigquery: Any) -> None:
    project.model("here", JOIN)
    bigquery.jobs.answers.clear()
    try:
        process = project.start("run")
        assert wait_until(lambda: any("_transfers" in key for key in objects(project.root)), 60)
        process.kill()
        process.communicate()
    finally:
        bigquery.jobs.answers.set()
    assert any("_transfers" in key for key in objects(project.root))
    project.dvt("clean").ok()
    assert [key for key in objects(project.root) if "_transfers" in key] == []


def test_rows_that_are_missing_in_the_bucket_are_an_error(project: Project, bigquery: Any) -> None:
    project.model("here", JOIN)
    bigquery.jobs.loses_files = True
    try:
        result = project.dvt("run")
    finally:
        bigquery.jobs.loses_files = False
    assert result.statuses() == {"here": "error"}
    assert "0 rows of 5000 arrived in bucket 'lake'" in result.output


def test_dbt_publishes_what_was_loaded(project: Project, bigquery: Any) -> None:
    project.model("there", f"{JOIN} where o.n <= 10", target="wh")
    project.model("computed", JOIN, target="wh", dialect="duckdb", compute="duckdb", materialized="table")
    for _ in range(2):
        result = project.dvt("run").ok()
    rows = bigquery.execute("select count(*), min(seen) from `shop`.`there`")
    assert [(count, str(seen)) for count, seen in rows] == [(10, "2024-02-29 10:00:00.500000")]
    assert bigquery.execute("select count(*), count(distinct name) from `shop`.`computed`") == [(299, 299)]
    assert [row[0] for row in bigquery.execute("select name from `shop`.`computed` where n = 7")] == [
        "it's \\ 7"
    ]
    loads = [job for job in bigquery.jobs.all.values() if "load" in job.configuration]
    assert len(loads) == 4
    assert all(job.configuration["load"]["sourceUris"] for job in loads)
    _shows_no_secret(project, bigquery, result.output)
    assert _stage_tables(bigquery) == []


def test_the_stage_table_of_a_killed_run_is_dropped_by_the_next(project: Project, bigquery: Any) -> None:
    project.model("computed", JOIN, target="wh", dialect="duckdb", compute="duckdb", materialized="table")
    bigquery.jobs.loads.clear()
    process = project.start("run")
    try:
        assert wait_until(lambda: bool(_stage_tables(bigquery)), 90)
    finally:
        process.kill()
        process.communicate()
        bigquery.jobs.loads.set()
    assert _stage_tables(bigquery)
    project.dvt("run").ok()
    assert _stage_tables(bigquery) == []


def test_debug_tries_the_way_through_the_bucket_and_says_what_grants_it(
    project: Project, bigquery: Any
) -> None:
    profiles = yaml.safe_load((project.root / "profiles.yml").read_text())
    profiles["shop"]["target"] = "wh"
    profiles["shop"]["outputs"]["wh"]["bulk_rows"] = 100_000
    (project.root / "profiles.yml").write_text(yaml.safe_dump(profiles))
    found = _debugged(project)
    assert found["read"] == ("OK", "by EXPORT DATA through bucket 'lake' (gcs): the output names it", "")
    assert found["load"] == ("OK", "by load job through bucket 'lake' (gcs): the output names it", "")
    kinds = [text.partition(" ")[0] for text in bigquery.statements] + [
        "load" for job in bigquery.jobs.all.values() if "load" in job.configuration
    ]
    assert [kinds.count(kind) for kind in ("EXPORT", "load")] == [1, 1]
    assert [key for key in objects(project.root) if not key.endswith("_owner.json")] == []
    assert _stage_tables(bigquery) == []
    for lacked, check, role in (
        ("bigquery.jobs.create", "connect", "roles/bigquery.jobUser"),
        ("storage.objects.list", "read", "roles/storage.objectAdmin"),
    ):
        bigquery.jobs.lacks = lacked
        try:
            status, detail, fix = _debugged(project)[check]
        finally:
            bigquery.jobs.lacks = ""
        assert (status, lacked in detail, role in fix) == ("FAIL", True, True)
    (project.root / "buckets.yml").unlink()
    del profiles["shop"]["outputs"]["wh"]["bucket"]
    (project.root / "profiles.yml").write_text(yaml.safe_dump(profiles))
    status, detail, fix = _debugged(project)["read"]
    assert (status, "no bucket of type gcs is configured" in detail) == ("WARN", True)
    assert fix == "add a bucket to buckets.yml that it reaches"


def _debugged(project: Project) -> dict[str, tuple[str, str, str]]:
    output = project.dvt("debug", "--json").output
    said = json.loads(output[output.index("{") :])  # dbt-bigquery tells of a failure before
    (warehouse,) = said["outputs"]
    failed = [check["check"] for check in warehouse["checks"] if check["status"] == "FAIL"]
    assert said["federation"]["ready"] == (not failed)
    return {check["check"]: (check["status"], check["detail"], check["fix"]) for check in warehouse["checks"]}


def _stage_tables(bigquery: Any) -> list[str]:
    return [key[2] for key in list(bigquery.jobs.tables.all) if key[2].startswith("dvt_")]


def _without_chance(configuration: dict[str, Any]) -> dict[str, Any]:
    """Return a job's configuration without its run and its moment."""
    text = json.dumps(configuration)
    text = re.sub(r"gs://[^*']*/rows", "gs://…/rows", text)
    return dict(json.loads(re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00", "‹moment›", text)))


def _shows_no_secret(project: Project, bigquery: Any, output: str) -> None:
    """Neither an output of the command nor a file that it has written has a token."""
    configured = {"profiles.yml", "buckets.yml"}
    files = [path for path in project.root.rglob("*") if path.is_file() and path.name not in configured]
    texts = {str(path): path.read_bytes() for path in files} | {"output": output.encode()}
    assert any(Path(name).name == "dbt.log" for name in texts)
    for secret in bigquery.secrets:
        assert [name for name, text in texts.items() if secret.encode() in text] == []
