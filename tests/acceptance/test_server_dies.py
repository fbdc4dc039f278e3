"""A server that dies in the middle: one clear error, the targets as before, and right when it is back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.acceptance.project import Project, Ran
from tests.databases.postgres import postgres

pytestmark = pytest.mark.slow

ANSWERS_WITHIN = 60
"""Seconds from the server's death to the end of the command."""


@pytest.fixture
def server() -> Iterator[Any]:
    """A server of this test's own, since it will be killed."""
    with postgres() as running:
        running.execute(
            "CREATE VIEW drip AS SELECT n AS id, pg_sleep(0.01)::text AS s FROM generate_series(1, 100000) n",
            "CREATE TABLE quick AS SELECT 1 AS id",
        )
        yield running


@pytest.fixture
def shop(server: Any, tmp_path: Path) -> Project:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as warehouse:
        warehouse.execute("CREATE TABLE out_of_pg AS SELECT 'old' AS was")
        warehouse.execute(
            "CREATE TABLE many AS SELECT i AS id, repeat('x', 200) AS w FROM range(3000000) t(i)"
        )
    outputs = {
        "pg": server.settings(schema="marts"),
        "warehouse": {"type": "duckdb", "path": str(tmp_path / "warehouse.duckdb")},
    }
    project = Project(tmp_path, outputs, default="warehouse")
    project.source("pg", "pg", ["drip", "quick"], schema="shop")
    project.source("wh", "warehouse", ["many"], schema="main")
    project.model("out_of_pg", "SELECT id FROM {{ source('pg', 'drip') }} WHERE s = ''", materialized="table")
    project.model(
        "into_pg", "SELECT id, w FROM {{ source('wh', 'many') }}", materialized="table", target="pg"
    )
    return project


def dies_when(project: Project, server: Any, model: str, under_way: Callable[[], bool]) -> Ran:
    """Run a model, kill the server once the model is where it should be, and see the run end."""
    process = project.start("run", "--select", model)
    deadline = time.monotonic() + 120
    while not under_way():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "it never came so far"
        time.sleep(0.02)
    server.kill()
    died = time.monotonic()
    out, _ = process.communicate(timeout=120)
    assert time.monotonic() - died < ANSWERS_WITHIN, out
    return Ran(process.returncode, out, project.root)


def assert_one_error(ran: Ran, model: str) -> None:
    assert ran.code == 1, ran.out
    assert "DVT132" in ran.out, ran.out
    assert f"models/{model}.sql" in ran.out
    assert "'pg'" in ran.out
    assert "hint:" in ran.out
    assert "Traceback" not in ran.out


def test_during_an_extraction(shop: Project, server: Any) -> None:
    ran = dies_when(shop, server, "out_of_pg", lambda: any("drip" in one for one in server.running()))
    assert_one_error(ran, "out_of_pg")
    with duckdb.connect(str(shop.root / "warehouse.duckdb"), read_only=True) as warehouse:
        assert warehouse.execute("FROM out_of_pg").fetchall() == [("old",)]
        assert not warehouse.execute("FROM duckdb_tables() WHERE table_name LIKE 'dvt%'").fetchall()


def test_during_a_load(shop: Project, server: Any) -> None:
    ran = dies_when(shop, server, "into_pg", lambda: any("COPY" in one for one in server.running()))
    assert_one_error(ran, "into_pg")
    server.start_again()
    assert server.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'marts'") == []
    shop.dvt("run", "--select", "into_pg").ok()
    assert server.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'marts'") == [("into_pg",)]
    assert server.execute("SELECT count(*) FROM marts.into_pg") == [(3_000_000,)]
