"""A DAG of 34 models over five outputs, run many times on 8 threads."""

from __future__ import annotations

import os
import re
import signal
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

RUNS = {"postgres": 2, "mariadb": 2}
"""Runs of the DAG on each kind of server; DVT_TEST_DAG_TIMES replaces both numbers (`make test-long`)."""
_DESCRIBES = re.compile("TEMPORARY VIEW|LIMIT 0|EXPLAIN")
"""Matches statements that describe or estimate an answer, and do not compute it."""
STOP_TIMEOUT = 15
"""Seconds from Ctrl-C to the end of the process, at most: 10 are documented, a busy machine may take more."""
AT_SOURCE = ("postgres", "usual_mariadb")
"""Servers that compute models for another output of their kind."""


@pytest.fixture(scope="module")
def expected() -> duckdb.DuckDBPyConnection:
    return dag.expected_tables()


@dataclass(frozen=True)
class Pair:
    """Two outputs of one type on one server: two schemas and two users."""

    server: Any
    outputs: Mapping[str, Mapping[str, Any]]
    reader: str
    """The first output's user, as SQL names it."""


def postgres_pair(expected: duckdb.DuckDBPyConnection, server: Any) -> Pair:
    for schema in ("dag_a", "dag_b"):
        server.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    if not server.execute("SELECT 1 FROM pg_roles WHERE rolname = 'dag_second'"):
        server.execute(
            "CREATE ROLE dag_second LOGIN PASSWORD 'other'", "GRANT ALL ON DATABASE shop TO dag_second"
        )
    server.execute(
        'CREATE SCHEMA dag_a AUTHORIZATION "shop user"', "CREATE SCHEMA dag_b AUTHORIZATION dag_second"
    )
    placing.on_postgres(expected, "orders", server, "dag_a")
    placing.on_postgres(expected, "items", server, "dag_b")
    server.execute('GRANT SELECT ON dag_a.orders TO "shop user"', "GRANT SELECT ON dag_b.items TO dag_second")
    outputs = {
        "server_a": server.settings(schema="dag_a"),
        "server_b": server.settings(schema="dag_b", user="dag_second", **{"pass": "other"}),
    }
    return Pair(server, outputs, '"shop user"')


def mariadb_pair(expected: duckdb.DuckDBPyConnection, server: Any) -> Pair:
    server.execute("CREATE USER IF NOT EXISTS dag_second@'127.0.0.1' IDENTIFIED BY 'other'")
    for schema, user in (("dag_a", MARIADB_USER), ("dag_b", "dag_second")):
        server.execute(
            f"DROP SCHEMA IF EXISTS {schema}",
            f"CREATE SCHEMA {schema} CHARACTER SET utf8mb4",
            f"GRANT ALL ON {schema}.* TO '{user}'@'127.0.0.1'",
        )
    placing.on_mariadb(expected, "orders", server, "dag_a")
    placing.on_mariadb(expected, "items", server, "dag_b")
    outputs = {
        "server_a": server.settings(schema="dag_a"),
        "server_b": server.settings(schema="dag_b", user="dag_second", password="other"),
    }
    return Pair(server, outputs, f"'{MARIADB_USER}'@'127.0.0.1'")


PAIRS = {"postgres": postgres_pair, "mariadb": mariadb_pair, "usual_mariadb": mariadb_pair}


@pytest.fixture(params=["postgres", "mariadb"])
def pair(
    request: pytest.FixtureRequest, expected: duckdb.DuckDBPyConnection, databases: Callable[[str], Any]
) -> Pair:
    return PAIRS[request.param](expected, databases(request.param))


@pytest.fixture
def project(expected: duckdb.DuckDBPyConnection, pair: Pair, tmp_path: Path) -> Project:
    placing.on_sqlite(expected, "customers", tmp_path / "crm.sqlite")
    placing.in_duckdb(expected, "events", tmp_path / "a.duckdb")
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


def assert_tables_are_right(project: Project, expected: duckdb.DuckDBPyConnection, pair: Pair) -> None:
    for step in dag.steps():
        rows = expected.execute(f"FROM {step.name}").fetchall()
        match step.target:
            case "server_a" | "server_b":
                schema = step.target.replace("server", "dag")
                actual = pair.server.execute(f"SELECT * FROM {schema}.{step.name}")
            case _:
                file = project.root / f"{step.target[-1]}.duckdb"
                with duckdb.connect(str(file), read_only=True) as connection:
                    actual = connection.execute(f"FROM {step.name}").fetchall()
        assert_same(actual, rows, step.name)


def stage_tables(project: Project, pair: Pair) -> list[str]:
    sql = "SELECT table_name FROM information_schema.tables WHERE table_schema IN ('dag_a', 'dag_b')"
    tables = [str(name) for (name,) in pair.server.execute(sql) if str(name).startswith("dvt_")]
    for letter in "ab":
        file = project.root / f"{letter}.duckdb"
        if file.exists():
            with duckdb.connect(str(file), read_only=True) as connection:
                sql = "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'dvt#_%' ESCAPE '#'"
                tables += [str(name) for (name,) in connection.execute(sql).fetchall()]
    return tables


def test_repeated_runs_of_the_dag_give_the_right_tables(
    project: Project, expected: duckdb.DuckDBPyConnection, pair: Pair
) -> None:
    for _ in range(int(os.environ.get("DVT_TEST_DAG_TIMES", RUNS[pair.server.name]))):
        result = project.dvt("run", "--threads", "8", timeout=240).ok()
        assert set(result.statuses().values()) == {"success"}, result.output
        assert len(result.statuses()) == len(list(dag.steps()))
    assert_tables_are_right(project, expected, pair)
    assert stage_tables(project, pair) == []
    assert not list((project.root / ".dvt" / "staging").glob("*"))


def test_retry_runs_the_failed_model_and_not_the_successful_ones(
    project: Project, expected: duckdb.DuckDBPyConnection, pair: Pair
) -> None:
    original = (project.root / "models" / "valued_server_b.sql").read_text()
    project.file("models/valued_server_b.sql", original.replace("p.name", "p.nmae"))
    result = project.dvt("run", "--threads", "8")
    assert result.code == 1, result.output
    assert result.statuses()["valued_server_b"] == "error"
    assert result.statuses()["active_server_b"] == "skipped"
    project.file("models/valued_server_b.sql", original)
    retry = project.dvt("retry", "--threads", "8").ok()
    assert "valued_server_b" in retry.statuses()
    assert "spend_server_a" not in retry.statuses()
    assert_tables_are_right(project, expected, pair)


def test_fail_fast_stops_the_other_running_models(project: Project, pair: Pair) -> None:
    project.model(
        "slow", f"SELECT id, {pair.server.sleeping(240)} AS s FROM {{{{ source('server_a', 'orders') }}}}"
    )
    project.model("wrong", "SELECT nmae FROM {{ source('server_a', 'orders') }}")
    started = time.monotonic()
    result = project.dvt("run", "--fail-fast", "--threads", "4", "--select", "slow", "wrong")
    assert result.code == 1, result.output
    assert time.monotonic() - started < 120, result.output
    assert pair.server.running() == []
    assert stage_tables(project, pair) == []


def test_ctrl_c_ends_the_command_and_its_query(project: Project, pair: Pair) -> None:
    make_lazy(pair, f"SELECT 1 AS id, {pair.server.sleeping(240)} AS s")
    end_by_ctrl_c(project, pair, target="duck_b")


@pytest.mark.parametrize("pair", AT_SOURCE, indirect=True)
@pytest.mark.parametrize("seconds", [240, 0.05], ids=["first row", "later rows"])
def test_ctrl_c_ends_a_source_that_computes_and_keeps_the_old_table(
    project: Project, pair: Pair, seconds: float
) -> None:
    """Later rows move while the server computes further ones, as far as it sends them before the last."""
    each = pair.server.sleeping(seconds).replace(str(seconds), f"{seconds} + 0 * id")  # not once for all rows
    make_lazy(pair, f"SELECT id, cast({each} as char(1)) AS s FROM dag_a.orders")
    pair.server.execute("CREATE TABLE dag_b.slow AS SELECT 1 AS id, 'old' AS s")
    end_by_ctrl_c(project, pair, target="server_b", compute="source")
    assert pair.server.execute("SELECT * FROM dag_b.slow") == [(1, "old")]


def make_lazy(pair: Pair, select: str) -> None:
    """Make a view whose rows take long."""
    pair.server.execute(
        f"CREATE OR REPLACE VIEW dag_a.lazy AS {select}", f"GRANT SELECT ON dag_a.lazy TO {pair.reader}"
    )


def end_by_ctrl_c(project: Project, pair: Pair, **config: str) -> None:
    """Press Ctrl-C amid the query of a model over `lazy`; assert that the command ends and leaves nothing."""
    project.source("lazy", "server_a", ["lazy"], schema="dag_a")
    project.model("slow", "SELECT id, s FROM {{ source('lazy', 'lazy') }}", **config)
    process = project.start("run", "--threads", "4", "--select", "slow")
    deadline = time.monotonic() + 120
    while not any("lazy" in text and not _DESCRIBES.search(text) for text in pair.server.running()):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "the query never started"
        time.sleep(0.1)
    time.sleep(2)
    assert process.poll() is None, process.communicate()[0]
    process.send_signal(signal.SIGINT)
    result = project.finish(process, STOP_TIMEOUT)
    assert result.code != 0, result.output
    assert "Traceback" not in result.output, result.output
    assert pair.server.running() == []
    assert stage_tables(project, pair) == []
