"""A project that reads the stand-in for BigQuery by the Storage Read API, by the command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from tests.acceptance.project import Project
from tests.acceptance.warehouse import Warehouse
from tests.databases.bigquery_storage import StorageReads, storage_reads

pytestmark = [pytest.mark.slow, pytest.mark.long]

JOIN = """
select o.n, o.word, c.name
from {{ source('shop', 'orders') }} o join {{ source('crm', 'customers') }} c on o.n = c.id
where o.n > 290
"""
BY = "Storage Read API: reads: storage_api"


@pytest.fixture
def streams(bigquery: Any) -> Iterator[StorageReads]:
    pytest.importorskip("google.cloud.bigquery_storage_v1")
    with storage_reads(bigquery.jobs) as service:
        yield service


@pytest.fixture
def project(bigquery: Any, streams: StorageReads, tmp_path: Path) -> Project:
    """Return a project that has no bucket, and whose models are on DuckDB."""
    bigquery.jobs.all.clear()
    bigquery.fill(bigquery.table("orders"), 5000)
    with duckdb.connect(str(tmp_path / "crm.duckdb")) as crm:
        crm.execute(
            "CREATE TABLE customers AS SELECT i AS id, 'it''s \\ ' || i AS name FROM range(4000) t(i)"
        )
    reads = {"reads": "storage_api", "storage_api_endpoint": streams.endpoint, "bulk_rows": 0}
    outputs = {
        "wh": bigquery.settings(**reads),
        "crm": {"type": "duckdb", "path": str(tmp_path / "crm.duckdb")},
        "local": {"type": "duckdb", "path": str(tmp_path / "local.duckdb")},
    }
    project = Warehouse(tmp_path / "project", outputs, "local")
    project.source("shop", "wh", ["orders"], schema="shop")
    project.source("crm", "crm", ["customers"], schema="main")
    project.model("here", JOIN, materialized="table")
    return project


def rows(project: Project, sql: str) -> Any:
    with duckdb.connect(str(project.root.parent / "local.duckdb")) as local:
        return local.execute(sql).fetchone()


def test_a_model_reads_by_streams_as_explain_and_debug_say(
    project: Project, bigquery: Any, streams: StorageReads
) -> None:
    (here,) = json.loads(project.dvt("explain", "--format", "json").ok().output)["nodes"]
    (extraction,) = [each for each in here["plan"]["extractions"] if each["connection"] == "wh"]
    assert extraction["by"] == BY
    assert extraction["pushed"] == ["`n` > 290"]
    assert not streams.sessions
    for _ in range(2):
        output = project.dvt("run").ok().output
    (session, _) = streams.sessions
    assert session.max_stream_count == 4
    assert len(set(streams.streams)) == 8
    assert not [text for text in bigquery.statements if text.startswith("EXPORT DATA ")]
    assert "DVT022" not in output
    totals = "SELECT count(*), count(DISTINCT name), sum(n), min(word) FROM main.here"
    first = f"{291:048}{291 * 7919:048}"
    assert rows(project, totals) == (3709, 3709, sum(range(291, 4000)), first)
    assert f"by {BY}" in project.dvt("debug", "--all").output
    for secret in bigquery.secrets:
        assert secret not in output


def test_rows_that_do_not_arrive_are_an_error_and_the_old_table_stays(
    project: Project, streams: StorageReads
) -> None:
    project.dvt("run").ok()
    streams.loses_rows = True
    result = project.dvt("run")
    assert result.statuses() == {"here": "error"}
    assert "rows of 4710" in result.output
    assert rows(project, "SELECT count(*) FROM main.here") == (3709,)


def test_little_is_read_by_the_client(project: Project, streams: StorageReads) -> None:
    profiles = yaml.safe_load((project.root / "profiles.yml").read_text())
    profiles["shop"]["outputs"]["wh"]["bulk_rows"] = 10_000
    (project.root / "profiles.yml").write_text(yaml.safe_dump(profiles))
    project.dvt("run").ok()
    assert not streams.sessions
    assert rows(project, "SELECT count(*) FROM main.here") == (3709,)
