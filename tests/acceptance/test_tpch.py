"""All 22 TPC-H queries as federated models give the rows and the types of one engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.acceptance import placing, tpch
from tests.acceptance.project import Project
from tests.databases.mariadb import USER as MARIADB_USER

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

POSTGRES_TYPES = {
    "BIGINT": "bigint",
    "INTEGER": "integer",
    "DOUBLE": "double precision",
    "DATE": "date",
    "VARCHAR": "text",
    "HUGEINT": "numeric(38,0)",
}
"""DuckDB type → PostgreSQL type of the published matrix, for the types of TPC-H's outputs."""

MARIADB_TYPES = {
    "BIGINT": "bigint(20)",
    "INTEGER": "int(11)",
    "DOUBLE": "double",
    "DATE": "date",
    "VARCHAR": "longtext",
    "HUGEINT": "decimal(38,0)",
}
"""DuckDB type → MariaDB type of the published matrix, for the types of TPC-H's outputs."""

POSTGRES_NAMES = {"sum(l_quantity)": "sum"}
"""DuckDB's name → PostgreSQL's name of an unaliased output; models take their target's names."""


@pytest.fixture(scope="module")
def single() -> Iterator[duckdb.DuckDBPyConnection]:
    """Return the single engine, with all tables."""
    with tpch.generate(0.01) as connection:
        yield connection


@pytest.fixture(scope="module", params=tpch.SPLITS)
def placement(
    request: pytest.FixtureRequest,
    single: duckdb.DuckDBPyConnection,
    databases: Callable[[str], Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, dict[str, str]]:
    """Place the tables; return the folder of the embedded files, and table → connection."""
    folder = tmp_path_factory.mktemp("tpch")
    split = dict(tpch.SPLITS[request.param])
    single.execute(tpch.typed_as_placed(split))
    for table, connection in split.items():
        match connection:
            case "pg":
                placing.on_postgres(single, table, databases("postgres"), "shop")
            case "maria":
                placing.on_mariadb(single, table, databases("mariadb"))
            case "sqlite":
                placing.on_sqlite(single, table, folder / "crm.sqlite")
            case _:
                placing.in_duckdb(single, table, folder / "reference.duckdb")
    return folder, split


def project_of(
    root: Path, placement: tuple[Path, dict[str, str]], databases: Callable[[str], Any], target: str
) -> Project:
    folder, split = placement
    outputs = {
        "pg": databases("postgres").settings(),
        # Outputs of their own, so that models that read a single database are federated too.
        "answers": databases("postgres").settings(schema="answers"),
        "maria": databases("mariadb").settings(),
        "maria_answers": databases("mariadb").settings(schema="answers"),
        "sqlite": {"type": "sqlite", "path": str(folder / "crm.sqlite")},
        "duck": {"type": "duckdb", "path": str(folder / "reference.duckdb")},
        "warehouse": {"type": "duckdb", "path": str(root / "warehouse.duckdb")},
    }
    config = {"models": {"shop": {"+materialized": "table"}}}
    project = Project(root, outputs, default=target, config=config)
    schemas = {"pg": "shop", "maria": "shop", "sqlite": "main", "duck": "main"}
    for table, connection in split.items():
        project.source(f"tpch_{table}", connection, [table], schema=schemas[connection])
    return project


def run_all(project: Project, single: duckdb.DuckDBPyConnection, dialect: str) -> dict[str, str]:
    queries = tpch.queries(single)
    for name, query in queries.items():
        project.model(name, tpch.as_model(query), dialect=dialect)
    result = project.dvt("run", "--threads", "4", timeout=600).ok()
    assert result.statuses() == dict.fromkeys(queries, "success"), result.output
    assert all(f"{name}: load " in result.output for name in queries), "a model was not federated"
    assert extractions(project) == len(tpch.TABLES), "a table was extracted for a second time"
    return queries


def extractions(project: Project) -> int:
    """Return how many queries the last run has sent to sources."""
    results = json.loads((project.root / "target" / "run_results.json").read_text())["results"]
    stages = [stage for result in results for stage in result["adapter_response"]["dvt"]]
    return sum(stage["what"] == "extract" and not stage["reused"] for stage in stages)


def test_the_22_models_on_duckdb_answer_as_one_engine_does(
    placement: tuple[Path, dict[str, str]],
    single: duckdb.DuckDBPyConnection,
    databases: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    project = project_of(tmp_path, placement, databases, "warehouse")
    queries = run_all(project, single, "target")
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as warehouse:
        for name, query in queries.items():
            expected = single.sql(query)
            actual = warehouse.sql(f"FROM {name}")
            assert actual.columns == expected.columns, name
            assert actual.types == expected.types, name
            tpch.assert_same(actual.fetchall(), expected.fetchall(), name)


def _of_postgres(type_: str, dialect: str) -> str:
    """Return the type to compare: PostgreSQL's averages and extracted years are numeric."""
    is_number = type_.startswith("numeric") or type_ in {"double precision", "bigint"}
    return "number" if dialect == "target" and is_number else type_


@pytest.mark.parametrize("dialect", ["duckdb", "target"])
def test_the_22_models_on_postgres_answer_as_one_engine_does(
    dialect: str,
    placement: tuple[Path, dict[str, str]],
    single: duckdb.DuckDBPyConnection,
    databases: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    project = project_of(tmp_path, placement, databases, "answers")
    queries = run_all(project, single, dialect)
    server = databases("postgres")
    for name, query in queries.items():
        expected = single.sql(query)
        columns = server.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            f"WHERE attnum > 0 AND attrelid = 'answers.{name}'::regclass ORDER BY attnum"
        )
        names = [POSTGRES_NAMES.get(column, column) for column in expected.columns]
        assert [column for column, _ in columns] == names, name
        types = [
            POSTGRES_TYPES.get(str(type_), str(type_).replace("DECIMAL", "numeric"))
            for type_ in expected.types
        ]
        assert [_of_postgres(type_, dialect) for _, type_ in columns] == [
            _of_postgres(type_, dialect) for type_ in types
        ], name
        tpch.assert_same(server.execute(f"SELECT * FROM answers.{name}"), expected.fetchall(), name)


@pytest.mark.parametrize("dialect", ["duckdb", "target"])
def test_the_22_models_on_mariadb_answer_as_one_engine_does(
    dialect: str,
    placement: tuple[Path, dict[str, str]],
    single: duckdb.DuckDBPyConnection,
    databases: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    server = databases("mariadb")
    server.execute(
        "DROP SCHEMA IF EXISTS answers",
        "CREATE SCHEMA answers CHARACTER SET utf8mb4",
        f"GRANT ALL ON answers.* TO '{MARIADB_USER}'@'127.0.0.1'",
    )
    project = project_of(tmp_path, placement, databases, "maria_answers")
    queries = run_all(project, single, dialect)
    for name, query in queries.items():
        expected = single.sql(query)
        columns = server.execute(
            "SELECT column_name, column_type FROM information_schema.columns "
            f"WHERE table_schema = 'answers' AND table_name = '{name}' ORDER BY ordinal_position"
        )
        assert [column for column, _ in columns] == expected.columns, name
        types = [MARIADB_TYPES.get(str(type_), str(type_).lower()) for type_ in expected.types]
        assert [type_ for _, type_ in columns] == types, name
        tpch.assert_same(server.execute(f"SELECT * FROM answers.{name}"), expected.fetchall(), name)
