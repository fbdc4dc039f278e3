"""A root with files, a vault, and what deletes and restores: for tests of the lifecycle's files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dvt.config.encryption import Encryption
from dvt.core.file_names import as_text
from dvt.core.ports.lifecycle import VerifiedBackup
from dvt.core.retention import Action, Decision, Item, Outcome, PlannedItem, Reason
from dvt.drivers.trees import identity
from dvt.lifecycle.back_up.cipher import Cipher
from dvt.lifecycle.back_up.vault import Vault
from dvt.lifecycle.delete.files import FileRemover
from dvt.lifecycle.delete.recovery import recover
from dvt.lifecycle.files import Places
from dvt.lifecycle.find.places import Place
from dvt.lifecycle.restore import Wanted, restore


@dataclass
class Scene:
    """Folders of one test."""

    top: Path
    runs: int = 0
    foreign: bool = False
    encryption: Encryption = field(default_factory=Encryption)
    root: Path = field(init=False)
    vault: Path = field(init=False)

    def __post_init__(self) -> None:
        self.root, self.vault = self.top / "root", self.top / "vault"
        self.root.mkdir(exist_ok=True)

    def opened(self) -> Vault:
        return Vault(self.vault, cipher=Cipher(self.encryption))

    @property
    def places(self) -> Places:
        return Places([Place(path=self.root, foreign=self.foreign, mount_point=True, unmarked=True)])

    def file(self, name: str | bytes, content: bytes = b"content", *, mode: int = 0o640) -> Path:
        """Write a file below the root, and return its path."""
        path = self.root / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)
        return path

    def planned(self, path: Path, action: Action = Action.DELETE, group: str = "") -> PlannedItem:
        """Plan a file as it is now."""
        status = path.lstat()
        item = Item(
            data_type="temp_files",
            key=as_text(bytes(path)),
            root=str(self.root),
            identity=identity(status),
            bytes=status.st_size,
            group=group,
        )
        return PlannedItem(item=item, decision=Decision(reason=Reason.OLD, text="old", action=action))

    def run(self, planned: Sequence[PlannedItem], run: str | None = None, **options: object) -> list[Outcome]:
        """Back up and delete, as a run does, and return what became of the items, in their order."""
        self.runs += 1
        with (
            self.opened() as vault,
            self.places as places,
            FileRemover(vault, run or f"run{self.runs:03}", places, **options) as remover,
        ):
            answers = remover.back_up(planned)
            proofs = [answer for answer in answers if isinstance(answer, VerifiedBackup)]
            deleted = iter(remover.delete(proofs))
            return [next(deleted) if isinstance(answer, VerifiedBackup) else answer for answer in answers]

    def delete(self, paths: Iterable[Path], action: Action = Action.DELETE) -> list[Outcome]:
        """Plan and delete files."""
        return self.run([self.planned(path, action) for path in paths])

    def restore(self, *, force: bool = False, **wanted: object) -> list[Outcome]:
        with self.opened() as vault, self.places as places:
            return list(restore(vault, places, Wanted(**wanted), force=force))

    def recover(self) -> list[Outcome]:
        with self.opened() as vault, self.places as places:
            return recover(vault, places)


def snapshot(top: Path) -> dict[Path, tuple[object, ...]]:
    """Return what is in a tree: each path with kind, rights, owner, inode, time, content or target."""
    found: dict[Path, tuple[object, ...]] = {}
    for folder, folders, files in os.walk(top):
        for path in (Path(folder, name) for name in [*folders, *files]):
            status = path.lstat()
            content: object = None
            if stat.S_ISLNK(status.st_mode):
                content = path.readlink()
            elif stat.S_ISREG(status.st_mode):
                content = path.read_bytes()
            time = None if stat.S_ISDIR(status.st_mode) else status.st_mtime_ns
            found[path] = (status.st_mode, status.st_uid, status.st_ino, time, content)
    return found
