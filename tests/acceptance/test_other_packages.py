"""A connector in a package of its own, registered as CONTRIBUTING says, is found and used by the command."""

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
    """Return the environment of a process that has the packages installed."""
    return {"PYTHONPATH": os.pathsep.join(installed(tmp_path / "site-packages", "lines", "nest"))}


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    """Return a project with a DuckDB warehouse and a folder of text files whose lines a model counts."""
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


def test_a_federated_model_reads_through_a_packages_connector(shop: Project, package: dict[str, str]):
    shop.dvt("run", env=package).ok()
    with duckdb.connect(str(shop.root / "warehouse.duckdb")) as warehouse:
        rows = warehouse.execute("SELECT * FROM outcomes ORDER BY line").fetchall()
    assert rows == [("busy, again", 1, 2), ("ok", 1, 3)]


def test_a_federated_model_is_built_on_a_packages_output(shop: Project, package: dict[str, str]):
    """The package's connector loads the table, its adapter publishes it, its statement renames it."""
    shop = Project(shop.root, {**shop.outputs, "nest": {"type": "nest", "path": "nest.duckdb"}}, "nest")
    shop.dvt("run", env=package).ok()
    with duckdb.connect(str(shop.root / "nest.duckdb")) as nest:
        rows = nest.execute("SELECT * FROM outcomes ORDER BY line").fetchall()
        tables = nest.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall()
    assert rows == [("busy, again", 1, 2), ("ok", 1, 3)]
    assert tables == [("outcomes", "hatched")]
    assert "Registered adapter: nest=1.5.0" in shop.dvt("parse", env=package).ok().output


def test_a_model_cannot_be_built_on_a_packages_source_only_type(shop: Project, package: dict[str, str]):
    shop.model("misplaced", "SELECT 1 AS one", target="logs")
    result = shop.dvt("run", env=package)
    assert result.code != 0
    assert "DVT117" in result.output
    assert "type lines is a source only" in result.output


def test_the_error_of_a_type_without_package_suggests_no_package_by_guess(shop: Project):
    result = shop.dvt("run")
    assert result.code != 0
    assert "DVT113" in result.output
    assert "lines" in result.output
    assert "pip install" not in result.output


def test_a_packages_connector_is_imported_only_when_it_is_used(shop: Project, tmp_path: Path):
    broken = tmp_path / "broken"
    shutil.copytree(PACKAGES / "lines", broken / "lines")
    (broken / "lines" / "dvt_lines" / "connector.py").write_text("raise RuntimeError('imported too early')\n")
    package = {"PYTHONPATH": os.pathsep.join(installed(tmp_path / "site-packages", "lines", source=broken))}
    assert "imported too early" not in shop.dvt("parse", env=package).ok().output
    assert "imported too early" in shop.dvt("run", env=package).output
