"""Packages are installed by uv and by pip, from wheels in a folder, into an empty environment."""

from __future__ import annotations

import hashlib
import os
import shutil
from importlib.metadata import version
from pathlib import Path

import pytest

from dvt.app.sync import SyncRequest, sync
from dvt.core.errors import EnvironmentUnusable
from dvt.environment.installed import environment_at
from dvt.environment.lock import read_lock
from dvt.environment.report import Outcome, SyncReport
from tests.nobody import as_nobody
from tests.unit.environment.wheelhouse import Wheelhouse

pytestmark = pytest.mark.slow

INSTALLERS = pytest.mark.parametrize("installer", ["uv", "pip"])
UV_AND_RARELY_PIP = pytest.mark.parametrize("installer", ["uv", pytest.param("pip", marks=pytest.mark.long)])


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheelhouse:
    return Wheelhouse(tmp_path, monkeypatch)


def run(house: Wheelhouse, installer: str | None = None, *, dry_run: bool = False) -> SyncReport:
    request = SyncRequest(
        project_dir=house.project, python_env=house.env, installer=installer, dry_run=dry_run
    )
    return sync(request)


def outcomes(report: SyncReport) -> list[tuple[str, str, str]]:
    return [(str(item.outcome), item.package, item.version) for item in report.items]


@INSTALLERS
def test_what_is_missing_is_installed_with_what_it_requires(house: Wheelhouse, installer: str):
    wheel = house.wheel("dbt-teradata", "1.9.0", ["trinity>=2"])
    house.wheel("trinity", "2.1")
    house.outputs(a="teradata")
    report = run(house, installer)
    assert outcomes(report) == [("OK", "dbt-teradata", "1.9.0")]
    assert report.others == ("trinity 2.1",)
    assert report.items[0].is_new
    lock = (house.project / "sync.lock").read_text()
    assert (
        f"dbt-teradata==1.9.0 \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"
        in lock
    )
    assert "://" not in lock
    assert str(house.folder) not in lock


@INSTALLERS
def test_a_second_run_changes_nothing_and_starts_no_installer(house: Wheelhouse, installer: str):
    house.wheel("dbt-teradata", "1.9.0")
    house.outputs(a="teradata")
    run(house, installer)
    before, lock = house.files(), (house.project / "sync.lock").stat().st_mtime_ns
    shutil.rmtree(house.wheels)
    report = run(house, installer)
    assert outcomes(report) == [("OK", "dbt-teradata", "1.9.0")]
    assert not report.installer
    assert house.files() == before
    assert (house.project / "sync.lock").stat().st_mtime_ns == lock


@INSTALLERS
def test_what_was_installed_before_is_in_the_lock_with_its_hash(house: Wheelhouse, installer: str):
    house.wheel("dbt-teradata", "1.9.0")
    house.wheel("dbt-exasol", "2")
    house.outputs(a="teradata")
    _install(house, "dbt-teradata")
    house.wheel("dbt-teradata", "1.9.9")
    house.outputs(a="teradata", b="exasol")
    assert outcomes(run(house, installer)) == [("OK", "dbt-exasol", "2"), ("OK", "dbt-teradata", "1.9.0")]
    locked = read_lock(house.project / "sync.lock").packages
    assert [(package.name, package.version, len(package.hashes)) for package in locked] == [
        ("dbt-exasol", "2", 1),
        ("dbt-teradata", "1.9.0", 1),
    ]


@UV_AND_RARELY_PIP
def test_what_is_installed_stays_right_when_another_package_is_nowhere(house: Wheelhouse, installer: str):
    house.wheel("dbt-teradata", "1.9.0")
    _install(house, "dbt-teradata")
    shutil.rmtree(house.wheels)
    house.wheels.mkdir()
    house.outputs(a="teradata", b="exasol")
    assert outcomes(run(house, installer)) == [("FAILED", "dbt-exasol", ""), ("OK", "dbt-teradata", "1.9.0")]


def test_a_lock_does_not_move_what_dvt_requires(house: Wheelhouse):
    house.wheel("dbt-teradata", "1.9.0", ["trinity"])
    house.wheel("trinity", "2.1")
    house.outputs(a="teradata")
    run(house)
    house.wheel("trinity", "3")
    house.wheel("dvt-engine", "0.1", ["trinity>=3"])
    _install(house, "dvt-engine")
    report = run(house)
    assert outcomes(report) == [("OK", "dbt-teradata", "1.9.0")]
    assert not report.installer
    assert environment_at(house.env).version("trinity") == "3"


@INSTALLERS
def test_a_dry_run_names_versions_and_changes_nothing(house: Wheelhouse, installer: str):
    house.wheel("dbt-teradata", "1.9.0", ["trinity>=2"])
    house.wheel("trinity", "2.1")
    house.outputs(a="teradata")
    before = house.files()
    report = run(house, installer, dry_run=True)
    assert outcomes(report) == [("WOULD INSTALL", "dbt-teradata", "1.9.0")]
    assert report.others == ("trinity 2.1",)
    assert house.files() == before
    assert not (house.project / "sync.lock").exists()


@INSTALLERS
def test_a_package_that_would_change_dbt_core_is_refused_and_the_others_go_in(
    house: Wheelhouse, installer: str
):
    house.wheel("dbt-core", "1.10.3")
    house.wheel("dbt-core", version("dbt-core"))
    house.wheel("dbt-exasol", "1.8", ["dbt-core<1.11"])
    house.wheel("dbt-teradata", "1.9.0", ["dbt-core>=1.11"])
    house.outputs(a="exasol", b="teradata")
    report = run(house, installer)
    assert outcomes(report) == [("FAILED", "dbt-exasol", ""), ("OK", "dbt-teradata", "1.9.0")]
    error = report.items[0].error
    assert error is not None
    assert error.code == "DVT186"
    assert f"does not go with dbt-core {version('dbt-core')}" in error.message
    assert environment_at(house.env).version("dbt-core") == version("dbt-core")
    assert not (house.project / "sync.lock").exists()


@UV_AND_RARELY_PIP
def test_an_installed_dbt_core_stays_though_a_newer_one_would_do(house: Wheelhouse, installer: str):
    house.wheel("dbt-core", "1.11.1")
    house.wheel("dbt-teradata", "1.9.0", ["dbt-core>=1.11"])
    house.wheel("dvt-engine", "0.1", ["dbt-core>=1.11"])
    _install(house, "dvt-engine", "dbt-core")
    house.wheel("dbt-core", "1.11.99")
    house.wheel("dbt-exasol", "2", ["dbt-core>=1.11.50"])
    house.outputs(a="teradata", b="exasol")
    report = run(house, installer)
    assert outcomes(report) == [("FAILED", "dbt-exasol", ""), ("OK", "dbt-teradata", "1.9.0")]
    assert environment_at(house.env).version("dbt-core") == "1.11.1"
    assert "dbt-core" not in {item.package for item in report.items}


@UV_AND_RARELY_PIP
def test_what_dvt_requires_through_others_moves_within_its_bounds_if_nothing_else_goes(
    house: Wheelhouse, installer: str
):
    house.wheel("dvt-engine", "0.1", ["requester"])
    house.wheel("requester", "1", ["bundle>=3"])
    house.wheel("bundle", "5")
    _install(house, "dvt-engine", "requester", "bundle")
    house.wheel("bundle", "4")
    house.wheel("bundle", "2")
    house.wheel("dbt-teradata", "1.9.0", ["bundle<5"])
    house.wheel("dbt-exasol", "1.8", ["bundle<3"])
    house.wheel("requester", "2")
    house.wheel("dbt-vertica", "1", ["requester>=2"])
    house.outputs(a="teradata", b="exasol", c="vertica")
    report = run(house, installer)
    assert outcomes(report) == [
        ("FAILED", "dbt-exasol", ""), ("OK", "dbt-teradata", "1.9.0"), ("FAILED", "dbt-vertica", ""),
    ]  # fmt: skip
    assert report.others == ("bundle 4 instead of 5",)
    env = environment_at(house.env)
    assert (env.version("bundle"), env.version("requester")) == ("4", "1")


@UV_AND_RARELY_PIP
def test_a_package_that_is_nowhere_fails_by_its_name(house: Wheelhouse, installer: str):
    house.wheel("dbt-teradata", "1.9.0")
    house.outputs(a="teradata", b="exasol")
    report = run(house, installer)
    assert outcomes(report) == [("FAILED", "dbt-exasol", ""), ("OK", "dbt-teradata", "1.9.0")]
    error = report.items[0].error
    assert error is not None
    assert error.code == "DVT187"
    assert "dbt-exasol" in error.message
    assert not report.is_right


@UV_AND_RARELY_PIP
def test_the_lock_gives_the_version_though_there_is_a_newer_one(house: Wheelhouse, installer: str):
    house.wheel("dbt-teradata", "1.9.0")
    house.outputs(a="teradata")
    run(house, installer)
    house.wheel("dbt-teradata", "1.9.9")
    _empty(house)
    assert outcomes(run(house, installer)) == [("OK", "dbt-teradata", "1.9.0")]


@UV_AND_RARELY_PIP
def test_another_version_than_the_locks_is_replaced(house: Wheelhouse, installer: str):
    house.wheel("dbt-teradata", "1.9.0")
    house.outputs(a="teradata")
    run(house, installer)
    house.wheel("dbt-teradata", "1.9.9")
    _empty(house)
    _install(house, "dbt-teradata==1.9.9")
    assert outcomes(run(house, installer)) == [("OK", "dbt-teradata", "1.9.0")]


@INSTALLERS
def test_another_file_of_the_locked_version_is_refused(house: Wheelhouse, installer: str):
    house.wheel("dbt-teradata", "1.9.0")
    house.outputs(a="teradata")
    run(house, installer)
    _empty(house)
    shutil.rmtree(house.folder / "cache", ignore_errors=True)
    house.wheel("dbt-teradata", "1.9.0", text="swapped")
    report = run(house, installer)
    assert outcomes(report) == [("FAILED", "dbt-teradata", "")]
    assert report.items[0].error is not None
    assert "before you delete the lock" in report.items[0].error.hint
    assert environment_at(house.env).version("dbt-teradata") is None


@INSTALLERS
def test_what_no_longer_goes_together_is_told(house: Wheelhouse, installer: str):
    house.wheel("trinity", "1.0")
    house.wheel("bystander", "1.0", ["trinity<2"])
    _install(house, "bystander")
    house.wheel("trinity", "2.1")
    house.wheel("dbt-teradata", "1.9.0", ["trinity>=2"])
    house.outputs(a="teradata")
    report = run(house, installer)
    assert outcomes(report) == [("OK", "dbt-teradata", "1.9.0")]
    (conflict,) = report.conflicts
    assert "bystander" in conflict
    assert "trinity" in conflict
    assert not report.is_right


def test_what_a_package_requires_and_is_gone_is_installed_again(house: Wheelhouse):
    house.wheel("dbt-teradata", "1.9.0", ["trinity>=2"])
    house.wheel("trinity", "2.1")
    house.outputs(a="teradata")
    run(house)
    for file in environment_at(house.env).site.glob("trinity*"):
        shutil.rmtree(file) if file.is_dir() else file.unlink()
    dry = run(house, dry_run=True)
    assert dry.items[0].outcome is Outcome.MISSING
    assert dry.items[0].reason == "trinity, which dbt-teradata requires, is not installed"
    assert outcomes(run(house)) == [("OK", "dbt-teradata", "1.9.0")]
    assert environment_at(house.env).version("trinity") == "2.1"


def test_an_environment_that_may_not_be_written_is_refused_before_anything(house: Wheelhouse):
    house.outputs(a="teradata")
    environment = environment_at(house.env)
    environment.refuse_unwritable()

    def asked() -> str:
        try:
            environment.refuse_unwritable()
        except EnvironmentUnusable as error:
            return error.message
        return ""

    if os.geteuid() == 0:
        assert "may not write" in as_nobody(asked)
    else:
        environment.site.chmod(0o555)
        with pytest.raises(EnvironmentUnusable, match="may not write"):
            run(house)


@pytest.mark.parametrize("place", ["nowhere", "text.txt", "wheels"])
def test_what_is_no_environment_is_refused(house: Wheelhouse, place: str):
    (house.folder / "text.txt").write_text("no python")
    with pytest.raises(EnvironmentUnusable, match="no Python that runs"):
        environment_at(house.folder / place)


def _install(house: Wheelhouse, *packages: str) -> None:
    """Install packages from the folder, without dvt."""
    from dvt.environment.installers import find_installer

    installer = find_installer(environment_at(house.env), "uv")
    installer.install(installer.resolve(packages, []))


def _empty(house: Wheelhouse) -> None:
    """Remove all packages from the environment."""
    for file in environment_at(house.env).site.iterdir():
        shutil.rmtree(file) if file.is_dir() else file.unlink()
