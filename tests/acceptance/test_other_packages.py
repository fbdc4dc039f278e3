"""A connector in a package of its own, registered as CONTRIBUTING says: the command finds and uses it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import duckdb
import pytest

from tests.acceptance.project import Project
from tests.packages import PACKAGES, installed

pytestmark = pytest.mark.slow


@pytest.fixture
def package(tmp_path: Path) -> dict[str, str]:
    """The environment of a process that has the packages installed."""
    return {"PYTHONPATH": os.pathsep.join(installed(tmp_path / "site-packages", "lines", "nest"))}


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    """A DuckDB warehouse, and a folder of text files whose lines a model counts."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "calls.txt").write_text("ok\nbusy, again\nok\n")
    project = Project(
        tmp_path / "shop",
        {
            "warehouse": {"type": "duckdb", "path": "warehouse.duckdb"},
            "logs": {"type": "lines", "path": "../logs"},
        },
        default="warehouse",
    )
    project.source("logs", "logs", ["calls"], schema="main")
    project.model(
        "outcomes",
        "SELECT line, count(*) AS calls, max(n) AS last FROM {{ source('logs', 'calls') }} "
        "WHERE n > 1 GROUP BY line",
        materialized="table",
    )
    return project


def test_a_federated_model_reads_what_a_package_brings(shop: Project, package: dict[str, str]):
    shop.dvt("run", env=package).ok()
    with duckdb.connect(str(shop.root / "warehouse.duckdb")) as warehouse:
        rows = warehouse.execute("SELECT * FROM outcomes ORDER BY line").fetchall()
    assert rows == [("busy, again", 1, 2), ("ok", 1, 3)]


def test_a_federated_model_is_built_where_a_package_says_how(shop: Project, package: dict[str, str]):
    """Loaded by its connector, published by its adapter, renamed by its statement."""
    shop = Project(shop.root, {**shop.outputs, "nest": {"type": "nest", "path": "nest.duckdb"}}, "nest")
    shop.dvt("run", env=package).ok()
    with duckdb.connect(str(shop.root / "nest.duckdb")) as nest:
        rows = nest.execute("SELECT * FROM outcomes ORDER BY line").fetchall()
        tables = nest.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall()
    assert rows == [("busy, again", 1, 2), ("ok", 1, 3)]
    assert tables == [("outcomes", "hatched")]
    assert "Registered adapter: nest=1.5.0" in shop.dvt("parse", env=package).ok().out


def test_models_cannot_be_built_where_the_packages_row_says_so(shop: Project, package: dict[str, str]):
    shop.model("misplaced", "SELECT 1 AS one", target="logs")
    ran = shop.dvt("run", env=package)
    assert ran.code != 0
    assert "DVT117" in ran.out
    assert "type lines is a source only" in ran.out


def test_a_type_that_no_package_brings_needs_an_adapter_of_dbts(shop: Project):
    ran = shop.dvt("run")
    assert ran.code != 0
    assert "hint: pip install dbt-lines" in ran.out


def test_a_connector_is_imported_when_it_is_used_and_not_before(shop: Project, tmp_path: Path):
    broken = tmp_path / "broken"
    shutil.copytree(PACKAGES / "lines", broken / "lines")
    (broken / "lines" / "dvt_lines" / "connector.py").write_text("raise RuntimeError('imported too early')\n")
    package = {"PYTHONPATH": os.pathsep.join(installed(tmp_path / "site-packages", "lines", source=broken))}
    assert "imported too early" not in shop.dvt("parse", env=package).ok().out
    assert "imported too early" in shop.dvt("run", env=package).out
