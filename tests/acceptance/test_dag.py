"""One DAG of 34 nodes over five outputs on 8 threads, again and again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.acceptance import dag, placing
from tests.acceptance.project import Project
from tests.acceptance.tpch import assert_same
from tests.databases.mariadb import USER as MARIADB_USER

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

TIMES = {"postgres": 20, "mariadb": 5}
"""DVT_TEST_DAG_TIMES says another number for both."""
STOPS_WITHIN = 60
"""Seconds from Ctrl-C to the end of the process."""


@pytest.fixture(scope="module")
def right() -> duckdb.DuckDBPyConnection:
    return dag.right_answers()


@dataclass(frozen=True)
class Pair:
    """Two outputs of one type, on one server: two schemas, and two users."""

    server: Any
    outputs: Mapping[str, Mapping[str, Any]]
    reader: str
    """The first output's user, in SQL."""


def two_on_postgres(right: duckdb.DuckDBPyConnection, server: Any) -> Pair:
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
    outputs = {
        "server_a": server.settings(schema="dag_a"),
        "server_b": server.settings(schema="dag_b", user="dag_second", **{"pass": "other"}),
    }
    return Pair(server, outputs, '"shop user"')


def two_on_mariadb(right: duckdb.DuckDBPyConnection, server: Any) -> Pair:
    server.execute("CREATE USER IF NOT EXISTS dag_second@'127.0.0.1' IDENTIFIED BY 'other'")
    for schema, user in (("dag_a", MARIADB_USER), ("dag_b", "dag_second")):
        server.execute(
            f"DROP SCHEMA IF EXISTS {schema}",
            f"CREATE SCHEMA {schema} CHARACTER SET utf8mb4",
            f"GRANT ALL ON {schema}.* TO '{user}'@'127.0.0.1'",
        )
    placing.on_mariadb(right, "orders", server, "dag_a")
    placing.on_mariadb(right, "items", server, "dag_b")
    outputs = {
        "server_a": server.settings(schema="dag_a"),
        "server_b": server.settings(schema="dag_b", user="dag_second", password="other"),
    }
    return Pair(server, outputs, f"'{MARIADB_USER}'@'127.0.0.1'")


PAIRS = {"postgres": two_on_postgres, "mariadb": two_on_mariadb}


@pytest.fixture(params=list(PAIRS))
def pair(
    request: pytest.FixtureRequest, right: duckdb.DuckDBPyConnection, databases: Callable[[str], Any]
) -> Pair:
    return PAIRS[request.param](right, databases(request.param))


@pytest.fixture
def project(right: duckdb.DuckDBPyConnection, pair: Pair, tmp_path: Path) -> Project:
    placing.on_sqlite(right, "customers", tmp_path / "crm.sqlite")
    placing.in_duckdb(right, "events", tmp_path / "a.duckdb")
    project = Project(
        tmp_path,
        {
            **pair.outputs,
            "duck_a": {"type": "duckdb", "path": str(tmp_path / "a.duckdb")},
            "duck_b": {"type": "duckdb", "path": str(tmp_path / "b.duckdb")},
            "lite": {"type": "sqlite", "path": str(tmp_path / "crm.sqlite")},
        },
        default="duck_b",
        config={"models": {"shop": {"+materialized": "table"}}},
    )
    schemas = {"server_a": "dag_a", "server_b": "dag_b", "lite": "main", "duck_a": "main"}
    for table, output in dag.SOURCES.items():
        project.source(output, output, [table], schema=schemas[output])
    for step in dag.steps():
        project.model(step.name, dag.as_model(step), target=step.target)
    return project


def check(project: Project, right: duckdb.DuckDBPyConnection, pair: Pair) -> None:
    for step in dag.steps():
        expected = right.execute(f"FROM {step.name}").fetchall()
        match step.target:
            case "server_a" | "server_b":
                schema = step.target.replace("server", "dag")
                found = pair.server.execute(f"SELECT * FROM {schema}.{step.name}")
            case _:
                file = project.root / f"{step.target[-1]}.duckdb"
                with duckdb.connect(str(file), read_only=True) as connection:
                    found = connection.execute(f"FROM {step.name}").fetchall()
        assert_same(found, expected, step.name)


def stage_tables(project: Project, pair: Pair) -> list[str]:
    asked = "SELECT table_name FROM information_schema.tables WHERE table_schema IN ('dag_a', 'dag_b')"
    found = [str(name) for (name,) in pair.server.execute(asked) if str(name).startswith("dvt_")]
    for letter in "ab":
        file = project.root / f"{letter}.duckdb"
        if file.exists():
            with duckdb.connect(str(file), read_only=True) as connection:
                sql = "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'dvt#_%' ESCAPE '#'"
                found += [str(name) for (name,) in connection.execute(sql).fetchall()]
    return found


def test_it_is_right_every_time(project: Project, right: duckdb.DuckDBPyConnection, pair: Pair) -> None:
    for _ in range(int(os.environ.get("DVT_TEST_DAG_TIMES", TIMES[pair.server.name]))):
        ran = project.dvt("run", "--threads", "8", timeout=240).ok()
        assert set(ran.results().values()) == {"success"}, ran.out
        assert len(ran.results()) == len(list(dag.steps()))
    check(project, right, pair)
    assert stage_tables(project, pair) == []
    assert not list((project.root / ".dvt" / "staging").glob("*"))


def test_retry_runs_what_failed_and_what_it_held_up(
    project: Project, right: duckdb.DuckDBPyConnection, pair: Pair
) -> None:
    broken = (project.root / "models" / "valued_server_b.sql").read_text()
    project.file("models/valued_server_b.sql", broken.replace("p.name", "p.nmae"))
    ran = project.dvt("run", "--threads", "8")
    assert ran.code == 1, ran.out
    assert ran.results()["valued_server_b"] == "error"
    assert ran.results()["active_server_b"] == "skipped"
    project.file("models/valued_server_b.sql", broken)
    again = project.dvt("retry", "--threads", "8").ok()
    assert "valued_server_b" in again.results()
    assert "spend_server_a" not in again.results()
    check(project, right, pair)


def test_fail_fast_stops_the_rest(project: Project, pair: Pair) -> None:
    project.model(
        "slow", f"SELECT id, {pair.server.sleeping(240)} AS s FROM {{{{ source('server_a', 'orders') }}}}"
    )
    project.model("wrong", "SELECT nmae FROM {{ source('server_a', 'orders') }}")
    started = time.monotonic()
    ran = project.dvt("run", "--fail-fast", "--threads", "4", "--select", "slow", "wrong")
    assert ran.code == 1, ran.out
    assert time.monotonic() - started < 120, ran.out
    assert pair.server.running() == []
    assert stage_tables(project, pair) == []


def test_ctrl_c_stops_everything_at_once(project: Project, pair: Pair) -> None:
    pair.server.execute(
        f"CREATE OR REPLACE VIEW dag_a.lazy AS SELECT 1 AS id, {pair.server.sleeping(240)} AS s",
        f"GRANT SELECT ON dag_a.lazy TO {pair.reader}",
    )
    project.source("lazy", "server_a", ["lazy"], schema="dag_a")
    project.model("slow", "SELECT id, s FROM {{ source('lazy', 'lazy') }}", target="duck_b")
    process = project.start("run", "--threads", "4", "--select", "slow")
    deadline = time.monotonic() + 120
    while not any("lazy" in text for text in pair.server.running()):
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
    assert pair.server.running() == []
    assert stage_tables(project, pair) == []
