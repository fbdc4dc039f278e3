"""kill -9 at any step of a run loses nothing: a file is where it was, or can be restored."""

import gzip
import os
import random
from contextlib import suppress
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from dvt.core.file_names import as_path
from dvt.core.retention import Action
from dvt.lifecycle.back_up.reading import reading
from dvt.lifecycle.back_up.vault import Vault
from tests.unit.lifecycle.killing import killed_at, steps
from tests.unit.lifecycle.scenes import Scene

pytestmark = pytest.mark.slow

CONTENTS = {b"ops/a.json": b"first", b"ops/b\n.json": b"second" * 1000, b"c.json": b""}
OTHERS = {b"ops/stays.json": b"other", b"c.json.kept": b"also"}


def _scene(top: Path) -> Scene:
    top.mkdir(parents=True)
    scene = Scene(top)
    for name, content in (CONTENTS | OTHERS).items():
        scene.file(name, content)
    return scene


def _delete(scene: Scene, action: Action = Action.DELETE) -> None:
    scene.delete([scene.root / os.fsdecode(name) for name in CONTENTS], action)


def _require_nothing_lost(scene: Scene) -> None:
    with Vault(scene.vault) as vault, scene.places as places:
        backups = {}
        for entry in vault.entries():
            with suppress(FileNotFoundError), reading(vault, places, entry) as descriptor:
                backups[as_path(entry.item.key)] = os.read(descriptor, 10_000)
    for name, content in (CONTENTS | OTHERS).items():
        path = scene.root / os.fsdecode(name)
        if path.exists():
            assert path.read_bytes() == content
        else:
            assert name in CONTENTS
            assert backups[bytes(path)] == content


def _require_tidy(scene: Scene) -> None:
    """Require that in the quarantine and in the vault is nothing that no manifest names."""
    with Vault(scene.vault) as vault:
        entries = list(vault.entries())
    named = {entry.location for entry in entries if not entry.is_aside}
    aside = {Path(entry.location) for entry in entries if entry.is_aside}
    aside |= {path.parent / "journal.jsonl" for path in aside}
    assert {path for path in (scene.root / ".dvt-quarantine").rglob("*") if path.is_file()} == aside
    files = {str(path.relative_to(scene.vault)) for path in scene.vault.glob("*/*/*")}
    assert files == named


def _all(scene: Scene, action: Action = Action.DELETE) -> None:
    """A run: recovery first."""
    scene.recover()
    _delete(scene, action)


EVERY = pytest.param(1, marks=pytest.mark.slow, id="at every step")
SOME = pytest.param(17, id="at some steps")
_ACTIONS = [Action.DELETE, Action.QUARANTINE, Action.COMPRESS]


def _killed(action: Action, apart: int, name: str, *marks: pytest.MarkDecorator) -> ParameterSet:
    return pytest.param(action, apart, marks=marks, id=f"{name}-{action}")


@pytest.mark.parametrize(
    ("action", "apart"),
    [
        *(_killed(action, 17, "at some steps") for action in _ACTIONS),
        _killed(Action.DELETE, 1, "at every step", pytest.mark.slow),
        *(_killed(action, 4, "at every fourth step", pytest.mark.slow) for action in _ACTIONS[1:]),
        *(_killed(action, 1, "at every step", pytest.mark.slow, pytest.mark.long) for action in _ACTIONS[1:]),
    ],
)
def test_a_run_that_is_killed_at_any_step_loses_nothing(tmp_path: Path, apart: int, action: Action) -> None:
    count = len(steps(lambda: _all(_scene(tmp_path / "counted"), action)))
    assert count > 100
    for number in range(random.randrange(apart), count, apart):
        scene = _scene(tmp_path / str(number))
        killed_at(number, lambda scene=scene: _all(scene, action))
        _require_nothing_lost(scene)
        scene.recover()
        _require_nothing_lost(scene)
        _require_tidy(scene)
        assert scene.recover() == []
        for path in list(scene.root.rglob("*.gz")):
            assert gzip.decompress(path.read_bytes()) == CONTENTS[bytes(path.relative_to(scene.root))[:-3]]


@pytest.mark.parametrize("apart", [SOME, EVERY])
def test_a_recovery_that_is_killed_at_any_step_loses_nothing(tmp_path: Path, apart: int) -> None:
    chance = random.Random(0)
    names = steps(lambda: _all(_scene(tmp_path / "counted")))
    first = next(number for number, name in enumerate(names) if name.startswith("rename_exclusively"))
    for number in range(first, len(names), apart):
        scene = _scene(tmp_path / str(number))
        killed_at(number, lambda scene=scene: _all(scene))
        for _ in range(3):
            killed_at(chance.randrange(150), scene.recover)
            _require_nothing_lost(scene)
        scene.recover()
        _require_nothing_lost(scene)
        _require_tidy(scene)


def test_a_killed_run_s_files_come_back_if_the_vault_is_lost(tmp_path: Path) -> None:
    names = steps(lambda: _all(_scene(tmp_path / "counted")))
    for number, name in enumerate(names):
        if name != "rename_exclusively: return":
            continue
        scene = _scene(tmp_path / str(number))
        killed_at(number, lambda scene=scene: _all(scene))
        for path in scene.vault.glob("*/*/*"):
            path.write_bytes(b"damaged")
        before = len(list((scene.root / ".dvt-quarantine").glob("*/[0-9]*")))
        outcomes = scene.recover()
        assert len(outcomes) == before
        assert all("its backup is damaged" in outcome.detail for outcome in outcomes)
        assert not list((scene.root / ".dvt-quarantine").glob("*/[0-9]*"))


def test_backups_are_on_the_manifest_on_the_disk_before_a_file_is_moved(tmp_path: Path) -> None:
    names = steps(lambda: _delete(_scene(tmp_path / "scene")))
    last_sync = max(number for number, name in enumerate(names) if name == "sync_one: fsync")
    moved = [number for number, name in enumerate(names) if name == "rename_exclusively: call"]
    written = [number for number, name in enumerate(names) if name == "_append: pwrite"]
    assert written
    assert max(written) < min(moved)
    for write in written:
        assert names[write + 1] == "sync_one: fsync"
    assert last_sync > max(moved)


@pytest.mark.parametrize("taken", [True, False])
def test_what_cannot_go_back_stays_in_the_quarantine_and_is_told(tmp_path: Path, taken: bool) -> None:
    names = steps(lambda: _all(_scene(tmp_path / "counted")))
    number = max(number for number, name in enumerate(names) if name == "rename_exclusively: return")
    scene = _scene(tmp_path / "scene")
    killed_at(number, lambda: _all(scene))
    for path in scene.vault.glob("*/*/*"):
        path.unlink()
    if taken:
        for name in CONTENTS:
            scene.file(name, b"somebody else's")
    else:
        (scene.root / "ops").rename(scene.top / "elsewhere")
    outcomes = scene.recover()
    left = {path.read_bytes() for path in (scene.root / ".dvt-quarantine").glob("*/[0-9]*")}
    assert left <= set(CONTENTS.values())
    assert sum("it cannot be put back" in outcome.detail for outcome in outcomes) == len(left) > 0
    if taken:
        assert all((scene.root / os.fsdecode(name)).read_bytes() == b"somebody else's" for name in CONTENTS)
