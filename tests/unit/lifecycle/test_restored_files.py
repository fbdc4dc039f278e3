"""Files come back as they were, verified, and never over another file or by a link."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from dvt.core.retention import Action, Result
from dvt.lifecycle.back_up.manifest import Entry
from dvt.lifecycle.back_up.vault import Vault
from dvt.lifecycle.upkeep import Finding, purge, verify, weaknesses
from tests.unit.lifecycle.killing import killed_at, steps
from tests.unit.lifecycle.scenes import Scene

pytestmark = pytest.mark.slow

DAY = 86_400 * 10**9


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_a_file_comes_back_with_all_that_was_known_of_it(scene: Scene) -> None:
    path = scene.file("ops/deep/operation_1.json", b"{}", mode=0o2640)
    os.utime(path, ns=(1, 1_600_000_000_123_456_789))
    attributes = {}
    try:
        os.setxattr(path, "user.origin", b"etl\x00\xff")
        attributes["user.origin"] = b"etl\x00\xff"
    except OSError:
        pass  # this file system has none
    if os.geteuid() == 0:
        os.chown(path, 0, 12345)
        path.chmod(0o2640)
    before = path.stat()
    scene.delete([path])
    for folder in (path.parent, path.parent.parent):
        folder.rmdir()
    (outcome,) = scene.restore()
    assert (outcome.result, outcome.detail) == (Result.RESTORED, "")
    after = path.stat()
    assert path.read_bytes() == b"{}"
    for fact in ("st_mode", "st_uid", "st_gid", "st_size", "st_mtime_ns"):
        assert getattr(after, fact) == getattr(before, fact)
    assert {name: os.getxattr(path, name) for name in os.listxattr(path)} == attributes


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sets these")
def test_capabilities_and_access_control_lists_come_back(scene: Scene) -> None:
    path = scene.file("tool", mode=0o4755)
    acl = bytes.fromhex("02000000 01000600 ffffffff 02000600 39300000 04000400 ffffffff 10000600 ffffffff")
    acl += bytes.fromhex("20000000 ffffffff")
    os.setxattr(path, "security.capability", bytes.fromhex("0000000200040000000000000000000000000000"))
    try:
        os.setxattr(path, "system.posix_acl_access", acl)
    except OSError:
        pytest.skip("this file system has no access control lists")
    before = {name: os.getxattr(path, name) for name in os.listxattr(path)}
    assert len(before) == 2
    mode = path.stat().st_mode
    scene.delete([path])
    scene.restore()
    assert {name: os.getxattr(path, name) for name in os.listxattr(path)} == before
    assert path.stat().st_mode == mode


def test_what_to_restore_is_chosen_by_name_run_time_and_pattern(scene: Scene) -> None:
    a, b, c = (scene.file(f"ops/{name}.json", name.encode()) for name in "abc")
    scene.delete([a])
    scene.delete([b, c])
    with Vault(scene.vault) as vault:
        made = {entry.item.key: entry.made for entry in vault.entries()}
    choices = (
        ({"keys": frozenset({str(b)})}, {b}),
        ({"run": "run001"}, {a}),
        ({"run": "run002"}, {b, c}),
        ({"patterns": ("*/ops/a.json",)}, {a}),
        ({"patterns": ("[bc].json", "none")}, {b, c}),
        ({"since": made[str(a)] + 1}, {b, c}),
        ({"until": made[str(a)] + 1}, {a}),
        ({"run": "run001", "patterns": ("b*",)}, set()),
        ({}, {a, b, c}),
    )
    for wanted, expected in choices:
        assert {outcome.item.key for outcome in scene.restore(**wanted)} == {str(path) for path in expected}
        assert {path for path in (a, b, c) if path.exists()} == expected
        for path in expected:
            assert path.read_bytes() == path.stem.encode()
            path.unlink()


def test_of_several_backups_the_latest_is_restored_unless_a_run_is_named(scene: Scene) -> None:
    path = scene.file("a", b"first")
    scene.delete([path])
    scene.delete([scene.file("a", b"second")])
    scene.restore()
    assert path.read_bytes() == b"second"
    assert (scene.vault / "a.backup").read_bytes() == b"second"
    path.unlink()
    scene.restore(run="run001")
    assert path.read_bytes() == b"first"


def test_another_file_is_not_overwritten_unless_it_is_asked_for(scene: Scene) -> None:
    path = scene.file("a", b"first")
    scene.delete([path])
    scene.file("a", b"newer")
    (outcome,) = scene.restore()
    assert (outcome.result, path.read_bytes()) == (Result.FAILED, b"newer")
    assert "another file has its name" in outcome.detail
    (outcome,) = scene.restore(force=True)
    assert (outcome.result, path.read_bytes()) == (Result.RESTORED, b"first")
    (outcome,) = scene.restore()
    assert (outcome.result, outcome.detail) == (Result.RESTORED, "it is there already")


@pytest.mark.parametrize("force", [True, False])
def test_what_has_a_file_s_name_is_never_followed(scene: Scene, force: bool) -> None:
    outside = scene.top / "outside"
    outside.write_bytes(b"outside")
    path = scene.file("a", b"first")
    scene.delete([path])
    path.symlink_to(outside)
    scene.restore(force=force)
    assert outside.read_bytes() == b"outside"
    assert path.is_symlink() != force
    path.unlink()
    path.mkdir()
    (outcome,) = scene.restore(force=force)
    assert outcome.result is Result.FAILED
    assert path.is_dir()


@pytest.mark.parametrize("force", [True, False])
def test_a_restore_does_not_leave_the_root_by_a_link_that_is_there_since(scene: Scene, force: bool) -> None:
    path = scene.file("ops/deep/a")
    scene.delete([path])
    path.parent.rmdir()
    path.parent.parent.rmdir()
    outside = scene.top / "outside"
    outside.mkdir()
    (scene.root / "ops").symlink_to(outside)
    (outcome,) = scene.restore(force=force)
    assert outcome.result is Result.FAILED
    assert "its folder is not what it was" in outcome.detail
    assert not list(outside.iterdir())


def test_a_damaged_backup_is_not_restored(scene: Scene) -> None:
    path = scene.file("a", b"first")
    (outcome,) = scene.delete([path])
    (scene.vault / outcome.backup).write_bytes(b"fxrst")
    (outcome,) = scene.restore()
    assert outcome.result is Result.FAILED
    assert "is damaged" in outcome.detail
    assert not path.exists()
    assert not list((scene.root / ".dvt-quarantine").iterdir())
    next(scene.vault.glob("run001/0/*")).unlink()
    (outcome,) = scene.restore()
    assert "is gone" in outcome.detail


@pytest.mark.slow
def test_a_restore_that_is_killed_at_any_step_leaves_a_whole_file_or_none(tmp_path: Path) -> None:
    def scene_of(name: str) -> Scene:
        (tmp_path / name).mkdir()
        scene = Scene(tmp_path / name)
        scene.delete([scene.file("ops/a", b"content", mode=0o604)])
        (scene.root / "ops").rmdir()
        return scene

    count = len(steps(scene_of("counted").restore))
    assert count > 20
    for number in range(count):
        scene = scene_of(str(number))
        killed_at(number, scene.restore)
        path = scene.root / "ops" / "a"
        assert {one.name for one in scene.root.iterdir()} <= {"ops", ".dvt-quarantine"}
        assert set((scene.root / "ops").glob("*")) <= {path}
        assert not path.exists() or (path.read_bytes(), path.stat().st_mode & 0o777) == (b"content", 0o604)
        scene.recover()
        assert not list((scene.root / ".dvt-quarantine").glob("*"))
        scene.restore()
        assert path.read_bytes() == b"content"


def test_backups_that_are_not_what_they_were_are_found(scene: Scene) -> None:
    paths = [scene.file(name, b"content") for name in "abcde"]
    outcomes = scene.delete(paths)
    good, changed, shorter, gone, link = (scene.vault / outcome.backup for outcome in outcomes)
    changed.write_bytes(b"Content")
    shorter.write_bytes(b"conten")
    gone.unlink()
    link.unlink()
    link.symlink_to(good)
    manifest = scene.vault / "run001" / "manifest.jsonl"
    lines = manifest.read_text().splitlines()
    elsewhere = lines[-1].replace(outcomes[-1].backup.partition("/")[2], "../elsewhere.backup")
    manifest.write_text("\n".join([*lines, elsewhere, "no json", "a last line that was not written whole"]))
    with Vault(scene.vault) as vault, scene.places as places:
        answers = list(verify(vault, places))
    problems = {answer.location: answer.problem for answer in answers if isinstance(answer, Finding)}
    assert [answer.item.key for answer in answers if isinstance(answer, Entry)] == [str(paths[0])]
    assert problems[outcomes[1].backup] == "its content is not what the file's was"
    assert problems[outcomes[2].backup] == "it has another size than the file had"
    assert problems[outcomes[3].backup] == "it is gone"
    assert "cannot be read" in problems[outcomes[4].backup]
    assert sum(location.endswith("manifest.jsonl") for location in problems) == 1
    assert len([a for a in answers if isinstance(a, Finding) and a.location.endswith("jsonl")]) == 2


def test_backups_go_when_their_time_is_over_and_nothing_else_does(scene: Scene) -> None:
    with_group = [scene.planned(scene.file(f"g{n}"), group="pipeline") for n in range(3)]
    scene.run(with_group, keep=timedelta(days=7))
    scene.delete([scene.file("kept")], Action.ARCHIVE)
    scene.delete([scene.file("alone")])
    logs = scene.vault / "cleanup_20260101.log"
    logs.write_text("log")
    own = scene.vault / "run001" / "0" / "somebody's.backup"
    own.write_text("own")
    (scene.vault / "alone2.backup").write_text("not a link")
    with Vault(scene.vault) as vault, scene.places as places:
        now = max(entry.made for entry in vault.entries())
        assert list(purge(vault, places, now + 6 * DAY)) == []
        gone = {entry.item.key.rpartition("/")[2] for entry in purge(vault, places, now + 8 * DAY)}
        assert gone == {"g0", "g1", "alone"}
        assert list(purge(vault, places, now + 8 * DAY)) == []
        left = {entry.item.key.rpartition("/")[2] for entry in vault.entries()}
        assert left == {"g2", "kept"}
        assert {
            entry.item.key.rpartition("/")[2] for entry in purge(vault, places, now + 8 * DAY, min_keep=0)
        } == {"g2"}
    assert own.exists()
    assert logs.exists()
    names = {path.name for path in scene.vault.iterdir()}
    assert names == {"run001", "run002", logs.name, "kept.backup", "alone2.backup"}
    assert {path.name for path in (scene.vault / "run001").iterdir()} == {"0"}


def test_what_has_the_name_of_a_link_to_a_backup_stays(scene: Scene) -> None:
    scene.vault.mkdir()
    (scene.vault / "a.backup").write_text("own")
    (scene.vault / "b.backup").symlink_to("/etc/passwd")
    scene.delete([scene.file("a"), scene.file("b")])
    assert (scene.vault / "a.backup").read_text() == "own"
    assert (scene.vault / "b.backup").readlink() == Path("/etc/passwd")


def test_a_link_to_a_purged_backup_leads_to_the_newest_one_that_is_left_or_goes(scene: Scene) -> None:
    scene.delete([scene.file("a", b"first")], Action.ARCHIVE)
    scene.delete([scene.file("a", b"second")], Action.ARCHIVE)
    scene.delete([scene.file("a", b"third"), scene.file("b")])
    link = scene.vault / "a.backup"
    assert link.read_bytes() == b"third"
    with Vault(scene.vault) as vault, scene.places as places:
        now = max(entry.made for entry in vault.entries())
        assert len(list(purge(vault, places, now + 8 * DAY))) == 2
    assert link.read_bytes() == b"second"
    assert not (scene.vault / "b.backup").is_symlink()


def test_a_weak_place_of_backups_is_told(scene: Scene) -> None:
    with Vault(scene.vault) as vault, scene.places as places:
        assert list(weaknesses(vault, places)) == []
        (told,) = weaknesses(vault, places, other_device=True)
        assert "on the same device" in told
    with Vault(scene.root / "backups") as vault, scene.places as places:
        assert list(weaknesses(vault, places)) == []  # finders do not enter it
        assert not list((scene.root / "backups").iterdir())
