"""Folders that are one item: what an invocation of dbt has left, whole or not at all."""

import fcntl
import json
import os
import random
import tarfile
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.file_names import as_text
from dvt.core.retention import (
    Action,
    CleanupType,
    Decision,
    Item,
    ItemKind,
    PlannedItem,
    Reason,
    Result,
    RunStatus,
)
from dvt.drivers.file_uses import FileUses
from dvt.drivers.trees import Root
from dvt.lifecycle.back_up.vault import Vault
from dvt.lifecycle.delete.files import FileRemover
from dvt.lifecycle.folders import see
from dvt.lifecycle.restore import Wanted
from dvt.lifecycle.system import System
from tests.unit.lifecycle.killing import killed_at, steps
from tests.unit.lifecycle.projects import DAY, Project
from tests.unit.lifecycle.scenes import Scene, snapshot

pytestmark = pytest.mark.slow

MANUAL = CleanupType.MANUAL


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path / "shop")
    project.settings("dbt_invocations: {days: 30}")
    (project.folder / "dbt_project.yml").write_text("name: shop\n")
    return project


@pytest.fixture
def system(project):
    with System(load_lifecycle(project.folder)) as system:
        system.apply_policies("test")
        yield system


def invocation(folder: Path, age: float, *statuses: str, which: str = "build") -> Path:
    """Write what dbt leaves in its target, of an invocation that ended so many days ago."""
    moment = time.time() - age * DAY
    metadata = {
        "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
        "generated_at": datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z"),
        "invocation_id": folder.name,
        "project_name": "shop",
    }
    results = [{"status": status, "unique_id": f"model.shop.m{n}"} for n, status in enumerate(statuses)]
    contents = {
        "manifest.json": {"metadata": metadata, "nodes": {}},
        "run_results.json": {"metadata": metadata, "results": results, "args": {"which": which}},
        "run/shop/models/m.sql": "create table m as select 1",
        "compiled/shop/models/m.sql": "select 1",
        "dbt.log": "done",
    }
    for name, content in contents.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))
    return aged(folder, age)


def aged(folder: Path, age: float) -> Path:
    moment = time.time() - age * DAY
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (moment, moment))
    return folder


def due(plan) -> set[str]:
    return {of.item.key.rpartition("/")[2] for of in plan.items()}


def test_an_invocation_goes_and_comes_back_as_one(project, system):
    target = invocation(project.folder / "target", 60, "success")
    old = invocation(target / "run_1", 50, "success")
    new = invocation(target / "run_2", 1, "success")
    (old / "compiled").chmod(0o750)
    before = snapshot(old)
    plan = system.plan()
    assert due(plan) == {"run_1"}
    (planned,) = plan.items()
    assert (planned.item.kind, planned.item.files) == (ItemKind.FOLDER, 5)
    record = system.run(plan, MANUAL)
    assert record.status is RunStatus.COMPLETED
    assert not old.exists()
    assert (target / "manifest.json").exists()
    assert (new / "manifest.json").exists()
    (entry,) = system.backups()
    with tarfile.open(system.settings.backups / entry.location) as archive:  # any program can read it
        assert "./run/shop/models/m.sql" in archive.getnames()
    assert len(list(system.verify_backups())) == 1
    (outcome,) = system.restore(Wanted(patterns=("run_1",)))
    assert outcome.result is Result.RESTORED
    after = snapshot(old)

    def facts(seen):
        return {path: (*of[:2], *of[3:]) for path, of in seen.items()}  # inodes are others

    assert facts(after) == facts(before)
    assert old.stat().st_mtime_ns == (old / "dbt.log").stat().st_mtime_ns
    (again,) = system.restore(Wanted(patterns=("run_1",)))
    assert (again.result, again.detail) == (Result.RESTORED, "it is there already")
    (old / "new").write_text("x")
    (other,) = system.restore(Wanted(patterns=("run_1",)), force=True)
    assert other.result is Result.FAILED
    assert (old / "new").exists()


def test_the_project_s_own_target_stays_wherever_it_is(project, system):
    (project.folder / "dbt_project.yml").write_text('name: shop\ntarget-path: "target/dev"\n')
    current = invocation(project.folder / "target/dev", 90, "success")
    invocation(project.folder / "target/around", 95, "success")
    invocation(project.folder / "target/newest", 50, "success")
    assert due(system.plan()) == {"around"}
    (explained,) = system.explain(lambda item: item.key == str(current))
    assert explained.decision.reason is Reason.HELD
    system.run(system.plan(), MANUAL)
    assert current.exists()


def test_an_invocation_says_how_and_when_it_ended(project, system):
    target = project.folder / "target"
    invocation(target / "failed", 50, "success", "error")
    invocation(target / "worked", 70, "success", "skipped")
    invocation(target / "tested", 80, "pass", which="test")
    found = {item.key.rpartition("/")[2]: item for item in system.finders()[0].find(time.time_ns())}
    assert {name: (item.status, item.group) for name, item in found.items()} == {
        "failed": ("failed", "shop build"),
        "worked": ("completed", "shop build"),
        "tested": ("completed", "shop test"),
    }
    # The newest, and the newest that succeeded, of each project and command stay.
    assert due(system.plan()) == set()
    invocation(target / "young", 1, "success")
    assert due(system.plan()) == {"failed", "worked"}


def test_what_is_no_invocation_or_not_whole_yet_stays(project, system):
    target = project.folder / "target"
    plain = aged(project.file(target / "run/shop/m.sql", 90).parent, 90)
    half = invocation(target / "half", 90, "success")
    (half / "run_results.json").write_text('{"metadata": {"generated_at": "2020')
    aged(half, 90)
    invocation(target / "newest", 1, "success")
    assert due(system.plan()) == set()
    assert plain.exists()


CHANGES = {
    "a new file": lambda old: (old / "run/new.sql").write_text("x"),
    "a file that is written to": lambda old: (old / "dbt.log").write_text("more"),
    "a file that is longer, with its old time": lambda old: _lengthen(old / "dbt.log"),
    "a file that is gone": lambda old: (old / "dbt.log").unlink(),
    "a file of the same size and time": lambda old: _replace(old / "dbt.log"),
    "a link": lambda old: (old / "link").symlink_to("dbt.log"),
    "a second name": lambda old: os.link(old / "dbt.log", old.parent / "other.log"),
}


def _lengthen(file: Path) -> None:
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    file.write_text("longer than it was")
    os.utime(file, ns=times)


def _replace(file: Path) -> None:
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    file.with_suffix(".new").write_text("DONE")
    file.with_suffix(".new").replace(file)
    os.utime(file, ns=times)


@pytest.mark.parametrize("change", CHANGES)
def test_a_folder_in_which_something_has_changed_since_the_plan_stays(project, system, change):
    old = invocation(project.folder / "target/run_1", 50, "success")
    invocation(project.folder / "target/run_2", 1, "success")
    plan = system.plan()
    assert due(plan) == {"run_1"}
    CHANGES[change](old)
    before = snapshot(old)
    record = system.run(plan, MANUAL)
    assert record.status is RunStatus.PARTIAL
    assert snapshot(old) == before
    assert list(system.backups()) == []


def test_a_folder_of_which_something_is_open_or_locked_stays(project, system):
    old = invocation(project.folder / "target/run_1", 50, "success")
    invocation(project.folder / "target/run_2", 1, "success")
    with (old / "dbt.log").open() as file:
        assert due(system.plan()) == set()
    plan = system.plan()
    with (old / "dbt.log").open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        system.run(plan, MANUAL)
        (told,) = (of.decision.text for of in system.explain(lambda item: item.key == str(old)))
    assert "has dbt.log open" in told
    assert old.exists()


def test_any_folder_can_be_an_item_and_one_that_holds_backups_never_goes(project):
    exports = project.folder / "exports"
    project.settings(
        "exports: {days: 10}",
        data="{exports: {kind: folders, in: [exports], group_by: name}}",
        backups="{path: exports/batch_2/backups}",
    )
    for number, age in ((1, 50), (2, 49), (3, 48)):
        project.file(exports / f"batch_{number}/part.csv", age)
        aged(exports / f"batch_{number}", age)
    (exports / ".dvt-lifecycle.json").write_text("{}")
    with System(load_lifecycle(project.folder)) as system:
        system.apply_policies("test")
        plan = system.plan()
        assert due(plan) == {"batch_1"}
        system.run(plan, MANUAL)
    assert sorted(path.name for path in exports.glob("batch*")) == ["batch_2", "batch_3"]


def planned(scene: Scene, path: Path, action: Action = Action.DELETE) -> PlannedItem:
    with Root(scene.root, mount_point=True) as root, root.folder([os.fsencode(path.name)]) as folder:
        seen = see(root, folder, FileUses(), foreign=False)
    item = Item(
        data_type="dbt_invocations",
        kind=ItemKind.FOLDER,
        key=as_text(bytes(path)),
        root=str(scene.root),
        identity=seen.identity,
        bytes=seen.bytes,
        files=seen.files,
    )
    return PlannedItem(item=item, decision=Decision(reason=Reason.OLD, text="old", action=action))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("when", ["before its backup", "after its backup"])
def test_a_folder_that_changes_while_it_is_deleted_stays_or_comes_back(tmp_path, when, change):
    scene = Scene(tmp_path)
    old = invocation(scene.root / "run_1", 50, "success")
    item = planned(scene, old)
    with (
        Vault(scene.vault) as vault,
        scene.places as places,
        FileRemover(vault, "run001", places) as remover,
    ):
        if when == "before its backup":
            CHANGES[change](old)
        proofs = remover.back_up([item])
        if when == "after its backup":
            CHANGES[change](old)
            before = snapshot(old)
            proofs = remover.delete(proofs)
            assert snapshot(old) == before
    assert [of.result for of in proofs] == [Result.CHANGED]


NAMES = ("run_1", "run\n2")


def _scene(top: Path) -> Scene:
    top.mkdir(parents=True)
    scene = Scene(top)
    for name in NAMES:
        scene.file(f"{name}/a.json", b"first" * 100)
        scene.file(f"{name}/deep/er/b.sql", b"second")
        (scene.root / name / "empty").mkdir()
    return scene


def _contents(folder: Path) -> dict[str, object]:
    return {str(path.relative_to(folder)): of[-1] for path, of in snapshot(folder).items()}


def _all(scene: Scene, action: Action) -> None:
    scene.recover()
    scene.run([planned(scene, scene.root / name, action) for name in NAMES])


@pytest.mark.parametrize("action", [Action.DELETE, Action.QUARANTINE])
def test_a_run_that_is_killed_at_any_step_loses_no_folder(tmp_path, action):
    whole = _contents(_scene(tmp_path / "whole").root / "run_1")
    count = len(steps(lambda: _all(_scene(tmp_path / "counted"), action)))
    for number in range(random.randrange(13), count, 13):
        scene = _scene(tmp_path / str(number))
        killed_at(number, lambda scene=scene: _all(scene, action))
        scene.recover()
        gone = [name for name in NAMES if not (scene.root / name).exists()]
        outcomes = scene.restore(patterns=("run*",))
        assert {outcome.result for outcome in outcomes} <= {Result.RESTORED}
        assert len(outcomes) >= len(gone)
        for name in NAMES:
            assert _contents(scene.root / name) == whole
        if action is Action.DELETE:
            assert not [path for path in (scene.root / ".dvt-quarantine").rglob("*") if path.is_file()]
        assert scene.recover() == []


def test_a_restore_that_is_killed_leaves_no_half_folder(tmp_path):
    scene = _scene(tmp_path / "scene")
    whole = _contents(scene.root / "run_1")
    _all(scene, Action.DELETE)
    count = len(steps(lambda: scene.restore(patterns=("run_1",))))
    for number in range(random.randrange(5), count, 5):
        killed_at(number, lambda: scene.restore(patterns=("run_1",)))
        if (scene.root / "run_1").exists():
            assert _contents(scene.root / "run_1") == whole
        scene.recover()
        assert not list((scene.root / ".dvt-quarantine").iterdir())


def test_a_folder_that_was_moved_aside_is_its_own_backup(tmp_path):
    scene = _scene(tmp_path / "scene")
    whole = _contents(scene.root / "run_1")
    (outcome,) = scene.run([planned(scene, scene.root / "run_1", Action.QUARANTINE)])
    assert outcome.result is Result.QUARANTINED
    (restored,) = scene.restore(patterns=("run_1",))
    assert restored.result is Result.RESTORED
    assert _contents(scene.root / "run_1") == whole
    (compressed,) = scene.run([planned(scene, scene.root / "run_1", Action.COMPRESS)])
    assert compressed.result is Result.FAILED
    assert _contents(scene.root / "run_1") == whole
