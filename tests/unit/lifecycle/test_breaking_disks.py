"""Disks that break: any call of the C library may answer EIO. Nothing is lost, and the next run completes."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dvt.core.errors import DvtError
from dvt.core.retention import Outcome, PlannedItem, Result
from dvt.lifecycle.back_up.vault import Vault
from dvt.lifecycle.upkeep import Finding, verify
from tests.unit.lifecycle.scenes import Scene

SOURCE = Path(__file__).with_name("errors_of_calls.c")
NAMES = ("a", "b", "deep/c")
CALLS = ("write", "read", "sync", "unlink", "mkdir", "rename", "open")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="preloads a library as Linux does"),
    pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler"),
]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("preloaded") / "errors.so"
    command = ["cc", "-O1", "-shared", "-fPIC", "-o", str(built), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True)
    return built


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("where", ["root", "vault"])
def test_nothing_is_lost_whatever_call_fails_and_the_next_run_completes(
    library: Path, tmp_path: Path, call: str, where: str
) -> None:
    command = [sys.executable, "-m", __name__, str(tmp_path), call, where, str(library)]
    told = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "LD_PRELOAD": str(library)},
        cwd=Path(__file__).parents[3],
    )
    assert told.returncode == 0, told.stderr
    failed = int(told.stdout)
    # A run renames and unlinks nothing in the place of backups.
    assert failed > 0 or (call, where) in {("rename", "vault"), ("unlink", "vault")}


def _try_all(top: Path, call: str, where: str, library: str) -> int:
    """Have each call of one kind fail in a run of its own; return how many have."""
    errors = ctypes.CDLL(library)
    number = 0
    while True:
        scene = Scene(_made(top / str(number)))
        contents = {path: path.read_bytes() for path in (scene.file(n, b"%d" % number) for n in NAMES)}
        planned = [scene.planned(path) for path in contents]
        errors.fail_after(call.encode(), bytes(getattr(scene, where)), ctypes.c_long(number))
        outcomes = _run(scene, planned)
        if not errors.has_failed():
            errors.fail_after(b"", b"", ctypes.c_long(-1))
            return number
        _require_nothing_lost(scene, contents, outcomes)
        shutil.rmtree(scene.top)
        number += 1


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _run(scene: Scene, planned: list[PlannedItem]) -> list[Outcome]:
    try:
        return scene.run(planned)
    except (OSError, DvtError):
        return []  # the whole run has failed, and says so


def _require_nothing_lost(scene: Scene, contents: dict[Path, bytes], outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        assert outcome.result in {Result.DELETED, Result.FAILED, Result.CHANGED}, outcome
        assert outcome.result is Result.DELETED or outcome.detail, outcome
    scene.recover()
    left = [path for path in contents if path.exists()]
    assert all(path.read_bytes() == contents[path] for path in left)
    assert {outcome.result for outcome in scene.delete(left)} <= {Result.DELETED}
    with Vault(scene.vault) as vault, scene.places as places:
        assert not [found for found in verify(vault, places) if isinstance(found, Finding)]
    assert not any(path.exists() for path in contents)
    assert {outcome.result for outcome in scene.restore()} == {Result.RESTORED}
    assert {path: path.read_bytes() for path in contents} == contents


if __name__ == "__main__":
    top, call, where, library = sys.argv[1:]
    sys.stdout.write(str(_try_all(Path(top), call, where, library)))
