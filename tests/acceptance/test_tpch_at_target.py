"""All 22 TPC-H queries computed on their target, over copies, give the rows and types of one database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.acceptance import placing, tpch
from tests.acceptance.project import Project
from tests.acceptance.test_tpch import (
    MARIADB_Q13,
    compute_natively,
    mariadb_table,
    place,
    project_of,
    stages_of,
    without_lengths,
    write_models,
)
from tests.databases.mariadb import USER as MARIADB_USER

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def single() -> Iterator[duckdb.DuckDBPyConnection]:
    """Return the single engine, with all tables, placed apart."""
    with tpch.generate(0.01) as connection:
        yield connection


@pytest.fixture(scope="module")
def placement(
    single: duckdb.DuckDBPyConnection,
    databases: Callable[[str], Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, dict[str, str]]:
    return place(single, "apart", databases, tmp_path_factory.mktemp("tpch"))


def run_all(project: Project, texts: Mapping[str, str]) -> None:
    """Run the 22 models on their target; each table is extracted once, and copied once."""
    write_models(project, texts, compute="target")
    result = project.dvt("run", "--threads", "2", timeout=600).ok()
    assert result.statuses() == dict.fromkeys(texts, "success"), result.output
    stages = stages_of(project)
    assert not any(stage["what"] == "compute" for model in stages.values() for stage in model)
    loads = [stage for model in stages.values() for stage in model if stage["what"] == "load"]
    extracted = [
        stage
        for model in stages.values()
        for stage in model
        if stage["what"] == "extract" and not stage["reused"]
    ]
    assert len(loads) == len(extracted) == len(tpch.TABLES)


def test_on_duckdb(
    placement: tuple[Path, dict[str, str]],
    single: duckdb.DuckDBPyConnection,
    databases: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    queries = tpch.queries(single)
    run_all(project_of(tmp_path, placement, databases, "warehouse"), queries)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as warehouse:
        for name, query in queries.items():
            expected, actual = single.sql(query), warehouse.sql(f"FROM {name}")
            assert (actual.columns, actual.types) == (expected.columns, expected.types), name
            tpch.assert_same(actual.fetchall(), expected.fetchall(), name)
        names = "SELECT table_name FROM duckdb_tables()"
        assert {name for (name,) in warehouse.sql(names).fetchall()} == set(queries), "copies stay"


def test_on_postgres(
    placement: tuple[Path, dict[str, str]],
    single: duckdb.DuckDBPyConnection,
    databases: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    server, queries = databases("postgres"), tpch.queries(single)
    run_all(project_of(tmp_path, placement, databases, "answers"), queries)
    server.execute("DROP SCHEMA IF EXISTS alone CASCADE", "CREATE SCHEMA alone")
    for table in tpch.TABLES:
        placing.on_postgres(single, table, server, "alone")
    server.execute(
        "CREATE INDEX ON alone.lineitem (l_partkey, l_suppkey)",
        "CREATE INDEX ON alone.lineitem (l_orderkey)",
        "CREATE INDEX ON alone.partsupp (ps_partkey)",
        "CREATE INDEX ON alone.orders (o_custkey)",
    )
    for name, query in queries.items():
        server.execute("SET search_path TO alone", f"CREATE TABLE alone.{name} AS {query}")
        expected, actual = (_postgres_table(server, schema, name) for schema in ("alone", "answers"))
        assert actual[0] == expected[0], name
        tpch.assert_same(actual[1], expected[1], name)


def _postgres_table(server: Any, schema: str, name: str) -> tuple[list[Any], list[Any]]:
    """Return name and type of each column, and the rows. MariaDB's and SQLite's texts are text in a copy."""
    columns = server.execute(
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute "
        f"WHERE attnum > 0 AND attrelid = '{schema}.{name}'::regclass ORDER BY attnum"
    )
    types = [(column, "text" if type_ == "character varying" else type_) for column, type_ in columns]
    return types, server.execute(f"SELECT * FROM {schema}.{name}")


def test_on_mariadb(
    placement: tuple[Path, dict[str, str]],
    single: duckdb.DuckDBPyConnection,
    databases: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    server, texts = databases("mariadb"), {**tpch.queries(single), "q13": MARIADB_Q13}
    server.execute(
        "DROP SCHEMA IF EXISTS answers",
        "CREATE SCHEMA answers CHARACTER SET utf8mb4",
        f"GRANT ALL ON answers.* TO '{MARIADB_USER}'@'127.0.0.1'",
    )
    run_all(project_of(tmp_path, placement, databases, "maria_answers"), texts)
    compute_natively(server, single, texts)
    for name in texts:
        expected, actual = (mariadb_table(server, schema, name) for schema in ("alone", "answers"))
        assert without_lengths(actual[0]) == without_lengths(expected[0]), name
        tpch.assert_same(actual[1], expected[1], name)
