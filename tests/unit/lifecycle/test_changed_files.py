"""A file that is not what its plan says, or that somebody uses, stays: at any moment of a run."""

import fcntl
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from pyrage import x25519

from dvt.config.encryption import Encryption
from dvt.core.ports.lifecycle import VerifiedBackup
from dvt.core.retention import Result
from dvt.lifecycle.back_up.cipher import Cipher, Written
from dvt.lifecycle.back_up.vault import Vault
from dvt.lifecycle.delete import deletion
from dvt.lifecycle.delete.files import FileRemover
from dvt.lifecycle.delete.quarantine import Move, Quarantine
from tests.unit.lifecycle.scenes import Scene, snapshot

pytestmark = pytest.mark.slow


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def _append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _same_size(path: Path) -> None:
    path.write_bytes(path.read_bytes()[::-1])


def _replaced(path: Path) -> None:
    path.rename(path.with_suffix(".old"))
    path.write_bytes(b"content")


def _linked(path: Path) -> None:
    path.with_suffix(".second").hardlink_to(path)


def _symlink(path: Path) -> None:
    path.rename(path.with_suffix(".old"))
    path.symlink_to(path.with_suffix(".old"))


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "in it").touch()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _socket(path: Path) -> None:
    path.unlink()
    os.mknod(path, stat.S_IFSOCK | 0o600)


def _folder_swapped(path: Path) -> None:
    path.parent.rename(path.parent.with_name("real"))
    path.parent.symlink_to("real")


CHANGES = [
    _append,
    _same_size,
    _replaced,
    _linked,
    _symlink,
    _folder,
    _pipe,
    _socket,
    _folder_swapped,
    Path.unlink,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_is_not_what_the_plan_says_stays(scene: Scene, change: Callable[[Path], object]) -> None:
    path = scene.file("ops/a.json")
    planned = scene.planned(path)
    change(path)
    before = snapshot(scene.root)
    (outcome,) = scene.run([planned])
    assert outcome.result is Result.CHANGED
    assert outcome.detail
    assert before.items() <= snapshot(scene.root).items()
    assert list(scene.vault.glob("*/*/*")) == []


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize("change", [change for change in CHANGES if change is not _folder_swapped])
def test_a_file_that_changes_while_it_is_backed_up_stays(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], object], encrypted: bool
) -> None:
    path = scene.file("ops/a.json")
    if encrypted:
        scene.encryption = Encryption(recipients=(str(x25519.Identity.generate().to_public()),))
    copy = Cipher.copy

    def copy_and_change(cipher: Cipher, source: int, target: int) -> Written:
        written = copy(cipher, source, target)
        change(path)
        before.update(snapshot(scene.root))
        return written

    before: dict[Path, object] = {}
    monkeypatch.setattr(Cipher, "copy", copy_and_change)
    (outcome,) = scene.delete([path])
    assert outcome.result is Result.CHANGED
    assert before.items() <= snapshot(scene.root).items()
    assert list(scene.vault.glob("*/*/*")) == []


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_has_changed_since_it_was_backed_up_stays(
    scene: Scene, change: Callable[[Path], object]
) -> None:
    path, other = scene.file("ops/a.json"), scene.file("ops/b.json")
    with Vault(scene.vault) as vault, scene.places as places, FileRemover(vault, "r", places) as remover:
        backups = remover.back_up([scene.planned(path), scene.planned(other)])
        change(path)
        before = snapshot(scene.root)
        outcomes = remover.delete([backup for backup in backups if isinstance(backup, VerifiedBackup)])
    assert outcomes[0].result is Result.CHANGED
    if change is not _folder_swapped:
        assert outcomes[1].result is Result.DELETED
        del before[other]
    assert before.items() <= snapshot(scene.root).items()


@pytest.mark.parametrize(
    "change", [_append, _same_size, _linked, _symlink, _folder, _pipe, _socket, _replaced]
)
def test_what_is_found_in_the_quarantine_goes_back_if_it_is_another(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], object]
) -> None:
    """The change comes between the last look and the move: the look in the quarantine finds it."""
    path = scene.file("ops/a.json")
    planned = scene.planned(path)
    take = Quarantine.take

    def late(self: Quarantine, folder: int, name: bytes, move: Move) -> None:
        change(path)
        before.update(snapshot(scene.root / "ops"))
        take(self, folder, name, move)

    before: dict[Path, object] = {}
    monkeypatch.setattr(Quarantine, "take", late)
    (outcome,) = scene.run([planned])
    assert outcome.result is Result.CHANGED
    assert before
    assert snapshot(scene.root / "ops") == before


def test_a_file_that_cannot_go_back_is_kept_beside_the_one_that_has_its_name(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = scene.file("ops/a.json")
    planned = scene.planned(path)
    take = Quarantine.take

    def late(self: Quarantine, folder: int, name: bytes, move: Move) -> None:
        _append(path)
        take(self, folder, name, move)
        path.write_bytes(b"newest")

    monkeypatch.setattr(Quarantine, "take", late)
    (outcome,) = scene.run([planned])
    assert outcome.result is Result.FAILED
    assert path.read_bytes() == b"newest"
    kept = scene.root / ".dvt-quarantine" / "run001" / "1"
    assert f"it is {kept}" in outcome.detail
    assert kept.read_bytes() == b"contentmore"
    path.unlink()
    scene.recover()
    assert path.read_bytes() == b"contentmore"


@pytest.mark.parametrize("sees_leases", [True, False])
def test_a_file_that_is_open_or_locked_stays(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, sees_leases: bool
) -> None:
    if not sees_leases:
        monkeypatch.setattr(deletion, "is_open_elsewhere", lambda _descriptor: None)
    path, other = scene.file("a"), scene.file("b")
    with path.open():
        first, second = scene.delete([path, other])
    assert (first.result, second.result) == (Result.CHANGED, Result.DELETED)
    assert f"process {os.getpid()} has it open" in first.detail
    with Vault(scene.vault) as vault, scene.places as places, FileRemover(vault, "r", places) as remover:
        (backup,) = remover.back_up([scene.planned(path)])
        assert isinstance(backup, VerifiedBackup)
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            (outcome,) = remover.delete([backup])
    assert (outcome.result, path.read_bytes()) == (Result.CHANGED, b"content")


def test_what_is_written_by_who_has_the_file_open_is_not_lost(scene: Scene) -> None:
    """A writer that had the file open before it was moved goes on writing; it is put back."""
    path = scene.file("a")
    with Vault(scene.vault) as vault, scene.places as places, FileRemover(vault, "r", places) as remover:
        (backup,) = remover.back_up([scene.planned(path)])
        assert isinstance(backup, VerifiedBackup)
        with path.open("ab") as file:
            (outcome,) = remover.delete([backup])
            file.write(b"more")
    assert (outcome.result, path.read_bytes()) == (Result.CHANGED, b"contentmore")
