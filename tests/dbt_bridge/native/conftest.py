"""Fixtures: a project with several DuckDB files, all of them empty."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dbt_bridge.federated.project import Project

OUTPUTS = {
    "house": {"type": "duckdb", "path": "house.duckdb", "schema": "main"},
    "barn": {"type": "duckdb", "path": "barn.duckdb", "schema": "main"},
    "twin": {"type": "duckdb", "path": "twin/barn.duckdb", "schema": "main"},
    "lite": {"type": "sqlite", "path": "lite.sqlite"},
    "nowhere": {"type": "duckdb", "path": "no/such/folder/x.duckdb", "schema": "main"},
    "unset": {"type": "postgres", "host": "{{ env_var('DVT_TEST_NEVER_SET') }}", "schema": "s"},
    "cloud": {"type": "databricks", "host": "h", "http_path": "p", "schema": "s", "catalog": "d"},
}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Project]:
    """Yield a project over DuckDB files (two outputs share one), SQLite, and outputs out of reach."""
    outputs = {name: dict(keys) for name, keys in OUTPUTS.items()}
    outputs["loft"] = {"type": "duckdb", "path": f"../{tmp_path.name}/barn.duckdb", "schema": "loft"}
    (tmp_path / "twin").mkdir()
    project = Project(tmp_path, outputs, "house")
    project.write("models/sources.yml", {"version": 2})
    yield project
    project.forget()
    gc.collect()  # dbt leaves thread pools and log files open; Python warns when it collects them
