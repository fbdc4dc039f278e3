"""A compute engine in a package of its own: only `type:` in computes.yml names it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from dvt.config.computes import ENGINES, load_computes
from dvt.core.errors import ComputesInvalid
from dvt.core.registry import Registry
from dvt.drivers.duckdb import FILES
from tests.acceptance.federating import Workspace
from tests.acceptance.project import Project
from tests.packages import installed

pytestmark = pytest.mark.slow

COMPUTES = """\
shop:
  computes:
    counting: {{type: abacus, beads: 3, tray: {tray}}}
"""
SQL = "SELECT count(*) AS n FROM {crm.facts}"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    folders = installed(tmp_path / "site-packages", "abacus")
    for folder in folders:
        monkeypatch.syspath_prepend(folder)
    yield folders
    for name in [name for name in sys.modules if name.startswith("dvt_abacus")]:
        del sys.modules[name]


@pytest.fixture
def workspace(tmp_path: Path, package: list[str], monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setattr("dvt.config.computes.ENGINES", Registry("dvt.engines", ENGINES._own))
    workspace = Workspace(tmp_path / "project")
    workspace.root.mkdir()
    workspace.duckdb("crm", "CREATE TABLE facts AS SELECT i AS v FROM range(1000) t(i)")
    workspace.duckdb("wh")
    (workspace.root / "computes.yml").write_text(COMPUTES.format(tray=tmp_path / "tray"))
    yield workspace
    FILES.close()


def test_a_packages_engine_is_made_from_its_settings_and_the_run(workspace: Workspace, tmp_path: Path):
    with workspace.run() as run:
        run.model("m", SQL, "wh")
        assert run.rows("wh", "m") == [(1000,)]
        engine = run.federator._resources.engines.named(None)
        assert (type(engine).__name__, engine.name, engine.beads) == ("AbacusEngine", "counting", 3)
        assert engine.context.run == run.federator.run
        assert engine.context.default
        assert engine.context.scratch == tmp_path / "tray" / f"dvt-{run.federator.run}" / "counting"
        (threads,) = engine.context.duckdb.cursor().execute("SELECT current_setting('threads')").fetchone()
        assert threads == 3
    assert list((tmp_path / "tray").iterdir()) == []


def test_the_error_of_an_unknown_key_names_its_line(workspace: Workspace):
    file = workspace.root / "computes.yml"
    file.write_text("shop:\n  computes:\n    counting:\n      type: abacus\n      pearls: 3\n")
    with pytest.raises(ComputesInvalid, match=r"counting\.pearls: no such key") as caught:
        load_computes("shop", workspace.root)
    assert caught.value.line == 5


def test_without_the_package_its_engine_type_is_unknown(tmp_path: Path):
    (tmp_path / "computes.yml").write_text("shop: {computes: {counting: {type: abacus}}}")
    with pytest.raises(ComputesInvalid, match="its type should be duckdb or spark"):
        load_computes("shop", tmp_path)


def test_dialect_compute_is_the_dialect_of_the_nodes_engine(tmp_path: Path):
    """Backticks quote a name for an engine that speaks MySQL; DuckDB cannot parse them."""
    folders = installed(tmp_path / "site-packages", "abacus", source=tmp_path / "source")
    source = tmp_path / "source" / "abacus" / "dvt_abacus"
    source.mkdir(parents=True)
    (source / "__init__.py").write_text("")
    (source / "engine.py").write_text(
        "from dvt.engines.duckdb import DuckDBEngine\n\n\n"
        "class AbacusEngine(DuckDBEngine):\n    dialect = 'mysql'\n"
    )
    project = Project(
        tmp_path / "shop",
        {
            "wh": {"type": "duckdb", "path": "wh.duckdb"},
            "crm": {"type": "duckdb", "path": "crm.duckdb"},
        },
        default="wh",
    )
    (project.root / "computes.yml").write_text("shop: {computes: {a: {type: abacus}, b: {type: duckdb}}}")
    project.source("crm", "crm", ["facts"], schema="main")
    sql = "SELECT `v` FROM {{ source('crm', 'facts') }}"
    for name in ("a", "b"):
        project.model(name, sql, materialized="table", dialect="compute", compute=name)
    project.dvt("compile", env={"PYTHONPATH": os.pathsep.join(folders)}).ok()
    compiled = {name: next(project.root.glob(f"target/compiled/**/{name}.sql")).read_text() for name in "ab"}
    assert "`crm`.`main`.`facts`" in compiled["a"]
    assert '"crm"."main"."facts"' in compiled["b"]
