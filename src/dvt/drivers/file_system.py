"""What a file system can do beyond `os`: rename without replacing, and write all that it has to the disk."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterable

_LIBC = ctypes.CDLL(None, use_errno=True)
_NO_REPLACE = 1
"""Linux's RENAME_NOREPLACE."""
_CANNOT = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})
"""Error numbers of file systems and systems that do not know the call."""
_NO_LINK = frozenset({errno.EPERM, errno.EACCES, errno.EISDIR, errno.EMLINK}) | _CANNOT
"""Error numbers of what cannot have a second name: folders, and all files of some file systems."""
_FEW = 8
"""So many files are written to the disk one by one; for more, the whole file system is."""


def rename_exclusively(folder: int, name: bytes, to_folder: int, to_name: bytes) -> None:
    """Rename what is in one open folder to a name in another; FileExistsError if that name is taken.

    It may be anything: a file, a folder, a link (which is not followed).
    """
    if hasattr(_LIBC, "renameat2"):
        if _LIBC.renameat2(folder, name, to_folder, to_name, _NO_REPLACE) == 0:
            return
        number = ctypes.get_errno()
        if number not in _CANNOT:
            raise OSError(number, os.strerror(number), os.fsdecode(name), None, os.fsdecode(to_name))
    rename_by_link(folder, name, to_folder, to_name)


def rename_by_link(folder: int, name: bytes, to_folder: int, to_name: bytes) -> None:
    """As `rename_exclusively`, for systems that cannot: for a moment a file has both names."""
    try:
        os.link(name, to_name, src_dir_fd=folder, dst_dir_fd=to_folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
    else:
        os.unlink(name, dir_fd=folder)
        return
    try:
        os.stat(to_name, dir_fd=to_folder, follow_symlinks=False)
    except FileNotFoundError:
        os.rename(name, to_name, src_dir_fd=folder, dst_dir_fd=to_folder)
        return
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fsdecode(to_name))


def sync(descriptors: Iterable[int], *, within: int) -> None:
    """Write open files and folders of one file system to the disk; `within` is any open one of it."""
    several = list(descriptors)
    if len(several) <= _FEW:
        for descriptor in several:
            sync_one(descriptor)
    else:
        sync_all(within)


def sync_one(descriptor: int) -> None:
    """Write a file, or which files a folder has, to the disk; folders only where that can be asked for."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise


def sync_all(descriptor: int) -> None:
    """Write all of the file system that an open file is in to the disk."""
    if not hasattr(_LIBC, "syncfs"):
        os.sync()
    elif _LIBC.syncfs(descriptor) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
