"""All 22 TPC-H queries that databases compute, target or source, give the rows and types of one database."""

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
    placed,
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


Places = Callable[[str, str], tuple[Path, dict[str, str]]]
"""From a place of computing and the connection of a source to where the tables are."""
INDEXES = (
    "CREATE INDEX ON {}.lineitem (l_partkey, l_suppkey)",
    "CREATE INDEX ON {}.lineitem (l_orderkey)",
    "CREATE INDEX ON {}.partsupp (ps_partkey)",
    "CREATE INDEX ON {}.orders (o_custkey)",
)
"""Statements without which PostgreSQL takes minutes."""


@pytest.fixture(scope="module")
def apart(
    single: duckdb.DuckDBPyConnection,
    databases: Callable[[str], Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, dict[str, str]]:
    return place(single, "apart", databases, tmp_path_factory.mktemp("tpch"))


@pytest.fixture
def places(
    apart: tuple[Path, dict[str, str]],
    single: duckdb.DuckDBPyConnection,
    databases: Callable[[str], Any],
    tmp_path: Path,
) -> Places:
    """Return a function that places the tables: apart for the target, on one connection for the source."""

    def placement(compute: str, connection: str) -> tuple[Path, dict[str, str]]:
        if compute == "target":
            return apart
        return placed(single, dict.fromkeys(tpch.TABLES, connection), databases, tmp_path)

    return placement


def run_all(project: Project, texts: Mapping[str, str], compute: str) -> None:
    """Run the 22 models as one DAG; assert that it moves what it has to move, once."""
    write_models(project, texts, compute=compute)
    result = project.dvt("run", "--threads", "2", timeout=600).ok()
    assert result.statuses() == dict.fromkeys(texts, "success"), result.output
    stages = stages_of(project)
    if compute == "source":
        whats = {name: [stage["what"] for stage in model] for name, model in stages.items()}
        assert all(what == ["extract", "load", "publish"] for what in whats.values()), "only answers move"
        return
    assert not any(stage["what"] == "compute" for model in stages.values() for stage in model)
    loads = [stage for model in stages.values() for stage in model if stage["what"] == "load"]
    extracted = [
        stage
        for model in stages.values()
        for stage in model
        if stage["what"] == "extract" and not stage["reused"]
    ]
    assert len(loads) == len(extracted) == len(tpch.TABLES)


@pytest.mark.parametrize("compute", ["target", pytest.param("source", marks=pytest.mark.long)])
def test_on_duckdb(
    compute: str,
    places: Places,
    single: duckdb.DuckDBPyConnection,
    databases: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    queries = tpch.queries(single)
    run_all(project_of(tmp_path, places(compute, "duck"), databases, "warehouse"), queries, compute)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as warehouse:
        for name, query in queries.items():
            expected, actual = single.sql(query), warehouse.sql(f"FROM {name}")
            assert (actual.columns, actual.types) == (expected.columns, expected.types), name
            tpch.assert_same(actual.fetchall(), expected.fetchall(), name)
        names = "SELECT table_name FROM duckdb_tables()"
        assert {name for (name,) in warehouse.sql(names).fetchall()} == set(queries), "copies stay"


@pytest.mark.parametrize("compute", [pytest.param("target", marks=pytest.mark.long), "source"])
def test_on_postgres(
    compute: str,
    places: Places,
    single: duckdb.DuckDBPyConnection,
    databases: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    server, queries = databases("postgres"), tpch.queries(single)
    server.execute("DROP SCHEMA IF EXISTS answers CASCADE")
    placement = places(compute, "pg")
    if compute == "source":
        server.execute(*(index.format("shop") for index in INDEXES))
    run_all(project_of(tmp_path, placement, databases, "answers"), queries, compute)
    server.execute("DROP SCHEMA IF EXISTS alone CASCADE", "CREATE SCHEMA alone")
    for table in tpch.TABLES:
        placing.on_postgres(single, table, server, "alone")
    server.execute(*(index.format("alone") for index in INDEXES))
    for name, query in queries.items():
        server.execute("SET search_path TO alone", f"CREATE TABLE alone.{name} AS {query}")
        expected, actual = (_postgres_table(server, schema, name) for schema in ("alone", "answers"))
        if compute == "target":
            expected, actual = ((_without_lengths(types), rows) for types, rows in (expected, actual))
        assert actual[0] == expected[0], name
        tpch.assert_same(actual[1], expected[1], name)


def _postgres_table(server: Any, schema: str, name: str) -> tuple[list[Any], list[Any]]:
    """Return name and type of each column, and the rows."""
    columns = server.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        f"WHERE attnum > 0 AND attrelid = '{schema}.{name}'::regclass ORDER BY attnum"
    )
    return columns, server.execute(f"SELECT * FROM {schema}.{name}")


def _without_lengths(columns: list[Any]) -> list[Any]:
    """Return the columns with texts of all lengths alike: MariaDB's and SQLite's are text in a copy."""
    return [
        (name, "text" if type_.startswith("character") else type_.partition("(")[0])
        for name, type_ in columns
    ]


@pytest.fixture(scope="module")
def alone(
    apart: tuple[Path, dict[str, str]], single: duckdb.DuckDBPyConnection, databases: Callable[[str], Any]
) -> tuple[Any, dict[str, str]]:
    """Compute the queries in a MariaDB that holds all tables; return it, and the queries."""
    server, texts = databases("usual_mariadb"), {**tpch.queries(single), "q13": MARIADB_Q13}
    compute_natively(server, single, texts)
    server.execute(f"GRANT ALL ON alone.* TO '{MARIADB_USER}'@'127.0.0.1'")
    return server, texts


@pytest.mark.parametrize("compute", ["target", pytest.param("source", marks=pytest.mark.long)])
def test_on_mariadb(
    compute: str,
    apart: tuple[Path, dict[str, str]],
    alone: tuple[Any, dict[str, str]],
    databases: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    """The source is another server than the target."""
    server, (other, texts) = databases("mariadb"), alone
    server.execute(
        "DROP SCHEMA IF EXISTS answers",
        "CREATE SCHEMA answers CHARACTER SET utf8mb4",
        f"GRANT ALL ON answers.* TO '{MARIADB_USER}'@'127.0.0.1'",
    )
    placement = apart if compute == "target" else (tmp_path, dict.fromkeys(tpch.TABLES, "usual"))
    run_all(project_of(tmp_path, placement, databases, "maria_answers"), texts, compute)
    for name in texts:
        expected, actual = mariadb_table(other, "alone", name), mariadb_table(server, "answers", name)
        if compute == "target":
            expected, actual = ((without_lengths(types), rows) for types, rows in (expected, actual))
        assert actual[0] == expected[0], name
        tpch.assert_same(actual[1], expected[1], name)
