"""A server that dies during a run: one clear error, targets as before, and a right run when it is back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.acceptance.project import CommandResult, Project
from tests.databases.postgres import postgres

pytestmark = pytest.mark.slow

END_TIMEOUT = 60
"""Seconds from the server's death to the end of the command, at most."""


@pytest.fixture
def server() -> Iterator[Any]:
    """Run a server for this test alone, which kills it."""
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


def kill_server_when(
    project: Project, server: Any, model: str, is_running: Callable[[], bool]
) -> CommandResult:
    """Run a model, kill the server once `is_running` holds, and return the command's result."""
    process = project.start("run", "--select", model)
    deadline = time.monotonic() + 120
    while not is_running():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "the query never ran"
        time.sleep(0.02)
    server.kill()
    return project.finish(process, END_TIMEOUT)


def assert_one_error(result: CommandResult, model: str) -> None:
    assert result.code == 1, result.output
    assert "DVT132" in result.output, result.output
    assert f"models/{model}.sql" in result.output
    assert "'pg'" in result.output
    assert "hint:" in result.output
    assert "Traceback" not in result.output


def test_a_server_that_dies_during_an_extraction_is_one_clear_error(shop: Project, server: Any) -> None:
    # What planning asks of the relation comes earlier, and is not the extraction.
    def is_extracting() -> bool:
        return any("COPY" in query and "drip" in query for query in server.running())

    result = kill_server_when(shop, server, "out_of_pg", is_extracting)
    assert_one_error(result, "out_of_pg")
    with duckdb.connect(str(shop.root / "warehouse.duckdb"), read_only=True) as warehouse:
        assert warehouse.execute("FROM out_of_pg").fetchall() == [("old",)]
        assert not warehouse.execute("FROM duckdb_tables() WHERE table_name LIKE 'dvt%'").fetchall()


def test_a_server_that_dies_during_a_load_is_one_clear_error(shop: Project, server: Any) -> None:
    result = kill_server_when(
        shop, server, "into_pg", lambda: any("COPY" in query for query in server.running())
    )
    assert_one_error(result, "into_pg")
    server.start_again()
    assert server.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'marts'") == []
    shop.dvt("run", "--select", "into_pg").ok()
    assert server.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'marts'") == [("into_pg",)]
    assert server.execute("SELECT count(*) FROM marts.into_pg") == [(3_000_000,)]
