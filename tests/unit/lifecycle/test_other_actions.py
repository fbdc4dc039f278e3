"""Files that are moved aside, or compressed, and not deleted."""

import gzip
import os
from dataclasses import replace
from pathlib import Path

import pytest

from dvt.core.retention import Action, Result
from dvt.lifecycle.back_up.vault import Vault
from dvt.lifecycle.delete import compression
from dvt.lifecycle.upkeep import Finding, purge, verify
from tests.unit.lifecycle.scenes import Scene

DAY = 86_400 * 10**9


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def _moved_aside(scene: Scene, path: Path, days: float = 3) -> Path:
    planned = scene.planned(path, Action.QUARANTINE)
    (outcome,) = scene.run([replace(planned, decision=replace(planned.decision, quarantine_days=days))])
    assert outcome.result is Result.QUARANTINED
    return Path(outcome.backup)


def test_a_file_is_moved_aside_and_comes_back(scene: Scene) -> None:
    path = scene.file("ops/a", b"content", mode=0o604)
    inode = path.stat().st_ino
    aside = _moved_aside(scene, path)
    assert not path.exists()
    assert (aside.stat().st_ino, aside.parent.parent) == (inode, scene.root / ".dvt-quarantine")
    assert not list(scene.vault.glob("*/*/*"))
    assert scene.recover() == []
    (outcome,) = scene.restore()
    assert outcome.result is Result.RESTORED
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"content", 0o604)


def test_what_was_moved_aside_goes_when_its_time_is_over(scene: Scene) -> None:
    short, long = (_moved_aside(scene, scene.file(str(days)), days) for days in (3, 30))
    with Vault(scene.vault) as vault, scene.places as places:
        now = max(entry.made for entry in vault.entries())
        assert list(purge(vault, places, now + 2 * DAY)) == []
        (gone,) = purge(vault, places, now + 4 * DAY)
        assert gone.location == str(short)
        assert not short.parent.exists()
        assert long.exists()
        assert [entry.location for entry in vault.entries()] == [str(long)]
        assert list(purge(vault, places, now + 4 * DAY)) == []


def test_what_was_moved_aside_is_verified(scene: Scene) -> None:
    aside = _moved_aside(scene, scene.file("a"))
    with Vault(scene.vault) as vault, scene.places as places:
        assert not [answer for answer in verify(vault, places) if isinstance(answer, Finding)]
        aside.write_bytes(b"c0ntent")
        (finding,) = verify(vault, places)
        assert isinstance(finding, Finding)
        assert finding.problem == "its content is not what the file's was"
        scene.root.rename(scene.top / "unmounted")
    with Vault(scene.vault) as vault, scene.places as places:
        (finding,) = verify(vault, places)
        assert isinstance(finding, Finding)
        now = next(vault.entries()).made
        assert list(purge(vault, places, now + 4 * DAY)) == []
        assert list(vault.entries())


def test_a_file_is_compressed_in_its_place(scene: Scene) -> None:
    content = b"line\n" * 300_000 + os.urandom(1000)
    path = scene.file("logs/dbt.log", content, mode=0o640)
    os.utime(path, ns=(5, 1_600_000_000_000_000_007))
    (outcome,) = scene.delete([path], Action.COMPRESS)
    assert outcome.result is Result.COMPRESSED, outcome
    packed = path.with_name("dbt.log.gz")
    assert not path.exists()
    assert gzip.decompress(packed.read_bytes()) == content
    assert (packed.stat().st_mode & 0o777, packed.stat().st_mtime_ns) == (0o640, 1_600_000_000_000_000_007)
    assert packed.stat().st_size < len(content) / 100
    (outcome,) = scene.delete([packed], Action.COMPRESS)
    assert (outcome.result, outcome.detail) == (Result.CHANGED, "it is compressed already")
    (outcome,) = scene.restore()
    assert path.read_bytes() == content


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_what_has_the_compressed_file_s_name_stays(scene: Scene, kind: str) -> None:
    path, target = scene.file("a"), scene.root / "a.gz"
    if kind == "file":
        target.write_bytes(b"other")
    elif kind == "link":
        target.symlink_to(scene.file("b"))
    else:
        target.mkdir()
    before = target.lstat().st_ino
    (outcome,) = scene.delete([path], Action.COMPRESS)
    assert outcome.result is Result.FAILED, outcome
    assert path.read_bytes() == b"content"
    assert target.lstat().st_ino == before


def test_a_compressed_copy_that_is_not_what_was_read_deletes_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(descriptor: int) -> None:
        os.pwrite(descriptor, b"?", 12)

    monkeypatch.setattr(compression, "forget_cached", spoil)
    path = scene.file("a", b"content" * 100)
    (outcome,) = scene.delete([path], Action.COMPRESS)
    assert outcome.result is Result.FAILED
    assert path.read_bytes() == b"content" * 100
    assert [entry.name for entry in scene.root.iterdir() if entry.is_file()] == ["a"]
    assert not (scene.root / ".dvt-quarantine" / "run001").exists()


def test_actions_may_be_mixed(scene: Scene) -> None:
    actions = [Action.DELETE, Action.COMPRESS, Action.QUARANTINE, Action.ARCHIVE, Action.COMPRESS]
    names = ["a", "b.gz", "c", "d", "e"]
    outcomes = scene.run(
        [scene.planned(scene.file(name), action) for name, action in zip(names, actions, strict=True)]
    )
    assert [outcome.result.value for outcome in outcomes] == [
        "deleted", "changed", "quarantined", "archived", "compressed"
    ]  # fmt: skip
