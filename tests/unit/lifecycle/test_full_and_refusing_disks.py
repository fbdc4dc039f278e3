"""Disks that are full, read-only or refuse: what cannot be backed up stays, and the rest goes on."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dvt.core.errors import VaultRefused
from dvt.core.retention import Result
from dvt.lifecycle.back_up import back_up
from dvt.lifecycle.back_up.vault import Vault
from dvt.lifecycle.upkeep import Finding, verify, weaknesses
from tests.nobody import as_nobody
from tests.unit.lifecycle.scenes import Scene

pytestmark = pytest.mark.slow


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@contextmanager
def _mounted(where: Path, *options: str | Path) -> Iterator[None]:
    where.mkdir(mode=0o700, exist_ok=True)
    if subprocess.run(["mount", *options, where], check=False, capture_output=True).returncode:
        pytest.skip("this user may not mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", where], check=True)


def _require_whole(scene: Scene) -> None:
    """Require that all backups can be read, and that there are no others."""
    with Vault(scene.vault) as vault, scene.places as places:
        assert not [answer for answer in verify(vault, places) if isinstance(answer, Finding)]
        named = {entry.location for entry in vault.entries()}
    assert named == {str(path.relative_to(scene.vault)) for path in scene.vault.glob("*/*/*")}


def test_what_does_not_fit_stays_and_what_does_goes(scene: Scene) -> None:
    small = [scene.file(f"small{number}", b"s" * 1000) for number in range(5)]
    large = scene.file("large", b"l" * 2_000_000)
    with _mounted(scene.vault, "-t", "tmpfs", "-o", "size=256k", "none"):
        outcomes = scene.delete([*small[:2], large, *small[2:]])
        assert [outcome.result for outcome in outcomes] == [
            *[Result.DELETED] * 2, Result.FAILED, *[Result.DELETED] * 3
        ]  # fmt: skip
        assert "no space is left for it" in outcomes[2].detail
        assert large.read_bytes() == b"l" * 2_000_000
        _require_whole(scene)
        assert {outcome.result for outcome in scene.restore()} == {Result.RESTORED}
        with Vault(scene.vault) as vault, scene.places as places:
            assert any("bytes left" in told for told in weaknesses(vault, places))


@pytest.mark.parametrize("pages", range(14))
def test_a_place_of_backups_may_become_full_at_any_moment(scene: Scene, pages: int) -> None:
    paths = [scene.file(f"{number}", bytes([number]) * 6000) for number in range(5)]
    with _mounted(scene.vault, "-t", "tmpfs", "-o", "size=256k,mode=0700", "none"):
        filler = scene.vault / "filler"
        filler.write_bytes(b"x" * (64 - pages) * 4096)
        outcomes = scene.delete(paths)
        for number, (path, outcome) in enumerate(zip(paths, outcomes, strict=True)):
            assert path.exists() == (outcome.result is Result.FAILED)
            assert not path.exists() or path.read_bytes() == bytes([number]) * 6000
            assert not path.exists() or "no space is left" in outcome.detail
        _require_whole(scene)
        rest = scene.vault / "rest"
        with contextlib.suppress(OSError):
            rest.write_bytes(b"x" * 256 * 1024)
        assert scene.recover() == []
        _require_whole(scene)
        filler.unlink()
        rest.unlink()
        assert {outcome.result for outcome in scene.restore()} <= {Result.RESTORED}
        assert all(path.read_bytes() == bytes([number]) * 6000 for number, path in enumerate(paths))


@pytest.mark.parametrize("nodes", range(2, 12))
def test_a_place_of_backups_may_have_no_names_left(scene: Scene, nodes: int) -> None:
    paths = [scene.file(f"{number}", b"content") for number in range(3)]
    with _mounted(scene.vault, "-t", "tmpfs", "-o", f"nr_inodes={nodes}", "none"):
        outcomes = scene.delete(paths)
        for path, outcome in zip(paths, outcomes, strict=True):
            assert path.exists() == (outcome.result is Result.FAILED)
        _require_whole(scene)
        scene.recover()


def test_files_on_a_full_disk_can_be_deleted_or_stay(scene: Scene) -> None:
    with _mounted(scene.root, "-t", "tmpfs", "-o", "size=128k", "none"):
        path, large = scene.file("a"), scene.file("large", b"l" * 40_000)
        with contextlib.suppress(OSError):
            (scene.root / "filler").write_bytes(b"x" * 128 * 1024)
        outcomes = scene.delete([path, large])
        for one, outcome in zip((path, large), outcomes, strict=True):
            assert one.exists() == (outcome.result is not Result.DELETED)
        scene.recover()


def test_files_of_a_read_only_file_system_stay(scene: Scene) -> None:
    path = scene.file("a")
    with _mounted(scene.root, "--bind", scene.root):
        subprocess.run(["mount", "-o", "remount,ro,bind", scene.root], check=True)
        planned = scene.planned(path)
        (outcome,) = scene.run([planned])
        assert (outcome.result, path.read_bytes()) == (Result.FAILED, b"content")
        assert "Read-only" in outcome.detail
        assert scene.recover() == []


def test_the_doctor_says_that_files_of_a_read_only_file_system_cannot_go(project, dvt, tmp_path) -> None:
    exports = tmp_path / "disk" / "exports"
    exports.mkdir(parents=True)
    project.settings("exports: {days: 30}", data=f'{{exports: {{in: [{exports}], files: ["*.csv"]}}}}')
    dvt("init")
    assert f"OK    folder {exports}: exports" in dvt("doctor")
    with _mounted(exports.parent, "--bind", exports.parent):
        subprocess.run(["mount", "-o", "remount,ro,bind", exports.parent], check=True)
        told = dvt("doctor", code=1)
    assert f"FAIL  folder {exports}: nothing there can be deleted" in told


def test_a_read_only_place_of_backups_stops_deletion(scene: Scene) -> None:
    path = scene.file("a")
    with _mounted(scene.vault, "--bind", scene.vault):
        subprocess.run(["mount", "-o", "remount,ro,bind", scene.vault], check=True)
        (outcome,) = scene.delete([path])
        assert outcome.result is Result.FAILED
        with Vault(scene.vault) as vault, scene.places as places:
            assert any("nothing can be written" in told for told in weaknesses(vault, places))
    scene.vault.chmod(0o755)
    with _mounted(scene.vault, "--bind", scene.vault):
        subprocess.run(["mount", "-o", "remount,ro,bind", scene.vault], check=True)
        with pytest.raises(VaultRefused, match="can be entered by others"):
            scene.delete([path])
    assert path.exists()


@pytest.mark.parametrize("flags", ["+i", "+a"])
@pytest.mark.parametrize("of_folder", [True, False])
def test_a_file_that_may_not_be_moved_stays_and_others_go(scene: Scene, flags: str, of_folder: bool) -> None:
    path, other = scene.file("ops/a"), scene.file("b")
    protected = path.parent if of_folder else path
    if subprocess.run(["chattr", flags, protected], check=False, capture_output=True).returncode:
        pytest.skip("this user or file system cannot protect files")
    try:
        first, second = scene.delete([path, other])
        assert (first.result, path.read_bytes()) == (Result.FAILED, b"content")
        assert "not permitted" in first.detail
        assert second.result is Result.DELETED
    finally:
        subprocess.run(["chattr", flags.replace("+", "-"), protected], check=True)


def test_a_backup_that_cannot_be_read_back_is_none(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk has other bytes than were written: the copy is changed before it is read back."""
    path, other = scene.file("a"), scene.file("b")

    def spoil(descriptor: int) -> None:
        file = Path(f"/proc/self/fd/{descriptor}").readlink()
        if file.name == "a.backup":
            file.write_bytes(b"c0ntent")

    monkeypatch.setattr(back_up, "forget_cached", spoil)
    first, second = scene.delete([path, other])
    assert (first.result, first.detail) == (Result.FAILED, "the backup that was written is not what was read")
    assert (path.read_bytes(), second.result) == (b"content", Result.DELETED)
    _require_whole(scene)


def _fails(error: OSError) -> Callable[..., None]:
    def fail(*_arguments: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize("function", ["sync_one", "sync_all"])
def test_a_disk_that_cannot_be_written_to_deletes_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    paths = [scene.file(str(number)) for number in range(20 if function == "sync_all" else 2)]
    monkeypatch.setattr(back_up, function, _fails(OSError(5, "Input/output error")))
    outcomes = scene.delete(paths)
    assert {outcome.result for outcome in outcomes} == {Result.FAILED}
    assert all("Input/output error" in outcome.detail for outcome in outcomes)
    assert all(path.exists() for path in paths)
    assert not list(scene.vault.glob("*/*/*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_somebody_who_may_not_read_a_file_is_told_so() -> None:
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder))
        path, other = scene.file("a", mode=0), scene.file("b")
        for one in (scene.top, scene.root, path, other):
            os.chown(one, 65534, 65534)
        results = as_nobody(lambda: [outcome.result.value for outcome in scene.delete([path, other])])
        assert results == [Result.FAILED.value, Result.DELETED.value]
        assert path.exists()


def test_what_a_killed_run_left_is_removed_as_soon_as_it_can_be(scene: Scene) -> None:
    scene.delete([scene.file("a")])
    manifest, left = scene.vault / "run001" / "manifest.jsonl", scene.vault / "run001" / "0" / "left.backup"
    manifest.write_text(manifest.read_text() + '{"writing": ["0/left.backup"]}\n')
    left.write_bytes(b"half of it")
    with _mounted(scene.vault, "--bind", scene.vault):
        subprocess.run(["mount", "-o", "remount,ro,bind", scene.vault], check=True)
        assert scene.recover() == []
    assert left.exists()
    assert scene.recover() == []
    assert not left.exists()
    _require_whole(scene)
