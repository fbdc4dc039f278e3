"""Drivers of JDBC are installed whole, once, and as sync.lock has them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from dvt.app.sync import SyncRequest, sync
from dvt.config.profiles import load_profile
from dvt.core.errors import JarUnavailable
from dvt.core.libraries import installed_jars
from dvt.drivers.jdbc.jars import COORDINATES, KNOWN, drivers_of
from dvt.environment.jars import Folder, JarSync, JarUse, Maven
from dvt.environment.lock import read_lock
from dvt.environment.report import Outcome

DRIVER = "org.example:driver:1.0"
USE = JarUse(DRIVER, ("output erp (jdbc)",))


@pytest.fixture
def offline(tmp_path: Path) -> Path:
    """A folder that --download has filled with one driver of two jars."""
    folder = tmp_path / "wheels" / "jdbc" / "org.example_driver_1.0"
    folder.mkdir(parents=True)
    (folder / "driver-1.0.jar").write_bytes(b"driver")
    (folder / "needed-2.0.jar").write_bytes(b"needed")
    return folder.parents[1]


@pytest.fixture
def made(tmp_path: Path, offline: Path):
    def make(**changes) -> JarSync:
        keys = {
            "jars": (USE,),
            "lock_file": tmp_path / "sync.lock",
            "source": Folder(offline),
            "home": tmp_path / "home",
        }
        return JarSync(**(keys | changes))

    return make


def test_a_driver_is_installed_with_what_it_requires_and_locked(made, tmp_path):
    (item,), is_new = made().sync()
    assert (item.outcome, item.is_new, is_new) == (Outcome.OK, True, True)
    names = ["driver-1.0.jar", "needed-2.0.jar"]
    assert [jar.name for jar in installed_jars(DRIVER, tmp_path / "home" / "jdbc")] == names
    assert [jar.file for jar in read_lock(tmp_path / "sync.lock").jars] == names
    text = (tmp_path / "sync.lock").read_text()
    assert all(line.startswith("#") for line in text.splitlines()), "uv and pip take it for comments"


def test_a_second_run_changes_nothing(made, tmp_path):
    made().sync()
    before = (tmp_path / "sync.lock").read_bytes()
    (item,), is_new = made(source=Folder(tmp_path / "nowhere")).sync()
    assert (item.outcome, item.is_new, is_new) == (Outcome.OK, False, False)
    assert (tmp_path / "sync.lock").read_bytes() == before


@pytest.mark.parametrize("is_installed", [True, False])
def test_a_jar_that_is_not_the_locked_one_is_refused(made, offline, tmp_path, is_installed):
    made().sync()
    before = (tmp_path / "sync.lock").read_bytes()
    place = tmp_path / "home" if is_installed else offline
    (place / "jdbc" / "org.example_driver_1.0" / "needed-2.0.jar").write_bytes(b"other")
    if not is_installed:
        shutil.rmtree(tmp_path / "home")
    (item,), is_new = made().sync()
    assert item.outcome is Outcome.FAILED
    assert "DVT228" in item.line
    assert "needed-2.0.jar" in item.line
    assert not is_new
    assert (tmp_path / "sync.lock").read_bytes() == before
    assert is_installed or installed_jars(DRIVER, tmp_path / "home" / "jdbc") == ()


def test_a_jar_that_was_not_locked_is_refused_beside_the_others(made, tmp_path):
    made().sync()
    (tmp_path / "home" / "jdbc" / "org.example_driver_1.0" / "more.jar").write_bytes(b"more")
    (item,), _ = made().sync()
    assert item.outcome is Outcome.FAILED
    assert "more.jar" in item.line


def test_a_dry_run_installs_nothing_and_writes_no_lock(made, tmp_path):
    (item,), is_new = made(dry_run=True).sync()
    assert (item.outcome, is_new) == (Outcome.MISSING, False)
    assert not (tmp_path / "home").exists()
    assert not (tmp_path / "sync.lock").exists()


def test_one_driver_that_cannot_be_had_leaves_the_others(made, tmp_path):
    missing = JarUse("org.example:missing:1", ("output x (jdbc)",))
    (first, second), _ = made(jars=(missing, USE)).sync()
    assert (first.outcome, second.outcome) == (Outcome.FAILED, Outcome.OK)
    assert "org.example:missing:1" in first.line
    assert [folder.name for folder in (tmp_path / "home" / "jdbc").iterdir()] == ["org.example_driver_1.0"]


def test_a_missing_maven_is_explained(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(JarUnavailable) as caught:
        Maven().get(USE, tmp_path)
    assert "maven" in caught.value.hint


def test_all_known_drivers_have_coordinates():
    assert all(COORDINATES.fullmatch(text) for drivers in KNOWN.values() for text in drivers)
    assert drivers_of("jdbc:h2:mem:x", ()) == KNOWN["h2"]
    assert drivers_of("jdbc:h2:mem:x", ("a:b:1",)) == ("a:b:1",)
    assert drivers_of("jdbc:nobody:x", ()) == ()


def test_a_url_is_looked_at_up_to_its_first_jinja_alone(tmp_path):
    url = "jdbc:h2:tcp://h/{{ env_var('NOT_SET') }}"
    outputs = {"erp": {"type": "jdbc", "url": url}}
    (tmp_path / "profiles.yml").write_text(json.dumps({"shop": {"outputs": outputs}}))
    assert load_profile(tmp_path, "shop").beginning("erp", "url") == "jdbc:h2:tcp://h/"


@pytest.mark.slow
def test_maven_fetches_a_driver_from_where_it_is_configured_to_look(tmp_path, monkeypatch):
    if shutil.which("mvn") is None:
        pytest.skip("Maven is not installed: apt-get install maven")
    project = tmp_path / "shop"
    project.mkdir()
    repository = Path.home() / ".m2" / "repository"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MAVEN_OPTS", f"-Dmaven.repo.local={repository}")
    (project / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    outputs = {
        "erp": {"type": "jdbc", "url": "jdbc:derby://h/d"},
        "bad": {"type": "jdbc", "url": "jdbc:x:y", "maven": "org.example:no-such-driver:1.0"},
    }
    (project / "profiles.yml").write_text(json.dumps({"shop": {"target": "erp", "outputs": outputs}}))
    report = sync(SyncRequest(project_dir=project, profiles_dir=project))
    found = {item.package: str(item.outcome) for item in report.items if ":" in item.package}
    derby = KNOWN["derby"][0]
    assert found == {derby: "OK", "org.example:no-such-driver:1.0": "FAILED"}
    jars = installed_jars(derby, tmp_path / ".dvt" / "lib" / "jdbc")
    assert [jar.name.partition("-")[0] for jar in jars] == ["derbyclient", "derbyshared"]
    assert "://" not in (project / "sync.lock").read_text()
    assert sync(SyncRequest(project_dir=project, profiles_dir=project, jdbc=False)).is_right


def test_the_reference_lists_all_known_drivers():
    page = (Path(__file__).parents[3] / "docs" / "reference" / "outputs-jdbc.md").read_text()
    missing = [text for drivers in KNOWN.values() for text in drivers if f"`{text}`" not in page]
    assert not missing
