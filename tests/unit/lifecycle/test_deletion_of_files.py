"""Files that have a verified backup are deleted, and nothing else is touched."""

import os
from pathlib import Path

import pytest

from dvt.core.errors import ManifestUnreadable, QuarantineRefused, RootNotAllowed, VaultRefused
from dvt.core.retention import Action, Result
from dvt.lifecycle.back_up.vault import Vault
from dvt.lifecycle.delete.quarantine import top
from tests.unit.lifecycle.scenes import Scene


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
