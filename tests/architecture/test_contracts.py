"""Every import rule is broken once, in a copy of the package, and must be noticed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

LINT = Path(sys.executable).parent / "lint-imports"

FLOORS = "Imports point down, and every room has its floor"
BREACHES = {
    "up": (FLOORS, {"core/names.py": "import dvt.resolution"}),
    "sideways": (FLOORS, {"federation/__init__.py": "import dvt.connectors"}),
    "an adapter sideways": (FLOORS, {"dbt_adapters/mysql/__init__.py": "import dvt.dbt_bridge"}),
    "a room without a floor": (FLOORS, {"helpers.py": "x = 1"}),
    "what tests use": (FLOORS, {"app/runs.py": "import dvt.testing.memory_bucket"}),
    "what tests use, from above": (FLOORS, {"cli/version.py": "import dvt.testing.memory_bucket"}),
    "dbt": ("Only the bridge and our adapters know dbt", {"federation/__init__.py": "import dbt.cli.main"}),
    "dbt's packages": (
        "Only the bridge and our adapters know dbt",
        {"drivers/__init__.py": "import dbt_common.events"},
    ),
    "the tests, from what others inherit": (
        "The package does not know its tests",
        {"testing/suites/connectors.py": "import tests.databases"},
    ),
    "connectors": (
        "Connectors do not know each other",
        {"connectors/one.py": "", "connectors/another.py": "import dvt.connectors.one"},
    ),
    "engines": (
        "Engines do not know each other",
        {"engines/one.py": "", "engines/another.py": "import dvt.engines.one"},
    ),
    "buckets": (
        "Buckets do not know each other",
        {"buckets/one.py": "", "buckets/another.py": "import dvt.buckets.one"},
    ),
    "who is alive, from a driver": (FLOORS, {"drivers/disk.py": "import dvt.runs"}),
    "drivers": (
        "Drivers do not know each other, but for DuckDB's and the network's",
        {"drivers/one.py": "", "drivers/another.py": "import dvt.drivers.one"},
    ),
    "the lifecycle, up": (
        "Within the lifecycle imports point down",
        {"lifecycle/find/places.py": "import dvt.lifecycle.retire"},
    ),
    "the lifecycle, from a run": (
        "What runs dbt does not know the lifecycle",
        {"app/runs.py": "import dvt.lifecycle.retire"},
    ),
    "dbt, from the page": (
        "The page and the API do not run dbt",
        {"web/__init__.py": "import dvt.app.runs"},
    ),
    "SQL in the lifecycle": (
        "Only the lifecycle's store, and what cleans tables, know SQLAlchemy",
        {"lifecycle/find/places.py": "import sqlalchemy"},
    ),
    "the bridge, up": (
        "Within the bridge imports point down",
        {"dbt_bridge/outputs/targets.py": "import dvt.dbt_bridge.session"},
    ),
    "the bridge, sideways": (
        "Within the bridge imports point down",
        {"dbt_bridge/project/sources.py": "import dvt.dbt_bridge.jinja.hooks"},
    ),
    "the bridge, for types alone": (
        "Within the bridge imports point down",
        {
            "dbt_bridge/session.py": "if TYPE_CHECKING:\n"
            "    from dvt.dbt_bridge.entry.adapters import TargetAdapters"
        },
    ),
    "a folder of the bridge without a floor": (
        "Within the bridge imports point down",
        {"dbt_bridge/others/__init__.py": ""},
    ),
    "a circle in the bridge": (
        "Files do not import in a circle",
        {"dbt_bridge/jinja/scope.py": "import dvt.dbt_bridge.jinja.contexts"},
    ),
    "a circle in another room": (
        "Files do not import in a circle",
        {"core/names.py": "import dvt.core.types", "core/types.py": "import dvt.core.names"},
    ),
    "stages": ("Stages meet in federate.py alone", {"federation/load.py": "import dvt.federation.extract"}),
    "a connection's part": (
        "The parts of a connection do not know it",
        {"federation/connections/writes.py": "import dvt.federation.connections.tables"},
    ),
}
"""Breach → the contract that must notice it, and the lines that make it."""


def test_every_contract_is_broken():
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = {contract["name"] for contract in configuration["tool"]["importlinter"]["contracts"]}
    assert {contract for contract, _ in BREACHES.values()} == contracts


@pytest.mark.slow
@pytest.mark.parametrize("breach", BREACHES)
def test_a_broken_import_rule_is_noticed(breach: str, tmp_path: Path):
    contract, lines = BREACHES[breach]
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, line in lines.items():
        broken_file = tmp_path / "src" / "dvt" / name
        broken_file.parent.mkdir(exist_ok=True)
        with broken_file.open("a") as file:
            file.write(f"\n{line}\n")
    broken = _lint(tmp_path)
    assert broken.returncode == 1
    noticed = [line for line in broken.stdout.splitlines() if line.startswith(contract)]
    assert "BROKEN" in noticed[0]


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    return subprocess.run(
        [LINT, "--no-cache"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
