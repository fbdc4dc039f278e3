"""Opens backups for reading, wherever they are: in the vault, or in the quarantine of a root."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from dvt.core.retention import ItemKind
from dvt.drivers.trees import QUARANTINE, Root
from dvt.lifecycle.back_up.manifest import Entry
from dvt.lifecycle.back_up.packing import pack
from dvt.lifecycle.back_up.vault import Vault
from dvt.lifecycle.files import Places

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def _packed(root: Root, above: int, name: bytes) -> Iterator[int]:
    """Pack a folder that was moved aside, which is its own backup, into a file without a name."""
    with tempfile.TemporaryFile() as file:
        folder = root.enter(above, name)
        try:
            pack(root, folder, file.fileno())
        finally:
            os.close(folder)
        yield file.fileno()


@contextmanager
def reading(vault: Vault, places: Places, entry: Entry) -> Iterator[int]:
    """Open a backup; OSError if it is not there, DvtError if its root may not be opened."""
    with ExitStack() as opened:
        if entry.is_aside:
            root = places.root(entry.item.root)
            folder = opened.enter_context(root.folder((QUARANTINE, entry.run.encode())))
            name = entry.slot
            if entry.item.kind is ItemKind.FOLDER:
                yield opened.enter_context(_packed(root, folder, name.encode()))
                return
        else:
            number, name = entry.file.split("/")
            folder = opened.enter_context(vault.folder(entry.run, number))
        descriptor = os.open(name, _READ, dir_fd=folder)
        opened.callback(os.close, descriptor)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        yield descriptor
