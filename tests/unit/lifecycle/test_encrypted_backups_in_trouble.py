"""Encrypted backups in trouble: damaged, killed, on full disks; nothing is lost, nothing wrong comes back."""

import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyrage
import pytest

from dvt.config.encryption import Encryption
from dvt.core.file_names import as_path
from dvt.core.retention import PlannedItem, Result
from dvt.drivers import age
from dvt.lifecycle.back_up import back_up
from dvt.lifecycle.back_up.reading import reading
from tests.unit.lifecycle.killing import killed_at, steps
from tests.unit.lifecycle.scenes import Scene
from tests.unit.lifecycle.test_encrypted_backups import (
    CONTENTS,
    KEY,
    READS,
    WRITES,
    a_folder,
    entries,
    some_files,
    verified,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path, encryption=WRITES)


@pytest.mark.parametrize("settings", [WRITES, READS], ids=["without the key", "with the key"])
def test_what_is_cut_off_or_flipped_anywhere_is_found_and_never_restored(
    scene: Scene, settings: Encryption
) -> None:
    path = scene.file("a", os.urandom(150_000))  # three pieces of age's
    (outcome,) = scene.delete([path])
    scene.encryption = settings
    backup = scene.vault / outcome.backup
    whole = backup.read_bytes()
    header = whole.index(b"\n--- ") + 50
    places = {
        0,
        30,
        80,
        header - 10,
        header,
        header + 10,
        header + 20,
        70_000,
        len(whole) - 20,
        len(whole) - 1,
    }
    changed = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in places]
    pieces = [header + 16 + (2**16 + 16) * number for number in (0, 1, 2)]
    changed += [whole[:at] for at in {0, 1, header, *pieces, len(whole) - 1}]
    changed += [
        whole + b"x",
        whole[: pieces[0]] + whole[pieces[1] :],
        whole[: pieces[1]] + whole[pieces[0] :],
    ]
    # The same content, encrypted anew: it is not what was written.
    changed.append(pyrage.encrypt(os.urandom(150_000), [KEY.to_public()]))
    for content in changed:
        backup.write_bytes(content)
        right, wrong = verified(scene)
        assert (right, len(wrong)) == ([], 1)
        (outcome,) = scene.restore()
        assert outcome.result is Result.FAILED
        assert ("damaged" in outcome.detail) == (settings is READS), outcome.detail
        assert not path.exists()
        assert not list((scene.root / ".dvt-quarantine").iterdir())
    backup.write_bytes(whole)
    assert len(verified(scene)[0]) == 1


def test_what_was_not_backed_up_for_these_recipients_is_not_restored(scene: Scene) -> None:
    """Who can write to the vault, and knows the recipient, can encrypt; the hash on the manifest says no."""
    path = scene.file("a", b"true")
    (outcome,) = scene.delete([path])
    forged = pyrage.encrypt(b"else", [KEY.to_public()])
    (scene.vault / outcome.backup).write_bytes(forged)
    scene.encryption = READS
    (outcome,) = scene.restore()
    assert "is damaged" in outcome.detail
    assert not path.exists()


@pytest.mark.parametrize("settings", [WRITES, READS], ids=["without the key", "with the key"])
def test_a_file_stays_whose_encrypted_backup_is_not_what_was_written(
    scene: Scene, settings: Encryption, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that keeps another byte than it was given."""
    scene.encryption = settings
    path, spared = scene.file("a", b"secret" * 1000), scene.file("b", b"secret")
    real = back_up.sync_one

    def breaking(descriptor: int) -> None:
        real(descriptor)
        for backup in scene.vault.glob("*/*/a.age.backup"):
            with backup.open("r+b") as file:
                file.seek(300)
                file.write(b"!")

    monkeypatch.setattr(back_up, "sync_one", breaking)
    outcomes = scene.delete([path, spared])
    assert [outcome.result for outcome in outcomes] == [Result.FAILED, Result.DELETED]
    assert outcomes[0].detail == "the backup that was written is not what was read"
    assert path.read_bytes() == b"secret" * 1000


def test_with_the_key_a_run_decrypts_what_it_has_written(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An encryption that goes wrong and is read back as it went wrong: only who decrypts it can tell."""
    real = age.encrypt
    monkeypatch.setattr(age, "encrypt", lambda pieces, write, to: real([*pieces, b"more"], write, to))
    path = scene.file("a", b"secret")
    scene.encryption = READS
    (outcome,) = scene.delete([path])
    assert (outcome.result, path.read_bytes()) == (Result.FAILED, b"secret")


def _all(scene: Scene, paths: list[Path], folder: PlannedItem | None) -> None:
    scene.recover()
    scene.run([*map(scene.planned, paths), *([folder] if folder else [])])


def _new(top: Path, settings: Encryption) -> Scene:
    top.mkdir(parents=True)
    return Scene(top, encryption=settings)


@pytest.mark.parametrize("settings", [WRITES, READS], ids=["without the key", "with the key"])
@pytest.mark.parametrize("apart", [pytest.param(1, marks=pytest.mark.long, id="every"), 13])
def test_a_run_that_is_killed_at_any_step_loses_nothing(
    tmp_path: Path, apart: int, settings: Encryption
) -> None:
    counted = _new(tmp_path / "counted", settings)
    files, folder = some_files(counted), a_folder(counted)
    count = len(steps(lambda: _all(counted, files, folder)))
    assert count > 150
    for number in range(random.randrange(apart), count, apart):
        scene = _new(tmp_path / str(number), settings)
        files, folder = some_files(scene), a_folder(scene)
        before = {path: path.read_bytes() for path in scene.root.rglob("*") if path.is_file()}
        killed_at(number, lambda scene=scene, files=files, folder=folder: _all(scene, files, folder))
        for _ in range(2):
            _require_nothing_lost(scene, files)
            scene.recover()
        assert scene.recover() == []
        assert {str(path.relative_to(scene.vault)) for path in scene.vault.glob("*/*/*")} == {
            entry.location for entry in entries(scene)
        }
        assert verified(scene)[1] == []
        scene.encryption = READS
        scene.restore()
        assert {
            path: path.read_bytes()
            for path in scene.root.rglob("*")
            if path.is_file() and ".dvt-quarantine" not in str(path)
        } == before


@pytest.mark.parametrize("damaged", [False, True])
def test_what_a_killed_run_has_moved_goes_if_its_encrypted_backup_is_whole_and_returns_if_not(
    tmp_path: Path, damaged: bool
) -> None:
    counted = _new(tmp_path / "counted", WRITES)
    names = steps(lambda: _all(counted, some_files(counted), None))
    scene = _new(tmp_path / "scene", WRITES)
    paths = some_files(scene)
    first = names.index("rename_exclusively: return")
    killed_at(first, lambda: _all(scene, paths, None))
    assert sum(not path.exists() for path in paths) == 1
    for backup in scene.vault.glob("*/*/*") if damaged else ():
        backup.write_bytes(backup.read_bytes()[:-1] + b"!")
    (outcome,) = scene.recover()
    assert (outcome.result is Result.DELETED) != damaged
    assert ("its backup is damaged" in outcome.detail) == damaged
    assert sum(not path.exists() for path in paths) == (not damaged)


def _require_nothing_lost(scene: Scene, files: list[Path]) -> None:
    backups = {}
    with scene.opened() as vault, scene.places as places:
        for entry in vault.entries():
            with suppress(FileNotFoundError), reading(vault, places, entry) as descriptor:
                stored = os.read(descriptor, 2**20)
                backups[as_path(entry.item.key)] = pyrage.decrypt(stored, [KEY])
    for path, content in zip(files, CONTENTS.values(), strict=True):
        assert (path.read_bytes() if path.exists() else backups[bytes(path)]) == content


def test_a_restore_that_is_killed_at_any_step_leaves_a_whole_file_or_none(tmp_path: Path) -> None:
    def scene_of(name: str) -> Scene:
        scene = _new(tmp_path / name, READS)
        scene.delete([scene.file("a", b"secret" * 30_000)])
        scene.run([a_folder(scene)])
        return scene

    for number in range(0, len(steps(scene_of("counted").restore)), 11):
        scene = scene_of(str(number))
        killed_at(number, scene.restore)
        path, folder = scene.root / "a", scene.root / "run"
        assert not path.exists() or path.read_bytes() == b"secret" * 30_000
        assert not folder.exists() or (folder / "deep" / "log").read_bytes() == b"secret " * 40_000
        scene.recover()
        assert not list((scene.root / ".dvt-quarantine").glob("*"))
        assert {of.result for of in scene.restore()} == {Result.RESTORED}
        assert path.read_bytes() == b"secret" * 30_000


@contextmanager
def _mounted(where: Path, size: str) -> Iterator[None]:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "none", where]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("this user may not mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", where], check=True)


@pytest.mark.parametrize("room", [*range(0, 60, 3), 200])
def test_a_place_of_backups_may_become_full_at_any_moment(scene: Scene, room: int) -> None:
    files = [scene.file(f"{number}", bytes([number]) * 6000) for number in range(5)]
    folder = a_folder(scene)
    scene.vault.mkdir(mode=0o700)
    with _mounted(scene.vault, "512k"):
        (scene.vault / "filler").write_bytes(b"x" * (128 - room) * 4096)
        outcomes = scene.run([*map(scene.planned, files), folder])
        for path, outcome in zip([*files, scene.root / "run"], outcomes, strict=True):
            assert path.exists() == (outcome.result is Result.FAILED)
            assert not path.exists() or "no space is left" in outcome.detail
        assert verified(scene)[1] == []
        named = {entry.location for entry in entries(scene)}
        assert named == {str(path.relative_to(scene.vault)) for path in scene.vault.glob("*/*/*")}
        scene.encryption = READS
        assert {of.result for of in scene.restore()} <= {Result.RESTORED}
        assert [path.read_bytes() for path in files] == [bytes([number]) * 6000 for number in range(5)]
        assert (scene.root / "run/deep/log").read_bytes() == b"secret " * 40_000


@pytest.mark.parametrize("room", range(1, 40, 3))
def test_a_full_disk_leaves_no_part_of_what_is_restored(scene: Scene, room: int) -> None:
    """Of the last piece above all, of whose failure the library says nothing."""
    with _mounted(scene.root, "256k"):
        path = scene.file("a", os.urandom(80_000))
        content = path.read_bytes()
        scene.delete([path])
        scene.encryption = READS
        (scene.root / "filler").write_bytes(b"x" * (64 - room) * 4096)
        (outcome,) = scene.restore()
        assert path.exists() == (outcome.result is Result.RESTORED)
        assert path.exists() or "no space is left" in outcome.detail
        (scene.root / "filler").unlink()
        scene.restore()
        assert path.read_bytes() == content


MEMORY = """
import resource, sys
from pathlib import Path
from dvt.config.encryption import Encryption
from tests.unit.lifecycle.scenes import Scene
encryption = Encryption(recipients=(sys.argv[2],), identities=(sys.stdin.read(),))
scene = Scene(Path(sys.argv[1]), encryption=encryption)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
(deleted,) = scene.delete([scene.root / "large"])
(restored,) = scene.restore()
print(deleted.result, restored.result, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    with (scene.root / "large").open("wb") as file:
        for _ in range(150):
            file.write(os.urandom(2**20))
    command = [sys.executable, "-c", MEMORY, tmp_path, str(KEY.to_public())]
    done = subprocess.run(command, input=str(KEY), capture_output=True, text=True, check=True)
    deleted, restored, grown = done.stdout.split()
    assert (deleted, restored) == ("deleted", "restored")
    assert int(grown) < 30_000  # KiB, of 150 MiB


def test_no_descriptor_and_no_thread_stays(scene: Scene) -> None:
    scene.encryption = READS
    scene.delete([scene.file("first")])
    before, threads = len(list(Path("/proc/self/fd").iterdir())), threading.active_count()
    for _ in range(3):
        scene.run([a_folder(scene)])
        scene.restore()
        shutil.rmtree(scene.root / "run")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert threading.active_count() == threads
