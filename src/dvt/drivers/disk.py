"""Files and folders that only their owner may read, written whole or not at all."""

from __future__ import annotations

import errno
import io
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from dvt.core.errors import DiskFull, DvtError, StagingUnusable

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Error numbers of full disks, used-up quotas and files that are too large."""
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
"""Error numbers of file systems that have no hard links."""
_NO_FOLDER_SYNC = frozenset({errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
"""Error numbers of file systems that cannot be asked to write a folder to the disk."""
_NOTHING_TO_REMOVE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENOTEMPTY, errno.EEXIST})
"""Error numbers of a removal that came too late: it is gone, or somebody has written there meanwhile."""
_ATTEMPTS = 10
"""How often a folder is made again that somebody has removed before its child was made."""
_UNIQUE_TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]{8}\.new", re.DOTALL)
"""Matches names of temporary files with a suffix of `unique_suffix`; the group is the name without."""
_CHUNK = 2**20
"""Bytes of a stream that are in memory at once: 1 MiB."""


def private_folder(path: Path) -> None:
    """Make a folder and its missing parents, each for its owner alone.

    Again if somebody removes an empty parent meanwhile.
    """
    for attempt in range(_ATTEMPTS):
        try:
            _make_private_folders(path)
        except FileNotFoundError as error:
            if attempt == _ATTEMPTS - 1:
                raise disk_error(error, path) from error
        else:
            return


def _make_private_folders(path: Path) -> None:
    missing = [path]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for folder in reversed(missing):
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise disk_error(error, folder) from error


def own_folder(path: Path) -> Path:
    """Make dvt's folder in a project, with a .gitignore that hides it from git."""
    private_folder(path)
    ignore = path / ".gitignore"
    if not ignore.exists():
        write_private(ignore, b"*\n")
    return path


def temporary_name(path: Path, unique: str = "") -> Path:
    """Return the path of a file until all of it is on the disk."""
    return path.with_name(f".{path.name}{unique}.new")


def unique_suffix() -> str:
    """Return a random suffix, for a file name that no other writer uses."""
    return f".{secrets.token_hex(4)}"


def is_temporary(path: Path) -> bool:
    """True for a file that is being written, or was being written when its writer died."""
    return path.name.startswith(".") and path.suffix == ".new"


def name_when_whole(path: Path) -> str | None:
    """Return the name that a temporary file with a unique suffix was to get; None for another file."""
    match = _UNIQUE_TEMPORARY.fullmatch(path.name)
    return match and match[1]


def write_private(path: Path, data: bytes | BinaryIO, *, unique: str = "") -> None:
    """Write a file for its owner alone: to a temporary name, to the disk, then renamed.

    Writers that may write the same file at the same time pass a different `unique` each.
    """
    with _temporary_file(temporary_name(path, unique), data) as temporary:
        temporary.replace(path)
        _sync_folder(path.parent)


def create_private(path: Path, data: bytes) -> None:
    """Write a file as `write_private` does; raise FileExistsError if the file exists."""
    with _temporary_file(temporary_name(path, unique_suffix()), data) as temporary:
        try:
            os.link(temporary, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            # A crash between these two leaves an empty file, which every reader takes for an unfinished one.
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            temporary.replace(path)
        _sync_folder(path.parent)


def make_lasting(path: Path) -> None:
    """Write to the disk what others have written: a file, or a folder with all files below it, if any.

    It costs a small dataset some 6 ms, the marker included; beside the writing of 33 MB it does not show.
    """
    try:
        for folder, _, files in os.walk(path):
            for file in files:
                _sync(Path(folder, file))
            _sync_folder(Path(folder))
        if path.is_file():
            _sync(path)
        _sync_folder(path.parent)
    except FileNotFoundError:
        return  # somebody has removed it meanwhile
    except OSError as error:
        raise disk_error(error, path.parent) from error


def remove_folder(path: Path) -> None:
    """Remove a folder and what is in it, as much as possible; raise the first error that left something.

    It is no error that there is no folder, nor that somebody writes into it meanwhile.
    """
    failures: list[tuple[str, OSError]] = []

    def note(place: str, error: BaseException) -> None:
        if isinstance(error, OSError) and error.errno not in _NOTHING_TO_REMOVE:
            failures.append((place, error))

    if path.is_symlink():
        return
    if sys.version_info >= (3, 12):
        shutil.rmtree(path, onexc=lambda _function, place, error: note(place, error))
    else:
        shutil.rmtree(path, onerror=lambda _function, place, raised: note(place, raised[1]))
    for place, error in failures:
        raise disk_error(error, Path(place).parent) from error


def remove_empty_parents(path: Path, top: Path) -> None:
    """Remove the folders above `path` that are empty, up to `top`, which stays."""
    for folder in path.parents:
        if folder == top or top not in folder.parents:
            return
        try:
            folder.rmdir()
        except OSError:
            return


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(path: Path) -> None:
    """Write to the disk which files a folder has, where the file system can be asked to."""
    try:
        _sync(path)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise


@contextmanager
def _temporary_file(temporary: Path, data: bytes | BinaryIO) -> Iterator[Path]:
    """Write a temporary file with this content to the disk; remove it when the `with` ends."""
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            shutil.copyfileobj(io.BytesIO(data) if isinstance(data, bytes) else data, file, _CHUNK)
            file.flush()
            os.fsync(descriptor)
        yield temporary
    except FileExistsError:
        raise
    except OSError as error:
        raise disk_error(error, temporary.parent) from error
    finally:
        temporary.unlink(missing_ok=True)


def disk_error(error: OSError, place: Path) -> DvtError:
    """Return dvt's error for the operating system's."""
    if error.errno in _NO_SPACE:
        return DiskFull(str(place), "staging")
    return StagingUnusable(str(place), error.strerror or type(error).__name__)
