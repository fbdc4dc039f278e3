"""Files that have a verified backup are deleted, and nothing else is touched."""

import dataclasses
import hashlib
import os
import resource
import subprocess
from pathlib import Path

import pytest

from dvt.core.errors import ManifestUnreadable, QuarantineRefused, RootNotAllowed, VaultRefused
from dvt.core.ports.lifecycle import VerifiedBackup
from dvt.core.retention import Action, Result
from dvt.lifecycle.back_up.vault import Vault
from dvt.lifecycle.delete.files import FileRemover
from dvt.lifecycle.delete.quarantine import top
from dvt.lifecycle.upkeep import purge
from tests.unit.lifecycle.scenes import Scene, snapshot

pytestmark = pytest.mark.slow


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_a_file_is_backed_up_and_deleted(scene: Scene) -> None:
    path = scene.file("ops/operation_1.json", b"{}")
    (outcome,) = scene.delete([path])
    assert outcome.result is Result.DELETED, outcome
    assert outcome.backup == "run001/0/operation_1.json.backup"
    assert not path.exists()
    assert (scene.vault / outcome.backup).read_bytes() == b"{}"
    assert (scene.vault / "operation_1.json.backup").read_bytes() == b"{}"
    assert not (scene.root / ".dvt-quarantine" / "run001").exists()


def test_archive(scene: Scene) -> None:
    (outcome,) = scene.delete([scene.file("a")], Action.ARCHIVE)
    assert outcome.result is Result.ARCHIVED


def test_a_place_of_backups_that_is_not_ours_alone_is_refused(scene: Scene) -> None:
    (scene.top / "elsewhere").mkdir()
    scene.vault.symlink_to("elsewhere")
    with pytest.raises(VaultRefused, match="reached by a link") as raised:
        Vault(scene.vault)
    assert raised.value.code == "DVT212"
    with pytest.raises(VaultRefused, match="cannot be opened as a folder"):
        Vault(scene.file("a file"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_place_of_backups_that_somebody_else_has_made_is_refused(scene: Scene) -> None:
    scene.vault.mkdir()
    os.chown(scene.vault, 12345, 12345)
    with pytest.raises(VaultRefused, match="belongs to user 12345"):
        Vault(scene.vault)


def test_a_folder_that_others_use_is_not_closed_to_them(scene: Scene) -> None:
    scene.vault.mkdir()
    scene.vault.chmod(0o755)
    (scene.vault / "models").mkdir()
    (scene.vault / "models/a.sql").touch()
    with pytest.raises(VaultRefused, match="has models in it, which is no backup"):
        Vault(scene.vault)
    assert scene.vault.stat().st_mode & 0o777 == 0o755
    (scene.vault / "models").rename(scene.top / "models")
    scene.delete([scene.file("a")])
    scene.vault.chmod(0o755)
    for name in ("cleanup_2026.log", "lost+found", "killed"):
        (scene.vault / name).mkdir()
    Vault(scene.vault).close()
    assert scene.vault.stat().st_mode & 0o777 == 0o700


def test_nobody_else_may_read_backups(scene: Scene) -> None:
    scene.vault.mkdir(mode=0o777)
    scene.vault.chmod(0o777)
    scene.delete([scene.file("a", mode=0o666)])
    modes = {path.lstat().st_mode & 0o777 for path in scene.vault.rglob("*") if not path.is_symlink()}
    assert modes == {0o700, 0o600}
    assert scene.vault.stat().st_mode & 0o777 == 0o700


def test_a_newer_manifest_is_not_touched(scene: Scene) -> None:
    scene.delete([scene.file("a")])
    manifest = scene.vault / "run001" / "manifest.jsonl"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 99'))
    with Vault(scene.vault) as vault, pytest.raises(ManifestUnreadable) as raised:
        list(vault.entries())
    assert raised.value.code == "DVT213"


def test_a_quarantine_that_somebody_has_put_there_is_not_used(scene: Scene) -> None:
    (scene.top / "elsewhere").mkdir()
    (scene.root / ".dvt-quarantine").symlink_to(scene.top / "elsewhere")
    path = scene.file("a")
    (outcome,) = scene.delete([path])
    assert outcome.result is Result.FAILED
    assert "cannot be the quarantine" in outcome.detail
    assert path.exists()
    assert not list((scene.top / "elsewhere").iterdir())
    with scene.places as places, pytest.raises(QuarantineRefused) as raised:
        top(places.root(str(scene.root)), make=False)
    assert raised.value.code == "DVT214"


def test_a_root_that_is_not_in_the_settings_is_not_opened(scene: Scene) -> None:
    with scene.places as places, pytest.raises(RootNotAllowed) as raised:
        places.root("/etc")
    assert raised.value.code == "DVT211"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("foreign", [False, True])
def test_files_of_somebody_else_stay_unless_it_is_configured(scene: Scene, foreign: bool) -> None:
    scene.foreign = foreign
    path = scene.file("a")
    os.chown(path, 12345, 12345)
    (outcome,) = scene.delete([path])
    assert path.exists() != foreign
    if not foreign:
        assert (outcome.result, outcome.detail) == (Result.CHANGED, "it belongs to user 12345")
    else:
        scene.restore()
        assert path.stat().st_uid == 12345


NAMES = [
    *(b"new\nline", b"-rf", b"--", b"*", b"?", b"$(reboot)", b"`id`", b"\xff\xfe", b"\\x0a", b"a\\", b" "),
    *(
        b"x" * 255,
        "é".encode() * 127,
        "\u202egnp.exe".encode(),
        b"~",
        b".hidden",
        b"...",
        b"a:b",
        b"\x7f\x01",
    ),
    *(b"x" * 248, b"x" * 249, b"manifest.jsonl", b"A", b"a", b"a~1", b"'\""),
]


def test_files_of_any_name_are_deleted_and_come_back(scene: Scene) -> None:
    paths = [scene.file(name, name) for name in NAMES]
    inner = [scene.file(b"deep/" + name, name) for name in NAMES]
    scene.file("stays")
    before = snapshot(scene.root)
    outcomes = scene.delete(paths + inner)
    assert {outcome.result for outcome in outcomes} == {Result.DELETED}
    assert not any(path.exists() for path in paths + inner)
    backups = [path.name for path in scene.vault.glob("*/*/*")]
    assert len(backups) == len(outcomes)
    assert all(not name.startswith("-") and name.isprintable() for name in backups)
    assert {outcome.result for outcome in scene.restore()} == {Result.RESTORED}
    after = snapshot(scene.root)
    del after[scene.root / ".dvt-quarantine"]
    assert {path: facts[-2:] for path, facts in after.items()} == {
        path: facts[-2:] for path, facts in before.items()
    }


def test_a_backup_is_found_with_cp(scene: Scene) -> None:
    scene.delete([scene.file("operation_1.json", b"one"), scene.file("operation_2.json", b"two")])
    target = scene.top / "target"
    target.mkdir()
    subprocess.run(f"cp {scene.vault}/*.backup {target}", shell=True, check=True)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == {
        "operation_1.json.backup": b"one",
        "operation_2.json.backup": b"two",
    }


def test_holes_stay_holes(scene: Scene) -> None:
    path = scene.file("sparse")
    with path.open("r+b") as file:
        file.seek(50_000_000)
        file.write(b"middle")
        file.truncate(100_000_001)
    blocks = path.stat().st_blocks
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert blocks < 100
    (outcome,) = scene.delete([path])
    assert (outcome.result, outcome.sha256) == (Result.DELETED, digest)
    backup = scene.vault / outcome.backup
    assert backup.stat().st_blocks <= blocks
    assert hashlib.sha256(backup.read_bytes()).hexdigest() == digest
    scene.restore()
    assert path.stat().st_blocks <= blocks
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest


def test_empty_folders_go_only_if_asked(scene: Scene) -> None:
    one, two = scene.file("a/b/c/one"), scene.file("a/two")
    scene.delete([one])
    assert one.parent.is_dir()
    scene.restore()
    scene.run([scene.planned(one)], remove_empty_folders=[scene.planned(one).item.data_type])
    assert not (scene.root / "a" / "b").exists()
    assert two.exists()
    scene.run([scene.planned(two)], remove_empty_folders=[scene.planned(two).item.data_type])
    assert scene.root.is_dir()
    assert not (scene.root / "a").exists()


def test_a_backup_of_somebody_else_s_making_deletes_nothing(scene: Scene) -> None:
    path = scene.file("a")
    with Vault(scene.vault) as vault, scene.places as places, FileRemover(vault, "r", places) as remover:
        (outcome,) = remover.delete([VerifiedBackup(scene.planned(path), "0" * 64, "r/0/a.backup")])
    assert outcome.result is Result.FAILED
    assert path.exists()


def test_backups_are_never_deleted_as_files(scene: Scene) -> None:
    scene.vault = scene.root / "backups"
    scene.delete([scene.file("a")])
    backup = next(scene.vault.glob("*/0/a.backup"))
    (outcome,) = scene.delete([backup])
    assert (outcome.result, outcome.detail) == (Result.FAILED, "it is in the place of backups")
    assert backup.exists()


@pytest.mark.parametrize(
    "key", ["/etc/passwd", "{root}/../outside", "{root}", "{root}/ops/../../outside", ""]
)
def test_what_is_not_below_its_root_is_not_touched(scene: Scene, key: str) -> None:
    outside = scene.top / "outside"
    outside.touch()
    planned = scene.planned(outside)
    item = dataclasses.replace(planned.item, key=key.format(root=scene.root))
    (outcome,) = scene.run([dataclasses.replace(planned, item=item)])
    assert outcome.result is Result.FAILED
    assert outside.exists()


def test_a_root_that_is_gone_or_unknown_is_told(scene: Scene) -> None:
    planned = scene.planned(scene.file("a"))
    other = dataclasses.replace(planned, item=dataclasses.replace(planned.item, root="/var"))
    (outcome,) = scene.run([other])
    assert "is none of the folders that are cleaned" in outcome.detail
    scene.root.rename(scene.top / "moved")
    (outcome,) = scene.run([planned])
    assert (outcome.result, outcome.detail) == (Result.CHANGED, "it is gone")


def test_many_folders_do_not_need_many_descriptors(scene: Scene) -> None:
    paths = [scene.file(f"{number}/a") for number in range(400)]
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = len(list(Path("/proc/self/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (opened + 200, limit[1]))
    try:
        outcomes = scene.delete(paths)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    assert {outcome.result for outcome in outcomes} == {Result.DELETED}
    assert len(list(Path("/proc/self/fd").iterdir())) == opened


def test_a_run_that_is_alive_is_let_be(scene: Scene) -> None:
    paths = [scene.file("a"), scene.file("b"), scene.file("c")]
    with Vault(scene.vault) as vault, scene.places as places, FileRemover(vault, "r", places) as remover:
        backups = remover.back_up([scene.planned(path) for path in paths[:2]])
        (first, second) = (backup for backup in backups if isinstance(backup, VerifiedBackup))
        remover.delete([first])
        (scene.vault / "r" / "0" / "b.backup").rename(scene.vault / "r" / "0" / "aside")
        before = snapshot(scene.vault)
        assert scene.recover() == []
        assert list(purge(vault, places, 10**30, min_keep=0)) == []
        assert snapshot(scene.vault) == before
        (scene.vault / "r" / "0" / "aside").rename(scene.vault / "r" / "0" / "b.backup")
        assert remover.delete([second])[0].result is Result.DELETED
        assert isinstance(remover.back_up([scene.planned(paths[2])])[0], VerifiedBackup)
