"""Encrypted backups: verified by who cannot read them, read by who has the key, and by nobody else."""

import os
import random
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyrage
import pytest

from dvt.config.encryption import Encryption
from dvt.core.errors import IdentityUnusable, ManifestUnreadable
from dvt.core.file_names import as_path
from dvt.core.retention import Action, PlannedItem, Result
from dvt.lifecycle.back_up import manifest
from dvt.lifecycle.back_up.manifest import Entry
from dvt.lifecycle.back_up.reading import reading
from dvt.lifecycle.upkeep import Finding, verify
from tests.unit.lifecycle.killing import killed_at, steps
from tests.unit.lifecycle.scenes import Scene, snapshot
from tests.unit.lifecycle.test_folders import planned

pytestmark = pytest.mark.slow

KEY, OTHER = (pyrage.x25519.Identity.generate() for _ in range(2))
CONTENTS = {
    b"ops/a.json": b"secret first",
    b"ops/b\n.json": b"secret second" * 1000,
    b"-rf": b"",
    b"\xff": b"x",
}


def encryption(*keys: object, to: object = KEY) -> Encryption:
    """Encrypt to a key, and have keys here."""
    return Encryption(recipients=(str(to.to_public()),), identities=tuple(map(str, keys)))


WRITES, READS = encryption(), encryption(KEY)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path, encryption=WRITES)


def _files(scene: Scene) -> list[Path]:
    return [scene.file(name, content) for name, content in CONTENTS.items()]


def _folder(scene: Scene) -> PlannedItem:
    folder = scene.root / "run"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "log").write_bytes(b"secret " * 40_000)
    (folder / "manifest.json").write_bytes(b"secret {}")
    os.utime(folder / "deep" / "log", ns=(1, 1_600_000_000_123_456_789))
    return planned(scene, folder)


def _verified(scene: Scene) -> tuple[list[Entry], list[Finding]]:
    with scene.opened() as vault, scene.places as places:
        answers = list(verify(vault, places))
    return (
        [answer for answer in answers if isinstance(answer, Entry)],
        [answer for answer in answers if isinstance(answer, Finding)],
    )


def _entries(scene: Scene) -> list[Entry]:
    with scene.opened() as vault:
        return list(vault.entries())


def test_no_byte_of_a_content_is_in_the_vault_and_files_come_back_as_they_were(scene: Scene) -> None:
    paths = _files(scene)
    paths[0].chmod(0o2640)
    os.utime(paths[0], ns=(1, 1_600_000_000_123_456_789))
    before = {path: (path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes()) for path in paths}
    assert {outcome.result for outcome in scene.delete(paths)} == {Result.DELETED}
    stored = [path for path in scene.vault.rglob("*") if path.is_file()]
    assert len(stored) == len(paths) * 2 + 1  # with links, and the manifest
    assert not [path for path in stored if b"secret" in path.read_bytes()]
    assert {path.stat().st_mode & 0o777 for path in scene.vault.glob("*/*/*")} == {0o600}
    assert all(path.name.endswith((".age.backup", ".jsonl")) for path in stored)
    scene.encryption = READS
    assert len(_verified(scene)[0]) == len(paths)
    assert {(of.result, of.detail) for of in scene.restore()} == {(Result.RESTORED, "")}
    assert {
        path: (path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes()) for path in paths
    } == before
    assert {of.detail for of in scene.restore()} == {"it is there already"}


def test_a_folder_comes_back_whole_or_not_at_all(scene: Scene) -> None:
    due = _folder(scene)
    before = {path: of[3:] for path, of in snapshot(scene.root).items()}
    (outcome,) = scene.run([due])
    assert outcome.result is Result.DELETED
    assert not list(scene.root.glob("run*"))
    (stored,) = scene.vault.glob("*/*/*")
    assert stored.name == "run.tar.age.backup"
    assert b"secret" not in stored.read_bytes()
    (refused,) = scene.restore()
    assert refused.result is Result.FAILED
    assert not list(scene.root.glob("run*"))
    scene.encryption = READS
    content = stored.read_bytes()
    stored.write_bytes(content[:-1])
    (damaged,) = scene.restore()
    assert "is damaged" in damaged.detail
    assert not list(scene.root.glob("run*"))
    stored.write_bytes(content)
    (restored,) = scene.restore()
    assert (restored.result, restored.detail) == (Result.RESTORED, "")
    after = {path: of[3:] for path, of in snapshot(scene.root).items() if ".dvt-quarantine" not in str(path)}
    assert after == before


@pytest.mark.skipif(not shutil.which("age"), reason="age is not installed")
def test_age_itself_decrypts_backups_without_dvt(scene: Scene) -> None:
    (scene.top / "key").write_text(f"# a comment\n{KEY}\n")
    scene.delete([scene.file("a.json", b"secret" * 50_000)])
    scene.run([_folder(scene)])

    def decrypted(backup: Path) -> bytes:
        command = ["age", "--decrypt", "--identity", scene.top / "key", backup]
        return subprocess.run(command, check=True, capture_output=True).stdout

    assert decrypted(scene.vault / "a.json.age.backup") == b"secret" * 50_000
    (archive,) = scene.vault.glob("run002/*/*")
    (scene.top / "run.tar").write_bytes(decrypted(archive))
    with tarfile.open(scene.top / "run.tar") as opened:
        assert set(opened.getnames()) == {".", "./deep", "./deep/log", "./manifest.json"}


def test_each_recipient_can_read_and_nobody_else(scene: Scene) -> None:
    both = tuple(str(key.to_public()) for key in (KEY, OTHER))
    path = scene.file("a", b"secret")
    scene.encryption = Encryption(recipients=both)
    scene.delete([path])
    third = pyrage.x25519.Identity.generate()
    for key in (KEY, OTHER):
        scene.encryption = Encryption(identities=(str(third), str(key)))
        assert [of.result for of in scene.restore()] == [Result.RESTORED]
        assert path.read_bytes() == b"secret"
        path.unlink()
    scene.encryption = Encryption(identities=(str(third),))
    (outcome,) = scene.restore()
    assert outcome.result is Result.FAILED
    assert "no key here is that of one of its recipients" in outcome.detail
    assert both[0] in outcome.detail
    assert not path.exists()


def test_without_a_key_backups_are_verified_as_written_and_not_restored(scene: Scene) -> None:
    paths = _files(scene)
    scene.delete(paths)
    right, wrong = _verified(scene)
    assert (len(right), wrong) == (len(paths), [])
    for outcome in scene.restore(force=True):
        assert outcome.result is Result.FAILED
        assert (
            "is encrypted, and cannot be read here: lifecycle.yml names no `backups.identity`"
            in outcome.detail
        )
    assert not any(path.exists() for path in paths)
    assert not list((scene.root / ".dvt-quarantine").iterdir())
    scene.encryption = encryption(OTHER)
    right, wrong = _verified(scene)
    assert right == []
    assert {of.problem.partition(":")[0] for of in wrong} == {"it is whole, but cannot be read here"}


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
        right, wrong = _verified(scene)
        assert (right, len(wrong)) == ([], 1)
        (outcome,) = scene.restore()
        assert outcome.result is Result.FAILED
        assert ("damaged" in outcome.detail) == (settings is READS), outcome.detail
        assert not path.exists()
        assert not list((scene.root / ".dvt-quarantine").iterdir())
    backup.write_bytes(whole)
    assert len(_verified(scene)[0]) == 1


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
    from dvt.lifecycle.back_up import back_up

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
    from dvt.drivers import age

    real = age.encrypt
    monkeypatch.setattr(age, "encrypt", lambda pieces, write, to: real([*pieces, b"more"], write, to))
    path = scene.file("a", b"secret")
    scene.encryption = READS
    (outcome,) = scene.delete([path])
    assert (outcome.result, path.read_bytes()) == (Result.FAILED, b"secret")


def test_backups_of_all_times_come_back_whatever_the_settings_are_by_now(scene: Scene) -> None:
    """Plain, encrypted, encrypted to another, plain again: each is restored by the keys that are here."""
    times = [Encryption(), encryption(), encryption(to=OTHER), Encryption()]
    paths = []
    for number, settings in enumerate(times):
        scene.encryption = settings
        paths.append(scene.file(f"{number}", b"%d" % number))
        scene.delete([paths[-1]])
    scene.encryption = Encryption(identities=(str(KEY),))
    assert [of.result for of in scene.restore()] == [
        Result.RESTORED, Result.RESTORED, Result.FAILED, Result.RESTORED
    ]  # fmt: skip
    key_file = scene.top / "keys"
    key_file.write_text(f"# the old one\n{KEY}\n\n# and the new one\r\n{OTHER}\r\n")
    key_file.chmod(0o600)
    scene.encryption = Encryption(identity_file=key_file)
    assert {of.result for of in scene.restore()} == {Result.RESTORED}
    assert [path.read_bytes() for path in paths] == [b"0", b"1", b"2", b"3"]
    assert _verified(scene)[1] == []
    assert len(_verified(scene)[0]) == 4


def test_the_latest_backup_of_a_name_is_linked_by_its_form(scene: Scene) -> None:
    scene.encryption = Encryption()
    scene.delete([scene.file("a", b"plain")])
    scene.encryption = READS
    scene.delete([scene.file("a", b"encrypted")])
    assert (scene.vault / "a.backup").read_bytes() == b"plain"
    assert pyrage.decrypt((scene.vault / "a.age.backup").read_bytes(), [KEY]) == b"encrypted"
    scene.restore()
    assert (scene.root / "a").read_bytes() == b"encrypted"


def test_an_older_version_is_told_that_it_cannot_read_encrypted_backups(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.delete([scene.file("a")])
    scene.encryption = Encryption()
    scene.delete([scene.file("b")])
    firsts = [
        (scene.vault / f"run00{number}/manifest.jsonl").read_text().splitlines()[0] for number in (1, 2)
    ]
    assert ['"format": 2' in first for first in firsts] == [True, False]
    monkeypatch.setattr(manifest, "ENCRYPTED", 1)  # as it was before
    with pytest.raises(ManifestUnreadable):
        _entries(scene)


@pytest.mark.parametrize(
    ("content", "mode", "problem"),
    [
        (str(KEY), 0o644, "others than its owner may read it: chmod 600"),
        (str(KEY), 0o620, "others than its owner may read it"),
        ("AGE-SECRET-KEY-1QQQSECRET", 0o600, "line 1 is no secret key"),
        (f"{KEY}\nrubbish-SECRET", 0o600, "line 2 is no secret key"),
        (str(KEY)[:-1] + "Q", 0o600, "line 1 is no secret key"),
        (str(KEY.to_public()), 0o600, "line 1 is a recipient"),
        ("", 0o600, "it is empty"),
        ("# created: today\n", 0o600, "there is no key, only comments"),
        ("age-encryption.org/v1\n-> scrypt x\n", 0o600, "encrypted with a passphrase"),
        ("-----BEGIN AGE ENCRYPTED FILE-----\n", 0o600, "encrypted with a passphrase"),
        ("x" * 70_000, 0o600, "too long"),
        ("\x00\xff", 0o600, "line 1 is no secret key"),
    ],
)
def test_a_file_of_keys_that_cannot_be_used_is_told_and_nothing_is_deleted(
    scene: Scene, content: str, mode: int, problem: str
) -> None:
    path = scene.file("a", b"secret")
    scene.delete([path])
    key_file = scene.top / "key"
    key_file.write_bytes(os.fsencode(content) if content != "\x00\xff" else b"\x00\xff")
    key_file.chmod(mode)
    scene.encryption = Encryption(recipients=WRITES.recipients, identity_file=key_file)
    later = scene.file("b", b"secret")
    with pytest.raises(IdentityUnusable) as raised:
        scene.delete([later])
    assert raised.value.code == "DVT215"
    assert problem in raised.value.message
    assert str(key_file) in raised.value.message
    assert "0600" in raised.value.hint
    assert "SECRET-KEY-1Q" not in raised.value.message
    assert str(KEY) not in raised.value.message
    assert later.read_bytes() == b"secret"
    assert len(_entries(scene)) == 1
    (outcome,) = scene.restore()
    assert problem in outcome.detail
    (finding,) = _verified(scene)[1]
    assert problem in finding.problem
    scene.recover()
    assert not list(scene.vault.glob("run002*"))


def test_a_file_of_keys_that_is_none_is_told(scene: Scene) -> None:
    scene.delete([scene.file("a")])
    (scene.top / "folder").mkdir()
    os.mkfifo(scene.top / "fifo", 0o600)
    for name, problem in (
        ("folder", "no regular file"),
        ("fifo", "no regular file"),
        ("gone", "is not there"),
    ):
        scene.encryption = Encryption(identity_file=scene.top / name)
        (outcome,) = scene.restore()
        assert outcome.result is Result.FAILED
        assert problem in outcome.detail


def test_a_key_that_is_not_here_keeps_nobody_from_deleting(scene: Scene) -> None:
    """One lifecycle.yml for all machines: the file of keys is only where backups are restored."""
    scene.encryption = Encryption(recipients=WRITES.recipients, identity_file=scene.top / "elsewhere")
    path = scene.file("a")
    assert [of.result for of in scene.delete([path])] == [Result.DELETED]
    right, wrong = _verified(scene)
    assert (len(right), wrong) == (1, [])


def test_keys_are_in_no_text(scene: Scene) -> None:
    scene.encryption = READS
    scene.delete([scene.file("a")])
    with scene.opened() as vault:
        told = [repr(scene.encryption), repr(vault.cipher), repr(vault), repr(list(vault.entries()))]
    told += [path.read_bytes().decode(errors="replace") for path in scene.top.rglob("*") if path.is_file()]
    assert not [text for text in told if "SECRET-KEY" in text.upper()]


@pytest.mark.parametrize("action", [Action.QUARANTINE, Action.COMPRESS])
def test_what_stays_beside_its_place_is_as_it_was(scene: Scene, action: Action) -> None:
    """In the quarantine, and compressed in its place, a file is not encrypted: only backups are."""
    path = scene.file("a.json", b"secret" * 100)
    (outcome,) = scene.delete([path], action)
    assert outcome.result in {Result.QUARANTINED, Result.COMPRESSED}
    (entry,) = _entries(scene)
    assert (entry.ciphertext is None) == (action is Action.QUARANTINE)
    assert len(_verified(scene)[0]) == 1
    if action is Action.QUARANTINE:
        assert Path(entry.location).read_bytes() == b"secret" * 100
        scene.restore()
        assert path.read_bytes() == b"secret" * 100


def test_holes_come_back_as_holes(scene: Scene) -> None:
    path = scene.file("a")
    with path.open("wb") as file:
        file.write(b"begin")
        file.seek(30_000_000)
        file.write(b"end")
        file.truncate(40_000_000)
    content = path.read_bytes()
    scene.delete([path])
    scene.encryption = READS
    scene.restore()
    assert path.read_bytes() == content
    assert path.stat().st_blocks * 512 < 1_000_000


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
    files, folder = _files(counted), _folder(counted)
    count = len(steps(lambda: _all(counted, files, folder)))
    assert count > 150
    for number in range(random.randrange(apart), count, apart):
        scene = _new(tmp_path / str(number), settings)
        files, folder = _files(scene), _folder(scene)
        before = {path: path.read_bytes() for path in scene.root.rglob("*") if path.is_file()}
        killed_at(number, lambda scene=scene, files=files, folder=folder: _all(scene, files, folder))
        for _ in range(2):
            _require_nothing_lost(scene, files)
            scene.recover()
        assert scene.recover() == []
        assert {str(path.relative_to(scene.vault)) for path in scene.vault.glob("*/*/*")} == {
            entry.location for entry in _entries(scene)
        }
        assert _verified(scene)[1] == []
        scene.encryption = READS
        scene.restore()
        assert {
            path: path.read_bytes()
            for path in scene.root.rglob("*")
            if path.is_file() and ".dvt-quarantine" not in str(path)
        } == before


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
        scene.run([_folder(scene)])
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
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", where]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("this user may not mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", where], check=True)


@pytest.mark.parametrize("room", [*range(0, 60, 3), 200])
def test_a_place_of_backups_may_become_full_at_any_moment(scene: Scene, room: int) -> None:
    files = [scene.file(f"{number}", bytes([number]) * 6000) for number in range(5)]
    folder = _folder(scene)
    scene.vault.mkdir(mode=0o700)
    with _mounted(scene.vault, "512k"):
        (scene.vault / "filler").write_bytes(b"x" * (128 - room) * 4096)
        outcomes = scene.run([*map(scene.planned, files), folder])
        for path, outcome in zip([*files, scene.root / "run"], outcomes, strict=True):
            assert path.exists() == (outcome.result is Result.FAILED)
            assert not path.exists() or "no space is left" in outcome.detail
        assert _verified(scene)[1] == []
        named = {entry.location for entry in _entries(scene)}
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
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        scene.run([_folder(scene)])
        scene.restore()
        shutil.rmtree(scene.root / "run")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert threading.active_count() == 1
