"""TPC-H queries that Spark computes give the rows that one engine gives."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.acceptance import tpch
from tests.acceptance.spark import COMPUTES
from tests.acceptance.test_tpch import place, project_of, stages_of, write_models

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


ALL = tuple(f"q{number:02}" for number in range(1, 23))
OFTEN = ("q01", "q13", "q18")
"""Queries that every run of the tests computes: Spark takes a second or more for each."""


@pytest.fixture(scope="module")
def single() -> Iterator[duckdb.DuckDBPyConnection]:
    """Return the single engine, with all tables."""
    with tpch.generate(0.01) as connection:
        yield connection


def assert_alike(actual: Sequence[Sequence[Any]], expected: Sequence[Sequence[Any]], label: str) -> None:
    """Assert that rows are equal; averages and quotients to the last digit that Spark's decimals have."""
    assert len(actual) == len(expected), label
    for row, other in zip(tpch.sorted_rows(actual), tpch.sorted_rows(expected), strict=True):
        for value, wanted in zip(row, other, strict=True):
            if isinstance(wanted, float):
                assert isinstance(value, Decimal), label
                last = 10.0 ** int(value.as_tuple().exponent)
                assert math.isclose(value, wanted, rel_tol=1e-9, abs_tol=last), f"{label}: {row} != {other}"
            else:
                assert value == wanted, f"{label}: {row} != {other}"


@pytest.mark.parametrize(
    ("split", "names"),
    [
        ("by subject", OFTEN),
        *(pytest.param(split, ALL, marks=pytest.mark.long) for split in tpch.SPLITS),
    ],
)
def test_models_in_sparks_postgresqls_and_duckdbs_sql_answer_as_one_engine_does(
    split: str,
    names: Sequence[str],
    single: duckdb.DuckDBPyConnection,
    databases: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    """Those in PostgreSQL's and in DuckDB's SQL are in such databases, whose dialect is their default."""
    server = databases("postgres")
    placement = place(single, split, databases, tmp_path)
    project = project_of(tmp_path, placement, databases, "warehouse")
    project.file("computes.yml", COMPUTES)
    queries = {name: sql for name, sql in tpch.queries(single).items() if name in names}
    write_models(project, queries, dialect="spark", compute="spark_local")
    translated = {f"{name}_pg": sql for name, sql in queries.items()}
    write_models(project, translated, target="answers", compute="spark_local")
    in_duckdb = {f"{name}_duck": sql for name, sql in queries.items()}
    write_models(project, in_duckdb, compute="spark_local")
    result = project.dvt("run", "--threads", "4", timeout=900).ok()
    made = dict.fromkeys([*queries, *translated, *in_duckdb], "success")
    assert result.statuses() == made, result.output
    assert "DVT003" not in result.output
    for name, stages in stages_of(project).items():
        assert [stage["connection"] for stage in stages if stage["what"] == "compute"] == ["spark"], name
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as warehouse:
        for name, query in queries.items():
            expected = single.sql(query).fetchall()
            assert_alike(warehouse.sql(f"FROM {name}").fetchall(), expected, name)
            tpch.assert_same(server.execute(f"SELECT * FROM answers.{name}_pg"), expected, name)
            own = warehouse.sql(f"FROM {name}_duck")
            assert (own.columns, own.types) == (single.sql(query).columns, single.sql(query).types), name
            tpch.assert_same(own.fetchall(), expected, name)
