"""Access to trees of files by descriptors, without following a link and without leaving a device.

A path is looked up again each time it is used, and somebody may have replaced a folder in it by a link
meanwhile. A descriptor stays what it is. So every folder is opened relative to the descriptor of the
folder above it, from the root on, and files are named relative to the descriptor of their folder.
Whether files are in use is `file_uses`' business.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from dvt.core.errors import RootRefused
from dvt.core.found import identity_of

QUARANTINE = b".dvt-quarantine"
"""Name of the folder of a root into which files are moved that are to be deleted. No finder looks there."""

_OF_THE_SYSTEM = frozenset(
    {
        b"bin",
        b"dev",
        b"home",
        b"lib",
        b"lib32",
        b"lib64",
        b"media",
        b"mnt",
        b"opt",
        b"root",
        b"run",
        b"sbin",
        b"srv",
        b"usr",
        b"var",
    }
)
"""Folders of the file system's root that are never roots themselves; below them there may be some."""
_ALL_OF_THE_SYSTEM = frozenset({b"boot", b"etc", b"proc", b"sys"})
"""Folders of the file system's root in which there are no roots at all."""
_READ = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PASS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
"""For folders that are only on the way: one need not be allowed to list them."""


def identity(status: os.stat_result) -> str:
    """Return what tells a file from any other and from itself before it was changed; renaming keeps it."""
    return identity_of(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def bytes_of(status: os.stat_result) -> int:
    """Return the bytes that would be free without a file; holes have none."""
    size, allocated = status.st_size, status.st_blocks * 512
    if allocated < size:  # of a million files, `min` would be a fifth of a second
        return allocated
    return size


class Root:
    """A folder below which files may be found and deleted, open: use it in a `with`.

    RootRefused says why it is none; FileNotFoundError, that it is not there.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        through_links: bool = False,
        mount_point: bool = False,
        foreign: bool = False,
    ) -> None:
        """Open a folder by its absolute path.

        Args:
            path: Without `.` and `..`.
            through_links: Links in the path, its last part too, are followed.
            mount_point: It may be one, as `/tmp` or a volume of a container is.
            foreign: It may belong to somebody else than this user and root.
        """
        self.path = os.fspath(path)
        self._bytes = os.fsencode(self.path)
        self._refuse_path()
        self.fd = self._opened(through_links=through_links)
        """Descriptor of the folder, for reading."""
        try:
            status = os.fstat(self.fd)
            self.device = status.st_dev
            self._mount = _mount(self.fd)
            self._refuse_folder(status, mount_point=mount_point, foreign=foreign)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its descriptor. May be called twice."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def parts(self, path: bytes) -> tuple[tuple[bytes, ...], bytes]:
        """Return the folders between the root and a file, and its name; ValueError if it is not below."""
        prefix = self._bytes.rstrip(b"/") + b"/"
        *folders, name = path.removeprefix(prefix).split(b"/")
        if not path.startswith(prefix) or any(part in {b"", b".", b".."} for part in (*folders, name)):
            msg = f"{path!r} is not below {self.path}"
            raise ValueError(msg)
        return tuple(folders), name

    @contextmanager
    def folder(self, parts: Sequence[bytes]) -> Iterator[int]:
        """Open a folder below the root, for reading, and give its descriptor.

        OSError if a part is gone, no folder, or a link; with EXDEV if it is mounted from elsewhere.
        """
        descriptor = os.dup(self.fd)
        try:
            for part in parts:
                descriptor = self._step(descriptor, part)
            yield descriptor
        finally:
            os.close(descriptor)

    def enter(self, folder: int, name: bytes) -> int:
        """Open a folder by its name in an open folder below the root; errors as of `folder`. Close it."""
        if name in {b"", b".", b".."} or b"/" in name:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), os.fsdecode(name))
        descriptor = os.open(name, _READ, dir_fd=folder)
        if os.fstat(descriptor).st_dev != self.device or _mount(descriptor) != self._mount:
            os.close(descriptor)
            raise OSError(errno.EXDEV, "it is mounted from elsewhere", os.fsdecode(name))
        return descriptor

    def _step(self, descriptor: int, part: bytes) -> int:
        below = self.enter(descriptor, part)
        os.close(descriptor)
        return below

    def _refuse_path(self) -> None:
        if not self._bytes.strip(b"/"):
            raise RootRefused(self.path or "a folder without a name", "is the root of all files")
        first, *parts = self._bytes.rstrip(b"/").split(b"/")
        if first or any(part in {b"", b".", b".."} for part in parts):
            raise RootRefused(self.path, "is no absolute path without '.', '..' and '//'")
        if (len(parts) == 1 and parts[0] in _OF_THE_SYSTEM) or parts[0] in _ALL_OF_THE_SYSTEM:
            raise RootRefused(self.path, "is a folder of the operating system")

    def _opened(self, *, through_links: bool) -> int:
        if through_links:
            return self._open_at(self._bytes, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, None)
        *above, last = (part for part in self._bytes.split(b"/") if part)
        descriptor = os.open(b"/", _PASS)
        try:
            for part in above:
                below = self._open_at(part, _PASS, descriptor)
                os.close(descriptor)
                descriptor = below
            return self._open_at(last, _READ, descriptor)
        finally:
            os.close(descriptor)

    def _open_at(self, name: bytes, flags: int, folder: int | None) -> int:
        try:
            return os.open(name, flags, dir_fd=folder)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise self._refusal(error, name, folder) from error

    def _refusal(self, error: OSError, name: bytes, folder: int | None) -> RootRefused:
        with suppress(OSError):
            if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                return RootRefused(
                    self.path,
                    f"is reached by a link, {os.fsdecode(name)}",
                    allow="say so: `follow_links: true`",
                )
        return RootRefused(self.path, f"cannot be opened as a folder ({error.strerror})")

    def _refuse_folder(self, status: os.stat_result, *, mount_point: bool, foreign: bool) -> None:
        home = Path.home()
        with suppress(OSError):
            if os.path.samestat(status, home.stat()):
                raise RootRefused(self.path, "is a home folder")
        if os.path.samestat(status, Path("/").stat()):
            raise RootRefused(self.path, "is the root of all files")
        if not mount_point and self._is_mount_point():
            raise RootRefused(
                self.path, "is where a file system is mounted", allow="say so: `mount_point: true`"
            )
        if not foreign and status.st_uid not in {0, os.geteuid()}:
            raise RootRefused(self.path, f"belongs to user {status.st_uid}", allow="say so: `foreign: true`")

    def _is_mount_point(self) -> bool:
        above = os.open(b"..", _PASS & ~os.O_NOFOLLOW, dir_fd=self.fd)
        try:
            return os.fstat(above).st_dev != self.device or _mount(above) != self._mount
        finally:
            os.close(above)


def _mount(descriptor: int) -> str:
    """Return the mount that a file was opened by, since bind mounts share a device; empty: unknown."""
    with suppress(OSError):
        for line in Path(f"/proc/self/fdinfo/{descriptor}").read_bytes().splitlines():
            if line.startswith(b"mnt_id:"):
                return line.decode()
    return ""
