"""Files are downloaded on one machine and installed on another, which has no registry."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from dvt.app.sync import SyncRequest, sync
from dvt.cli.sync import command
from dvt.environment.installed import environment_at
from dvt.environment.report import SyncReport
from tests.unit.environment.wheelhouse import Wheelhouse

pytestmark = pytest.mark.slow


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheelhouse:
    house = Wheelhouse(tmp_path, monkeypatch)
    house.wheel("dbt-teradata", "1.9.0", ["trinity>=2"])
    house.wheel("trinity", "2.1")
    house.outputs(a="teradata")
    return house


def run(house: Wheelhouse, installer: str | None = None, **places: Path) -> SyncReport:
    return sync(SyncRequest(project_dir=house.project, python_env=house.env, installer=installer, **places))


def outcomes(report: SyncReport) -> list[tuple[str, str, str]]:
    return [(str(item.outcome), item.package, item.version) for item in report.items]


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_what_was_downloaded_is_installed_without_a_registry(house: Wheelhouse, installer: str):
    folder = house.folder / "taken"
    before = house.files()
    report = run(house, download=folder)
    assert outcomes(report) == [("DOWNLOADED", "dbt-teradata", "1.9.0")]
    assert report.others == ("trinity 2.1",)
    assert house.files() == before
    assert not (house.project / "sync.lock").exists()
    assert len(list(folder.iterdir())) == 2
    shutil.rmtree(house.wheels)
    house.wheels.mkdir()
    assert outcomes(run(house, installer, offline=folder)) == [("OK", "dbt-teradata", "1.9.0")]
    digest = hashlib.sha256((folder / "dbt_teradata-1.9.0-py3-none-any.whl").read_bytes()).hexdigest()
    assert digest in (house.project / "sync.lock").read_text()


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_offline_looks_nowhere_else(
    house: Wheelhouse, installer: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.delenv("UV_CONFIG_FILE")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_NO_INDEX", "0")
    (tmp_path / "nothing").mkdir()
    house.outputs(a="sqlite")  # which the registry has
    report = run(house, installer, offline=tmp_path / "nothing")
    assert [(outcome, version) for outcome, _, version in outcomes(report)] == [("FAILED", "")]
    assert environment_at(house.env).version("duckdb-extension-sqlite-scanner") is None


def test_a_download_has_the_versions_of_the_lock(house: Wheelhouse):
    run(house)
    house.wheel("dbt-teradata", "1.9.9")
    assert outcomes(run(house, download=house.folder / "taken")) == [("DOWNLOADED", "dbt-teradata", "1.9.0")]


def test_what_cannot_be_downloaded_fails_by_its_name(house: Wheelhouse):
    house.outputs(a="teradata", b="exasol")
    report = run(house, download=house.folder / "taken")
    assert outcomes(report) == [("FAILED", "dbt-exasol", ""), ("DOWNLOADED", "dbt-teradata", "1.9.0")]
    assert not report.is_right
    assert len(list((house.folder / "taken").iterdir())) == 2


def test_where_nothing_can_be_had_each_package_has_its_reason(house: Wheelhouse):
    house.outputs(b="exasol")
    (item,) = run(house, download=house.folder / "taken").items
    assert item.error is not None
    assert item.error.code == "DVT187"
    assert "dbt-exasol" in item.error.message


def test_a_folder_that_cannot_be_made_fails_with_the_reason(house: Wheelhouse):
    (house.folder / "file").write_text("")
    (item,) = run(house, download=house.folder / "file" / "taken").items
    assert item.error is not None
    assert "Not a directory" in item.error.message


@pytest.mark.parametrize("other", [["--dry-run"], ["--installer", "uv"], ["--offline", "."]])
def test_a_download_goes_with_nothing_that_installs(other: list[str]):
    done = CliRunner().invoke(command(), ["--download", "x", *other])
    assert done.exit_code == 2
    assert "--download goes without" in done.output
