"""Trees by chance, and somebody who changes them meanwhile: what is not in the plan is not touched."""

import os
import random
import socket
import stat
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from dvt.core.retention import Result
from dvt.lifecycle.back_up.vault import Vault
from dvt.lifecycle.upkeep import Finding, verify
from tests.unit.lifecycle.scenes import Scene, snapshot

pytestmark = pytest.mark.slow

FEW = pytest.param(20, id="some")
MANY = pytest.param(
    10_000, marks=[pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(3600)], id="10,000"
)

PIECES = [
    b"a",
    b"b",
    b"\n",
    b"-",
    b"\xff",
    b" ",
    b"\\",
    b"'",
    b"*",
    "é".encode(),
    "\u202e".encode(),
    b".",
    b"$",
]


class _Tree:
    """A tree by chance below a root, with links out of it, and things outside that must stay."""

    def __init__(self, scene: Scene, chance: random.Random) -> None:
        self.scene, self.chance = scene, chance
        self.outside = scene.top / "outside"
        self.outside.mkdir()
        (self.outside / "precious").write_bytes(b"precious")
        self.folders = [scene.root]
        self.files: list[Path] = []
        for _ in range(chance.randrange(1, 25)):
            self._make(self._new_path())

    def _new_path(self) -> Path:
        while True:
            length = self.chance.choice([1, 2, 3, 5, 40])
            name = b"".join(self.chance.choice(PIECES) for _ in range(length))[:255]
            path = self.chance.choice(self.folders) / os.fsdecode(name)
            if name not in {b".", b".."} and not os.path.lexists(path):
                return path

    def _make(self, path: Path) -> None:
        makers: list[Callable[[Path], object]] = [
            self._file, self._file, self._file, self._folder, self._link_out, self._link_in, self._hard_link,
            os.mkfifo, self._socket, self._sparse, self._inner_hard_link,
        ]  # fmt: skip
        if os.geteuid() == 0:
            makers += [self._device, self._foreign]
        self.chance.choice(makers)(path)

    def _file(self, path: Path) -> None:
        path.write_bytes(self.chance.randbytes(self.chance.choice([0, 1, 100, 5000])))
        path.chmod(self.chance.choice([0o600, 0o644, 0o400, 0o777]))
        self.files.append(path)

    def _folder(self, path: Path) -> None:
        path.mkdir()
        self.folders.append(path)

    def _link_out(self, path: Path) -> None:
        path.symlink_to(self.chance.choice([self.outside, self.outside / "precious", Path("/etc/passwd")]))

    def _link_in(self, path: Path) -> None:
        path.symlink_to(self.chance.choice([*self.folders, *self.files]))

    def _hard_link(self, path: Path) -> None:
        path.hardlink_to(self.outside / "precious")

    def _inner_hard_link(self, path: Path) -> None:
        if self.files:
            path.hardlink_to(self.chance.choice(self.files))

    def _socket(self, path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as server, suppress(OSError):  # the path may be too long for one
            server.bind(os.fsencode(path))

    def _sparse(self, path: Path) -> None:
        with path.open("wb") as file:
            file.truncate(1_000_000)
        self.files.append(path)

    def _device(self, path: Path) -> None:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))

    def _foreign(self, path: Path) -> None:
        path.write_bytes(b"theirs")
        os.chown(path, 12345, 12345)

    def plan(self) -> list[Path]:
        """Choose things of any kind."""
        everything = [path for path in self.scene.root.rglob("*") if not path.is_dir() or path.is_symlink()]
        return self.chance.sample(everything, self.chance.randrange(len(everything) + 1))


def _may_go(path: Path) -> bool:
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and status.st_uid == os.geteuid()


@pytest.mark.parametrize("rounds", [FEW, MANY])
def test_of_any_tree_only_files_of_the_plan_go_and_all_come_back(tmp_path: Path, rounds: int) -> None:
    for number in range(rounds):
        (tmp_path / str(number)).mkdir()
        scene = Scene(tmp_path / str(number))
        tree = _Tree(scene, random.Random(number))
        paths = tree.plan()
        goes = {path for path in paths if _may_go(path)}
        before, outside = snapshot(scene.root), snapshot(tree.outside)
        outcomes = scene.delete(paths)
        assert {
            Path(path) for path, one in zip(paths, outcomes, strict=True) if one.result is Result.DELETED
        } == goes
        assert {one.result for one in outcomes} <= {Result.DELETED, Result.CHANGED}
        after = snapshot(scene.root)
        after.pop(scene.root / ".dvt-quarantine", None)
        assert after == {path: facts for path, facts in before.items() if path not in goes}
        assert snapshot(tree.outside) == outside
        assert {one.result for one in scene.restore()} <= {Result.RESTORED}
        restored = snapshot(scene.root)
        for path in goes:
            kind, owner, _, time, content = restored[path]
            assert (kind, owner, time, content) == (*before[path][:2], *before[path][3:])


@pytest.mark.parametrize(
    "rounds",
    [
        pytest.param(20, id="some"),
        pytest.param(500, marks=[pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(3600)], id="many"),
    ],
)
@pytest.mark.parametrize("attack", ["swap_folder", "swap_file", "append", "rename_over", "link_in"])
def test_nothing_is_lost_to_who_changes_a_tree_meanwhile(tmp_path: Path, attack: str, rounds: int) -> None:
    """Somebody changes the tree, over and over, while runs delete from it."""
    scene = Scene(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a").write_bytes(b"precious")
    status = (outside / "a").stat()
    attack_on = _Attack(scene, outside, attack)
    attacker = threading.Thread(target=attack_on.run)
    attacker.start()
    results = set()
    try:
        for number in range(rounds):
            with attack_on.turn, suppress(FileNotFoundError):
                path = scene.file("ops/a", f"content {number}".encode())
                planned = scene.planned(path)
            results.add(scene.run([planned], f"run{number:05}")[0].result)
    finally:
        attack_on.stop.set()
        attacker.join()
    assert attack_on.lost == []
    assert (outside / "a").read_bytes() == b"precious"
    assert (outside / "a").stat().st_ino == status.st_ino
    assert results <= {Result.DELETED, Result.CHANGED}
    assert rounds < 100 or len(results) == 2
    scene.recover()
    with Vault(scene.vault) as vault, scene.places as places:
        assert not [answer for answer in verify(vault, places) if isinstance(answer, Finding)]
        assert {entry.size for entry in vault.entries()}.isdisjoint({len(b"precious")})


class _Attack:
    """Changes a tree, over and over, in turn with who writes the file that is to be deleted."""

    def __init__(self, scene: Scene, outside: Path, attack: str) -> None:
        self.turn = threading.Lock()
        self.stop = threading.Event()
        self.lost: list[str] = []
        self._ops, self._outside, self._attack = scene.root / "ops", outside, attack
        self._file = self._ops / "a"

    def run(self) -> None:
        attack = getattr(self, self._attack)
        chance = random.Random(0)
        while not self.stop.is_set():
            with self.turn, suppress(OSError):
                attack()
            time.sleep(chance.choice([0, 0.0005, 0.002, 0.03, 0.3]))

    def swap_folder(self) -> None:
        real = self._ops.with_name("real")
        self._ops.rename(real)
        self._ops.symlink_to(self._outside)
        self._ops.unlink()
        real.rename(self._ops)

    def swap_file(self) -> None:
        aside = self._ops / "aside"
        self._file.rename(aside)
        self._file.symlink_to(self._outside / "a")
        self._file.unlink()
        aside.rename(self._file)

    def append(self) -> None:
        with self._file.open("ab") as out:
            out.write(b"+")
            out.flush()
            if os.fstat(out.fileno()).st_nlink == 0:
                self.lost.append("it was deleted while it was open")

    def rename_over(self) -> None:
        new = self._ops / "new"
        new.write_bytes(b"another")
        new.rename(self._file)

    def link_in(self) -> None:
        second = self._ops / "second"
        second.hardlink_to(self._file)
        time.sleep(0.01)
        if second.stat().st_nlink < 2:
            self.lost.append("it was deleted while it had two names")
        second.unlink()
