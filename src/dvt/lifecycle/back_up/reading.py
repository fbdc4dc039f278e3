"""Opens backups for reading, wherever they are: in the vault, or in the quarantine of a root."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from dvt.drivers.trees import QUARANTINE
from dvt.lifecycle.back_up.manifest import Entry
from dvt.lifecycle.back_up.vault import Vault
from dvt.lifecycle.files import Places

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def reading(vault: Vault, places: Places, entry: Entry) -> Iterator[int]:
    """Open a backup; OSError if it is not there, DvtError if its root may not be opened."""
    with ExitStack() as opened:
        if entry.is_aside:
            root = places.root(entry.item.root)
            folder = opened.enter_context(root.folder((QUARANTINE, entry.run.encode())))
            name = entry.slot
        else:
            number, name = entry.file.split("/")
            folder = opened.enter_context(vault.folder(entry.run, number))
        descriptor = os.open(name, _READ, dir_fd=folder)
        opened.callback(os.close, descriptor)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        yield descriptor
