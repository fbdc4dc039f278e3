"""The quarantine: where files are that are being deleted, on their own file system, for one user alone.

`<root>/.dvt-quarantine/<run>/journal.jsonl` says, on the disk before a file is moved, where each file in the
folder comes from; so a killed run's files find back, with nothing else than this folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any, Self

from dvt.core.errors import QuarantineRefused
from dvt.core.retention import Action, Item, ItemKind
from dvt.drivers.file_system import rename_exclusively, sync_one
from dvt.drivers.trees import QUARANTINE, Root
from dvt.lifecycle.back_up.manifest import Entry
from dvt.lifecycle.folders import remove_tree

RESTORED = "restored-"
"""With this begin the names of files that are being restored, in the quarantine; they are locked."""
_JOURNAL = b"journal.jsonl"
_UNFINISHED = re.compile(r"[0-9]+\.gz")
"""Matches names of compressed copies that are being made."""
_GOING = ".going"
"""With this end the names of folders that are being removed, which are not whole any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A file that is to be moved into the quarantine, and what is known of it."""

    slot: str
    """Its name there."""
    item: Item
    sha256: str
    location: str
    """Of its backup."""
    action: Action


def move_of(entry: Entry) -> Move:
    """Return the move of a file that has a backup."""
    return Move(
        slot=entry.slot,
        item=entry.item,
        sha256=entry.sha256,
        location=entry.location,
        action=entry.action,
    )


class Quarantine:
    """The folder of one run in the quarantine of one root, locked by its journal until it is closed."""

    def __init__(self, root: Root, run: str, *, new: bool) -> None:
        """Make it, or open it: FileNotFoundError if there is none, BlockingIOError if its run is alive."""
        self.path = f"{root.path.rstrip('/')}/{os.fsdecode(QUARANTINE)}/{run}"
        self._run, self._root = run, root
        self._top = top(root, make=new)
        self.fd = self._journal = -1
        self._is_ours = False
        try:
            if new:
                with suppress(FileExistsError):
                    os.mkdir(run, 0o700, dir_fd=self._top)
            self.fd = root.enter(self._top, run.encode())
            flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_CREAT if new else 0)
            self._journal = os.open(_JOURNAL, flags, 0o600, dir_fd=self.fd)
            fcntl.flock(self._journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._is_ours = True
            sync_one(self.fd)
            sync_one(self._top)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it, and remove it if nothing is in it. May be called twice."""
        if self._is_ours and self._is_empty():
            with suppress(OSError):
                os.unlink(_JOURNAL, dir_fd=self.fd)
                os.rmdir(self._run, dir_fd=self._top)
        for descriptor in (self._journal, self.fd, self._top):
            if descriptor >= 0:
                os.close(descriptor)
        self._journal = self.fd = self._top = -1
        self._is_ours = False

    def will_take(self, moves: Sequence[Move]) -> None:
        """Say, on the disk when this returns, where files come from that will be moved here."""
        text = memoryview("".join(f"{json.dumps(_to_json(move))}\n" for move in moves).encode())
        end = os.fstat(self._journal).st_size
        try:
            while text:
                text = text[os.write(self._journal, text) :]
            sync_one(self._journal)
        except OSError:
            os.ftruncate(self._journal, end)
            raise

    def take(self, folder: int, name: bytes, move: Move) -> None:
        """Move a file here from an open folder."""
        rename_exclusively(folder, name, self.fd, move.slot.encode())

    def give_back(self, move: Move, folder: int, name: bytes) -> None:
        """Move a file back to an open folder; FileExistsError if something has its name there."""
        rename_exclusively(self.fd, move.slot.encode(), folder, name)

    def remove(self, slot: str) -> None:
        """Remove a file or a folder that is here."""
        if not stat.S_ISDIR(os.stat(slot, dir_fd=self.fd, follow_symlinks=False).st_mode):
            os.unlink(slot, dir_fd=self.fd)
            return
        # From here on nobody takes it for whole, whenever this process is killed.
        os.rename(slot, f"{slot}{_GOING}", src_dir_fd=self.fd, dst_dir_fd=self.fd)
        sync_one(self.fd)
        remove_tree(self._root, self.fd, f"{slot}{_GOING}".encode())

    def folder(self, slot: str) -> int:
        """Open a folder that is here. Close it."""
        return self._root.enter(self.fd, slot.encode())

    def _is_empty(self) -> bool:
        with os.scandir(self.fd) as entries:
            return all(os.fsencode(entry.name) == _JOURNAL for entry in entries)

    def slots(self) -> Iterator[str]:
        """Yield the names of what was moved here."""
        with os.scandir(self.fd) as entries:
            yield from (entry.name for entry in entries if entry.name.isdecimal())

    def remove_unfinished(self) -> None:
        """Remove the copies that a killed run was about to compress, and what is left of folders."""
        with os.scandir(self.fd) as entries:
            names = [entry.name for entry in entries]
        for name in names:
            if _UNFINISHED.fullmatch(name):
                os.unlink(name, dir_fd=self.fd)
            elif name.endswith(_GOING):
                remove_tree(self._root, self.fd, name.encode())

    def moves(self) -> dict[str, Move]:
        """Return what the journal says, by slot. A line that was not written whole moved nothing."""
        text = os.pread(self._journal, os.fstat(self._journal).st_size, 0)
        moves = {}
        for line in text.split(b"\n"):
            with suppress(ValueError, KeyError, TypeError):
                move = _from_json(json.loads(line))
                moves[move.slot] = move
        return moves


def top(root: Root, *, make: bool) -> int:
    """Open the quarantine of a root; QuarantineRefused unless it belongs to this user. Close it."""
    path = f"{root.path.rstrip('/')}/{os.fsdecode(QUARANTINE)}"
    if make:
        with suppress(FileExistsError):
            os.mkdir(QUARANTINE, 0o700, dir_fd=root.fd)
    try:
        descriptor = root.enter(root.fd, QUARANTINE)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise QuarantineRefused(path, f"cannot be opened as a folder ({error.strerror})") from error
    status = os.fstat(descriptor)
    if status.st_uid != os.geteuid():
        os.close(descriptor)
        raise QuarantineRefused(path, f"belongs to user {status.st_uid}")
    if stat.S_IMODE(status.st_mode) & 0o077:
        os.fchmod(descriptor, 0o700)
    return descriptor


def runs(root: Root) -> list[str]:
    """Return the runs that have a folder in the quarantine of a root."""
    try:
        descriptor = top(root, make=False)
    except FileNotFoundError:
        return []
    try:
        with os.scandir(descriptor) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    finally:
        os.close(descriptor)


def remove_unbegun(root: Root, run: str) -> None:
    """Remove the folder of a run that was killed before it had a journal: nothing is in it."""
    descriptor = top(root, make=False)
    try:
        with suppress(OSError):
            os.rmdir(run, dir_fd=descriptor)
    finally:
        os.close(descriptor)


def remove_unrestored(root: Root) -> None:
    """Remove what a restore that was killed has left in the quarantine of a root."""
    with suppress(FileNotFoundError), ExitStack() as closing:
        descriptor = top(root, make=False)
        closing.callback(os.close, descriptor)
        with os.scandir(descriptor) as entries:
            names = [entry.name for entry in entries if entry.name.startswith(RESTORED)]
        for name in names:
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=descriptor)
            closing.callback(os.close, file)
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_any(root, descriptor, name.encode())


def remove_any(root: Root, folder: int, name: bytes) -> None:
    """Remove a file, or a folder with all that is in it, from an open folder of the quarantine."""
    if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        remove_tree(root, folder, name)
    else:
        os.unlink(name, dir_fd=folder)


def _to_json(move: Move) -> dict[str, Any]:
    facts = ("data_type", "kind", "key", "root", "identity", "group", "bytes", "modified")
    return {
        "slot": move.slot,
        "item": {fact: getattr(move.item, fact) for fact in facts},
        "sha256": move.sha256,
        "location": move.location,
        "action": move.action,
    }


def _from_json(line: dict[str, Any]) -> Move:
    item = line["item"] | {"kind": ItemKind(line["item"].get("kind", ItemKind.FILE))}
    return Move(**line | {"item": Item(**item), "action": Action(line["action"])})
