"""Files and folders that only their owner may read, written whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from dvt.core.errors import DiskFull, DvtError, StagingUnusable

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def private_folder(path: Path) -> None:
    """Make a folder and its missing parents, each for its owner alone."""
    missing = [path]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for folder in reversed(missing):
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise disk_error(error, folder) from error


def own_folder(path: Path) -> Path:
    """The folder of dvt in a project, which git leaves alone."""
    private_folder(path)
    ignore = path / ".gitignore"
    if not ignore.exists():
        write_private(ignore, b"*\n")
    return path


def temporary_name(path: Path) -> Path:
    """Where a file lies until all of it is on the disk."""
    return path.with_name(f".{path.name}.new")


def write_private(path: Path, data: bytes) -> None:
    """Write a file for its owner alone: to a temporary name, to the disk, then renamed."""
    temporary = temporary_name(path)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise disk_error(error, path.parent) from error


def disk_error(error: OSError, place: Path) -> DvtError:
    """What the operating system's refusal means for staging."""
    if error.errno in _NO_SPACE:
        return DiskFull(str(place), "staging")
    return StagingUnusable(str(place), error.strerror or type(error).__name__)
