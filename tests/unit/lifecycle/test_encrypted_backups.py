"""Encrypted backups: verified by who cannot read them, read by who has the key, and by nobody else."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pyrage
import pytest

from dvt.config.encryption import Encryption
from dvt.core.errors import IdentityUnusable, ManifestUnreadable
from dvt.core.retention import Action, PlannedItem, Result
from dvt.lifecycle.back_up import manifest
from dvt.lifecycle.back_up.manifest import Entry
from dvt.lifecycle.upkeep import Finding, verify
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


def some_files(scene: Scene) -> list[Path]:
    return [scene.file(name, content) for name, content in CONTENTS.items()]


def a_folder(scene: Scene) -> PlannedItem:
    folder = scene.root / "run"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "log").write_bytes(b"secret " * 40_000)
    (folder / "manifest.json").write_bytes(b"secret {}")
    os.utime(folder / "deep" / "log", ns=(1, 1_600_000_000_123_456_789))
    return planned(scene, folder)


def verified(scene: Scene) -> tuple[list[Entry], list[Finding]]:
    with scene.opened() as vault, scene.places as places:
        answers = list(verify(vault, places))
    return (
        [answer for answer in answers if isinstance(answer, Entry)],
        [answer for answer in answers if isinstance(answer, Finding)],
    )


def entries(scene: Scene) -> list[Entry]:
    with scene.opened() as vault:
        return list(vault.entries())


def test_no_byte_of_a_content_is_in_the_vault_and_files_come_back_as_they_were(scene: Scene) -> None:
    paths = some_files(scene)
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
    assert len(verified(scene)[0]) == len(paths)
    assert {(of.result, of.detail) for of in scene.restore()} == {(Result.RESTORED, "")}
    assert {
        path: (path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes()) for path in paths
    } == before
    assert {of.detail for of in scene.restore()} == {"it is there already"}


def test_a_folder_comes_back_whole_or_not_at_all(scene: Scene) -> None:
    due = a_folder(scene)
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
    scene.run([a_folder(scene)])

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
    paths = some_files(scene)
    scene.delete(paths)
    right, wrong = verified(scene)
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
    right, wrong = verified(scene)
    assert right == []
    assert {of.problem.partition(":")[0] for of in wrong} == {"it is whole, but cannot be read here"}


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
    assert verified(scene)[1] == []
    assert len(verified(scene)[0]) == 4


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
        entries(scene)


UNUSABLE = [
    (str(KEY), 0o644, "others than its owner may read it: chmod 600"),
    (str(KEY), 0o620, "others than its owner may read it"),
    ("AGE-SECRET-KEY-1QQQSECRET", 0o600, "line 1 is no secret key"),
    (f"{KEY}\nrubbish-SECRET", 0o600, "line 2 is no secret key"),
    (str(KEY)[:-1] + ("Q" if str(KEY)[-1] == "P" else "P"), 0o600, "line 1 is no secret key"),
    (str(KEY.to_public()), 0o600, "line 1 is a recipient"),
    ("", 0o600, "it is empty"),
    ("# created: today\n", 0o600, "there is no key, only comments"),
    ("age-encryption.org/v1\n-> scrypt x\n", 0o600, "encrypted with a passphrase"),
    ("-----BEGIN AGE ENCRYPTED FILE-----\n", 0o600, "encrypted with a passphrase"),
    ("x" * 70_000, 0o600, "too long"),
    ("\x00\xff", 0o600, "line 1 is no secret key"),
]


@pytest.mark.parametrize(("content", "mode", "problem"), UNUSABLE, ids=[of[2] for of in UNUSABLE])
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
    assert len(entries(scene)) == 1
    (outcome,) = scene.restore()
    assert problem in outcome.detail
    (finding,) = verified(scene)[1]
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
    right, wrong = verified(scene)
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
    (entry,) = entries(scene)
    assert (entry.ciphertext is None) == (action is Action.QUARANTINE)
    assert len(verified(scene)[0]) == 1
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
