"""All 22 TPC-H queries as federated models: the rows of one engine, the types of one engine."""

from __future__ import annotations

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
"""The published matrix, as far as TPC-H's outputs need it."""

MARIADB_TYPES = {
    "BIGINT": "bigint(20)",
    "INTEGER": "int(11)",
    "DOUBLE": "double",
    "DATE": "date",
    "VARCHAR": "longtext",
    "HUGEINT": "decimal(38,0)",
}

POSTGRES_NAMES = {"sum(l_quantity)": "sum"}
"""What PostgreSQL calls an unaliased output; models take their target's names."""


@pytest.fixture(scope="module")
def single() -> Iterator[duckdb.DuckDBPyConnection]:
    """The single engine."""
    with tpch.generate(0.01) as connection:
        yield connection


@pytest.fixture(scope="module", params=tpch.SPLITS)
def dealt(
    request: pytest.FixtureRequest,
    single: duckdb.DuckDBPyConnection,
    databases: Callable[[str], Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, dict[str, str]]:
    """A folder with the embedded files, and which table lives where; the servers hold the rest."""
    folder = tmp_path_factory.mktemp("tpch")
    split = dict(tpch.SPLITS[request.param])
    single.execute(tpch.typed_as_placed(split))
    for table, place in split.items():
        match place:
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
    root: Path, dealt: tuple[Path, dict[str, str]], databases: Callable[[str], Any], target: str
) -> Project:
    folder, split = dealt
    outputs = {
        "pg": databases("postgres").settings(),
        # An output of its own, so that models that read one database alone are federated as well.
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
    for table, place in split.items():
        project.source(f"tpch_{table}", place, [table], schema=schemas[place])
    return project


def run_all(project: Project, single: duckdb.DuckDBPyConnection, dialect: str) -> dict[str, str]:
    queries = tpch.queries(single)
    for name, query in queries.items():
        project.model(name, tpch.as_model(query), dialect=dialect)
    ran = project.dvt("run", "--threads", "4", timeout=600).ok()
    assert ran.results() == dict.fromkeys(queries, "success"), ran.out
    assert all(f"{name}: load " in ran.out for name in queries), "a model was not federated"
    return queries


def test_22_models_on_duckdb(
    dealt: tuple[Path, dict[str, str]],
    single: duckdb.DuckDBPyConnection,
    databases: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    project = project_of(tmp_path, dealt, databases, "warehouse")
    queries = run_all(project, single, "target")
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as warehouse:
        for name, query in queries.items():
            right = single.sql(query)
            found = warehouse.sql(f"FROM {name}")
            assert found.columns == right.columns, name
            assert found.types == right.types, name
            tpch.assert_same(found.fetchall(), right.fetchall(), name)


@pytest.mark.parametrize("dialect", ["duckdb", "target"])
def test_22_models_on_postgres(
    dialect: str,
    dealt: tuple[Path, dict[str, str]],
    single: duckdb.DuckDBPyConnection,
    databases: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    project = project_of(tmp_path, dealt, databases, "answers")
    queries = run_all(project, single, dialect)
    server = databases("postgres")
    for name, query in queries.items():
        right = single.sql(query)
        columns = server.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            f"WHERE attnum > 0 AND attrelid = 'answers.{name}'::regclass ORDER BY attnum"
        )
        assert [one for one, _ in columns] == [POSTGRES_NAMES.get(one, one) for one in right.columns], name
        types = [
            POSTGRES_TYPES.get(str(kind), str(kind).replace("DECIMAL", "numeric")) for kind in right.types
        ]
        assert [kind for _, kind in columns] == types, name
        tpch.assert_same(server.execute(f"SELECT * FROM answers.{name}"), right.fetchall(), name)


@pytest.mark.parametrize("dialect", ["duckdb", "target"])
def test_22_models_on_mariadb(
    dialect: str,
    dealt: tuple[Path, dict[str, str]],
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
    project = project_of(tmp_path, dealt, databases, "maria_answers")
    queries = run_all(project, single, dialect)
    for name, query in queries.items():
        right = single.sql(query)
        columns = server.execute(
            "SELECT column_name, column_type FROM information_schema.columns "
            f"WHERE table_schema = 'answers' AND table_name = '{name}' ORDER BY ordinal_position"
        )
        assert [one for one, _ in columns] == right.columns, name
        types = [MARIADB_TYPES.get(str(kind), str(kind).lower()) for kind in right.types]
        assert [kind for _, kind in columns] == types, name
        tpch.assert_same(server.execute(f"SELECT * FROM answers.{name}"), right.fetchall(), name)
