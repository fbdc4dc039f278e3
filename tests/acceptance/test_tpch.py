"""All 22 TPC-H queries as federated models give the rows and the types of one engine."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
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

MARIADB_Q13 = """
SELECT c_count, count(*) AS custdist
FROM (
    SELECT c_custkey, count(o_orderkey) AS c_count
    FROM customer
    LEFT OUTER JOIN orders ON c_custkey = o_custkey AND o_comment NOT LIKE '%special%requests%'
    GROUP BY c_custkey
) AS c_orders
GROUP BY c_count
ORDER BY custdist DESC, c_count DESC
"""
"""Query 13 without the derived table's list of columns, which MariaDB has not."""


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
    return place(single, request.param, databases, tmp_path_factory.mktemp("tpch"))


def place(
    single: duckdb.DuckDBPyConnection, split_name: str, databases: Callable[[str], Any], folder: Path
) -> tuple[Path, dict[str, str]]:
    """Give the tables the types of their places, and place them; return what `placed` does."""
    split = tpch.SPLITS[split_name]
    single.execute(tpch.typed_as_placed(split))
    return placed(single, split, databases, folder)


def placed(
    single: duckdb.DuckDBPyConnection,
    split: Mapping[str, str],
    databases: Callable[[str], Any],
    folder: Path,
) -> tuple[Path, dict[str, str]]:
    """Place the tables; return the folder of the embedded files, and table → connection."""
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
    return folder, dict(split)


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
        **(
            {"usual": databases("usual_mariadb").settings(schema="alone")}
            if "usual" in split.values()
            else {}
        ),
        "sqlite": {"type": "sqlite", "path": str(folder / "crm.sqlite")},
        "duck": {"type": "duckdb", "path": str(folder / "reference.duckdb")},
        "warehouse": {"type": "duckdb", "path": str(root / "warehouse.duckdb")},
    }
    config = {"models": {"shop": {"+materialized": "table"}}}
    project = Project(root, outputs, default=target, config=config)
    schemas = {"pg": "shop", "maria": "shop", "usual": "alone", "sqlite": "main", "duck": "main"}
    for table, connection in split.items():
        project.source(f"tpch_{table}", connection, [table], schema=schemas[connection])
    return project


def write_models(project: Project, texts: Mapping[str, str], **config: Any) -> None:
    """Write a model for each text."""
    for name, text in texts.items():
        project.model(name, tpch.as_model(text), **config)


def run_all(
    project: Project, single: duckdb.DuckDBPyConnection, dialect: str, texts: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Run the 22 models, with other texts for some; return the queries of the single engine."""
    queries = tpch.queries(single)
    write_models(project, {**queries, **(texts or {})}, dialect=dialect)
    result = project.dvt("run", "--threads", "4", timeout=600).ok()
    assert result.statuses() == dict.fromkeys(queries, "success"), result.output
    stages = stages_of(project)
    assert all(any(stage["what"] == "extract" for stage in stages[name]) for name in queries), (
        "a model was not federated"
    )
    whats = {name: {stage["what"] for stage in model} for name, model in stages.items()}
    at_source = {name for name, what in whats.items() if "publish" in what and "compute" not in what}
    extractions = [
        stage
        for name, model in stages.items()
        for stage in model
        if stage["what"] == "extract" and name not in at_source
    ]
    sent = sum(not stage["reused"] for stage in extractions)
    assert sent == len(tpch.TABLES), "a table was extracted for a second time"
    return queries


def stages_of(project: Project) -> dict[str, list[dict[str, Any]]]:
    """Return the stages of the last run's models, by model."""
    results = json.loads((project.root / "target" / "run_results.json").read_text())["results"]
    return {
        result["unique_id"].rpartition(".")[2]: result["adapter_response"].get("dvt", [])
        for result in results
    }


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
    """Return the type to compare: PostgreSQL's averages and extracted years are numeric.

    Where a database computes, columns of a table keep their own type of text.
    """
    if dialect == "target" and type_ == "character varying":
        return "text"
    is_number = type_.startswith("numeric") or type_ in {"double precision", "bigint"}
    return "number" if dialect == "target" and is_number else type_


@pytest.mark.parametrize("dialect", ["duckdb", pytest.param("target", marks=pytest.mark.long)])
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


@pytest.mark.parametrize("dialect", [pytest.param("duckdb", marks=pytest.mark.long), "target"])
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
    texts = {"q13": MARIADB_Q13} if dialect == "target" else {}
    queries = run_all(project, single, dialect, texts)
    if dialect == "target":
        compute_natively(server, single, {**queries, **texts})
    for name, query in queries.items():
        columns, rows = mariadb_table(server, "answers", name)
        if dialect == "target":
            expected_columns, expected = mariadb_table(server, "alone", name)
            columns, expected_columns = without_sizes(columns), without_sizes(expected_columns)
        else:
            answer = single.sql(query)
            types = [MARIADB_TYPES.get(str(type_), str(type_).lower()) for type_ in answer.types]
            expected_columns, expected = list(zip(answer.columns, types, strict=True)), answer.fetchall()
        assert columns == expected_columns, name
        tpch.assert_same(rows, expected, name)


def compute_natively(server: Any, single: duckdb.DuckDBPyConnection, queries: Mapping[str, str]) -> None:
    """Compute the queries in schema `alone` of a MariaDB that holds all tables, as tables by name."""
    server.execute("DROP SCHEMA IF EXISTS alone", "CREATE SCHEMA alone CHARACTER SET utf8mb4")
    for table in tpch.TABLES:
        placing.on_mariadb(single, table, server, "alone")
    server.execute(
        "ALTER TABLE alone.lineitem ADD KEY (l_orderkey), ADD KEY (l_partkey, l_suppkey)",
        "ALTER TABLE alone.partsupp ADD KEY (ps_partkey)",
        "ALTER TABLE alone.orders ADD KEY (o_orderkey), ADD KEY (o_custkey)",
        "USE alone",
        *(f"CREATE TABLE {name} AS {query}" for name, query in queries.items()),
    )


def mariadb_table(server: Any, schema: str, name: str) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
    """Return name and type of each column, and the rows."""
    columns = server.execute(
        "SELECT column_name, column_type FROM information_schema.columns "
        f"WHERE table_schema = '{schema}' AND table_name = '{name}' ORDER BY ordinal_position"
    )
    return [(column, type_) for column, type_ in columns], server.execute(f"SELECT * FROM {schema}.{name}")


def without_lengths(columns: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the columns, texts of all lengths alike: SQLite's have none, so their copies are longtext."""
    return [(name, "text" if type_.startswith(("varchar", "longtext")) else type_) for name, type_ in columns]


_SIZE = re.compile(r"(?<=decimal\()\d+|(?<=int)\(\d+\)|^big(?=int)")


def without_sizes(columns: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the columns without the sizes of numbers: the engine has others."""
    return [(name, _SIZE.sub("", type_)) for name, type_ in without_lengths(columns)]
