"""Tables of Airflow, Dagster and others in each database, and a project that cleans them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.lifecycle.foreign_tables import AIRFLOW, Tables, mariadb_tables, opened, sqlite_tables
from tests.conformance.lifecycle.store.conftest import place  # noqa: F401  a fixture


@pytest.fixture(params=["sqlite", "postgres", "mariadb"])
def tables(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tables]:
    if request.param == "sqlite":
        yield sqlite_tables(tmp_path)
    elif request.param == "postgres":
        yield Tables(request.getfixturevalue("place").url())
    else:
        yield request.getfixturevalue("mariadb_database")


@pytest.fixture
def mariadb_database(mariadb) -> Iterator[Tables]:
    with mariadb_tables(mariadb) as tables:
        yield tables


@pytest.fixture
def airflow(tables, tmp_path):
    """Airflow's tables, with their presets."""
    tables.make(AIRFLOW)
    names = ("dag_run", "task_instance", "xcom", "log")
    presets = {f"airflow_{name}": {"preset": f"airflow.{name}"} for name in names}
    with opened(tmp_path / "shop", tables, presets, airflow_dag_run={"days": 30}) as system:
        yield system
