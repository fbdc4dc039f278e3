"""All of TPC-H, and a DAG of 34 models, with staging in each type of bucket."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from dvt.app.buckets import open_bucket
from dvt.config.buckets import load_buckets
from tests.acceptance import test_dag, test_tpch, tpch
from tests.acceptance.project import Project
from tests.acceptance.test_dag import Pair, expected, project
from tests.acceptance.test_stores import SERVERS, settings_of
from tests.acceptance.test_tpch import single

__all__ = ["expected", "project", "single"]

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.fixture(params=["filesystem", *sorted(SERVERS)])
def stage_in(
    request: pytest.FixtureRequest, stores: Callable[[str], Any], tmp_path: Path
) -> Callable[[Project], None]:
    """Return a function that has a project stage in a bucket of this type."""
    if request.param == "filesystem":
        settings = {"path": str(tmp_path / "staged")}
    else:
        settings = settings_of(request.param, stores(SERVERS[request.param]))
    entry = {"type": request.param, "prefix": "of dvt", **settings}
    return lambda project: project.file(
        "buckets.yml", yaml.safe_dump({"shop": {"buckets": {"lake": entry}}})
    ).chmod(0o600)


@pytest.fixture
def pair(expected: duckdb.DuckDBPyConnection, databases: Callable[[str], Any]) -> Pair:
    return test_dag.postgres_pair(expected, databases("postgres"))


def left_in_bucket(project: Project) -> list[str]:
    """Return the keys of all that is in the bucket; it was used if a marker is among them."""
    entry = load_buckets("shop", project.root, home=project.root).get()
    return [key for key, _ in open_bucket(entry, project.root).list("")]


def test_the_22_models_answer_as_one_engine_does(
    stage_in: Callable[[Project], None],
    single: duckdb.DuckDBPyConnection,
    databases: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    placement = test_tpch.place(single, next(iter(tpch.SPLITS)), databases, tmp_path)
    project = test_tpch.project_of(tmp_path / "project", placement, databases, "warehouse")
    stage_in(project)
    queries = test_tpch.run_all(project, single, "target")
    with duckdb.connect(str(project.root / "warehouse.duckdb"), read_only=True) as warehouse:
        for name, query in queries.items():
            tpch.assert_same(warehouse.sql(f"FROM {name}").fetchall(), single.sql(query).fetchall(), name)
    assert left_in_bucket(project) == ["shop/_owner.json"]


def test_the_dag_gives_the_right_tables(
    stage_in: Callable[[Project], None],
    project: Project,
    expected: duckdb.DuckDBPyConnection,
    pair: Pair,
) -> None:
    stage_in(project)
    result = project.dvt("run", "--threads", "8", timeout=900).ok()
    assert set(result.statuses().values()) == {"success"}, result.output
    test_dag.assert_tables_are_right(project, expected, pair)
    assert test_dag.stage_tables(project, pair) == []
    assert left_in_bucket(project) == ["shop/_owner.json"]
