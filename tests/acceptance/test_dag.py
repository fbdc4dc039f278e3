"""One DAG of 34 nodes over five outputs on 8 threads, again and again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.acceptance import dag, placing
from tests.acceptance.project import Project
from tests.acceptance.tpch import assert_same

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

TIMES = int(os.environ.get("DVT_TEST_DAG_TIMES", "20"))
STOPS_WITHIN = 5
"""Seconds from Ctrl-C to the end of the process."""


@pytest.fixture(scope="module")
def right() -> duckdb.DuckDBPyConnection:
    return dag.right_answers()


@pytest.fixture
def project(right: duckdb.DuckDBPyConnection, databases: Callable[[str], Any], tmp_path: Path) -> Project:
    server = databases("postgres")
    for schema in ("dag_a", "dag_b"):
        server.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    if not server.execute("SELECT 1 FROM pg_roles WHERE rolname = 'dag_second'"):
        server.execute(
            "CREATE ROLE dag_second LOGIN PASSWORD 'other'", "GRANT ALL ON DATABASE shop TO dag_second"
        )
    server.execute(
        'CREATE SCHEMA dag_a AUTHORIZATION "shop user"', "CREATE SCHEMA dag_b AUTHORIZATION dag_second"
    )
    placing.on_postgres(right, "orders", server, "dag_a")
    placing.on_postgres(right, "items", server, "dag_b")
    server.execute('GRANT SELECT ON dag_a.orders TO "shop user"', "GRANT SELECT ON dag_b.items TO dag_second")
    placing.on_sqlite(right, "customers", tmp_path / "crm.sqlite")
    placing.in_duckdb(right, "events", tmp_path / "a.duckdb")
    project = Project(
        tmp_path,
        {
            "pg_a": server.settings(schema="dag_a"),
            "pg_b": server.settings(schema="dag_b", user="dag_second", **{"pass": "other"}),
            "duck_a": {"type": "duckdb", "path": str(tmp_path / "a.duckdb")},
            "duck_b": {"type": "duckdb", "path": str(tmp_path / "b.duckdb")},
            "lite": {"type": "sqlite", "path": str(tmp_path / "crm.sqlite")},
        },
        default="duck_b",
        config={"models": {"shop": {"+materialized": "table"}}},
    )
    schemas = {"pg_a": "dag_a", "pg_b": "dag_b", "lite": "main", "duck_a": "main"}
    for table, output in dag.SOURCES.items():
        project.source(output, output, [table], schema=schemas[output])
    for step in dag.steps():
        project.model(step.name, dag.as_model(step), target=step.target)
    return project


def check(project: Project, right: duckdb.DuckDBPyConnection, server: Any) -> None:
    for step in dag.steps():
        expected = right.execute(f"FROM {step.name}").fetchall()
        match step.target:
            case "pg_a" | "pg_b":
                found = server.execute(f"SELECT * FROM {step.target.replace('pg', 'dag')}.{step.name}")
            case _:
                file = project.root / f"{step.target[-1]}.duckdb"
                with duckdb.connect(str(file), read_only=True) as connection:
                    found = connection.execute(f"FROM {step.name}").fetchall()
        assert_same(found, expected, step.name)


def stage_tables(project: Project, server: Any) -> list[str]:
    found = [
        str(name) for (name,) in server.execute(r"SELECT relname FROM pg_class WHERE relname LIKE 'dvt\_%'")
    ]
    for letter in "ab":
        file = project.root / f"{letter}.duckdb"
        if file.exists():
            with duckdb.connect(str(file), read_only=True) as connection:
                sql = "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'dvt#_%' ESCAPE '#'"
                found += [str(name) for (name,) in connection.execute(sql).fetchall()]
    return found


def test_it_is_right_every_time(project: Project, right: duckdb.DuckDBPyConnection, postgres: Any) -> None:
    for _ in range(TIMES):
        ran = project.dvt("run", "--threads", "8", timeout=240).ok()
        assert set(ran.results().values()) == {"success"}, ran.out
        assert len(ran.results()) == len(list(dag.steps()))
    check(project, right, postgres)
    assert stage_tables(project, postgres) == []
    assert not list((project.root / ".dvt" / "staging").glob("*"))


def test_retry_runs_what_failed_and_what_it_held_up(
    project: Project, right: duckdb.DuckDBPyConnection, postgres: Any
) -> None:
    broken = (project.root / "models" / "valued_pg_b.sql").read_text()
    project.file("models/valued_pg_b.sql", broken.replace("p.name", "p.nmae"))
    ran = project.dvt("run", "--threads", "8")
    assert ran.code == 1, ran.out
    assert ran.results()["valued_pg_b"] == "error"
    assert ran.results()["active_pg_b"] == "skipped"
    project.file("models/valued_pg_b.sql", broken)
    again = project.dvt("retry", "--threads", "8").ok()
    assert "valued_pg_b" in again.results()
    assert "spend_pg_a" not in again.results()
    check(project, right, postgres)


def test_fail_fast_stops_the_rest(project: Project, postgres: Any) -> None:
    project.model("slow", f"SELECT id, {postgres.sleeping(60)} AS s FROM {{{{ source('pg_a', 'orders') }}}}")
    project.model("wrong", "SELECT nmae FROM {{ source('pg_a', 'orders') }}")
    started = time.monotonic()
    ran = project.dvt("run", "--fail-fast", "--threads", "4", "--select", "slow", "wrong")
    assert ran.code == 1, ran.out
    assert time.monotonic() - started < 30, ran.out
    assert postgres.running() == []
    assert stage_tables(project, postgres) == []


def test_ctrl_c_stops_everything_at_once(project: Project, postgres: Any) -> None:
    postgres.execute(
        "CREATE OR REPLACE VIEW dag_a.lazy AS SELECT 1 AS id, (SELECT 1 FROM pg_sleep(60)) AS s",
        'GRANT SELECT ON dag_a.lazy TO "shop user"',
    )
    project.source("lazy", "pg_a", ["lazy"], schema="dag_a")
    project.model("slow", "SELECT id, s FROM {{ source('lazy', 'lazy') }}", target="duck_b")
    process = project.start("run", "--threads", "4", "--select", "slow")
    deadline = time.monotonic() + 60
    while not any("lazy" in text for text in postgres.running()):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "the query never started"
        time.sleep(0.1)
    stopped = time.monotonic()
    process.send_signal(signal.SIGINT)
    try:
        out, _ = process.communicate(timeout=STOPS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"still there after {STOPS_WITHIN} s\n{process.communicate()[0]}") from None
    assert time.monotonic() - stopped < STOPS_WITHIN
    assert process.returncode != 0, out
    assert "Traceback" not in out, out
    assert postgres.running() == []
    assert stage_tables(project, postgres) == []
