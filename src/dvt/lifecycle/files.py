"""Files that a plan names: where they may be, and whether they still are what the plan says."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, Self

from dvt.core.errors import RootNotAllowed, RootRefused
from dvt.core.file_names import as_path
from dvt.core.retention import Item, Outcome, Result
from dvt.drivers.file_uses import FileUses
from dvt.drivers.trees import Root, identity

_ELSEWHERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EXDEV})
"""Error numbers of a file that is not where it was: it, or a folder above it, is gone or another one."""
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
"""A pipe or a terminal that has taken a file's place is not waited for."""


class Stays(Exception):
    """An item stays where it is: what for, in words, as its Outcome says."""

    def __init__(self, result: Result, detail: str) -> None:
        super().__init__(detail)
        self.result, self.detail = result, detail

    def outcome(self, item: Item) -> Outcome:
        """Return the item's Outcome."""
        return Outcome(item=item, result=self.result, detail=self.detail)


class Place(Protocol):
    """A root in which files may be deleted."""

    @property
    def path(self) -> Path:
        """Absolute."""

    @property
    def foreign(self) -> bool:
        """Whether files in it may belong to others than this user."""

    def open(self) -> Root:
        """Open it; RootRefused says why it may not be cleaned, FileNotFoundError that it is not there."""


class Places:
    """The roots in which files may be deleted, opened when they are first used: use it in a `with`."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._places = {str(place.path): place for place in places}
        self._open: dict[str, Root] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the roots. May be called twice."""
        while self._open:
            self._open.popitem()[1].close()

    @property
    def paths(self) -> tuple[str, ...]:
        """The roots' paths."""
        return tuple(self._places)

    def place(self, path: str) -> Place:
        """Return what is allowed in a root; RootNotAllowed if it is none."""
        if path not in self._places:
            raise RootNotAllowed(path, self._places)
        return self._places[path]

    def root(self, path: str) -> Root:
        """Return an open root; errors as of `Place.open`, and RootNotAllowed."""
        if path not in self._open:
            self._open[path] = self.place(path).open()
        return self._open[path]


class Folders:
    """Open folders of items' files, the last few that were asked for: use it in a `with`."""

    def __init__(self, places: Places, *, most: int) -> None:
        self._places, self._most = places, most
        self._open: dict[tuple[str, bytes], int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        while self._open:
            os.close(self._open.popitem()[1])

    @property
    def descriptors(self) -> tuple[int, ...]:
        """The folders that are open."""
        return tuple(self._open.values())

    def of(self, item: Item) -> tuple[int, bytes]:
        """Return the open folder of a file, and the file's name; Stays if the folder is gone."""
        key = (item.root, folder_of(item))
        if key not in self._open:
            with found(item):
                root = self._places.root(item.root)
                parts, _ = root.parts(as_path(item.key))
                with root.folder(parts) as folder:
                    self._open[key] = os.dup(folder)
            if len(self._open) > self._most:
                os.close(self._open.pop(next(iter(self._open))))
        return self._open[key], name_of(item)


def open_unchanged(folder: int, name: bytes, item: Item, *, foreign: bool) -> int:
    """Open a file for reading if it is what the plan says, otherwise Stays. Close it."""
    with found(item):
        # Whoever opens a device may set it to work.
        require_unchanged(os.stat(name, dir_fd=folder, follow_symlinks=False), item, foreign=foreign)
        descriptor = os.open(name, _OPEN, dir_fd=folder)
    try:
        require_unchanged(os.fstat(descriptor), item, foreign=foreign)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def require_unchanged(status: os.stat_result, item: Item, *, foreign: bool) -> None:
    """Raise Stays unless this is the file that the plan says, and one that may be deleted."""
    for is_wrong, why in (
        (not stat.S_ISREG(status.st_mode), "it is no regular file any more"),
        (identity(status) != item.identity, "it has changed since the plan was made"),
        (status.st_nlink != 1, f"it has {status.st_nlink} names"),
        (not foreign and status.st_uid != os.geteuid(), f"it belongs to user {status.st_uid}"),
    ):
        if is_wrong:
            raise Stays(Result.CHANGED, why)


def require_unused(status: os.stat_result, uses: FileUses) -> None:
    """Raise Stays if somebody has the file open, or holds a lock of it."""
    key = (status.st_dev, status.st_ino)
    if key in uses.opened:
        raise Stays(Result.CHANGED, f"process {uses.opened[key]} has it open")
    if key in uses.locked:
        raise Stays(Result.CHANGED, f"process {uses.locked[key]} holds a lock of it")


def name_of(item: Item) -> bytes:
    """Return the name of an item's file, without its folder."""
    return as_path(item.key).rpartition(b"/")[2]


def folder_of(item: Item) -> bytes:
    """Return the path of the folder that an item's file is in."""
    return as_path(item.key).rpartition(b"/")[0]


@contextmanager
def found(item: Item) -> Iterator[None]:
    """Raise Stays for what an operating system says of a file that is not to be had."""
    try:
        yield
    except FileNotFoundError as error:
        raise Stays(Result.CHANGED, "it is gone") from error
    except (RootNotAllowed, RootRefused) as error:
        raise Stays(Result.FAILED, error.message) from error
    except ValueError as error:
        raise Stays(Result.FAILED, f"it is not below {item.root}") from error
    except OSError as error:
        if error.errno in _ELSEWHERE:
            raise Stays(Result.CHANGED, f"its folder is not what it was ({error.strerror})") from error
        raise Stays(Result.FAILED, f"the system refuses it ({error.strerror})") from error


def in_words(error: OSError) -> str:
    """Return what kept a copy from being made, in words."""
    if error.errno in _NO_SPACE:
        return f"no space is left for it ({error.strerror})"
    return error.strerror or type(error).__name__
