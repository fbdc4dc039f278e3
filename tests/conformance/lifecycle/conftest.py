"""Tables of Airflow, Dagster and others in PostgreSQL and SQLite, and a project that cleans them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.lifecycle.foreign_tables import AIRFLOW, Tables, opened, sqlite_tables
from tests.conformance.lifecycle.store.conftest import place  # noqa: F401  a fixture


@pytest.fixture(params=["sqlite", "postgres"])
def tables(request: pytest.FixtureRequest, tmp_path: Path) -> Tables:
    if request.param == "sqlite":
        return sqlite_tables(tmp_path)
    return Tables(request.getfixturevalue("place").url())


@pytest.fixture
def airflow(tables, tmp_path):
    """Airflow's tables, with their presets."""
    tables.make(AIRFLOW)
    names = ("dag_run", "task_instance", "xcom", "log")
    presets = {f"airflow_{name}": {"preset": f"airflow.{name}"} for name in names}
    with opened(tmp_path / "shop", tables, presets, airflow_dag_run={"days": 30}) as system:
        yield system
