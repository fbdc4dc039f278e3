"""Finds files below folders, by descriptors: no link is followed, no other file system is entered."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from fnmatch import translate
from itertools import groupby
from pathlib import Path

from dvt.core.errors import DvtError
from dvt.core.file_names import as_path, as_text
from dvt.core.retention import Hold, HoldCode, Item, ItemKind, Moment
from dvt.drivers.file_uses import FileUses, file_uses
from dvt.drivers.trees import QUARANTINE, Root, identity
from dvt.lifecycle.find.folders import FolderItems
from dvt.lifecycle.find.operations import Told, data_type_of, told, unreadable
from dvt.lifecycle.find.places import MARKER, Contents, Place
from dvt.runs.operation_files import LARGEST

_OWN = frozenset({MARKER, QUARANTINE})
"""Names that are the lifecycle's own."""
_DEEPEST = 200
"""Folders within each other that are looked into: each holds a descriptor."""
_VERSION = re.compile(rb"[\d.]")
"""Matches where a name's version begins."""


class FileFinder:
    """Implements Finder for files in folders."""

    def __init__(
        self,
        places: Sequence[Place],
        *,
        avoid: Sequence[Path] = (),
        current: Sequence[Path] = (),
        uses: Callable[[], FileUses] = file_uses,
    ) -> None:
        """Look into `places`, but not into the folders `avoid`, nor from one place into another.

        `current`: folders that are in use, so that neither they nor folders around them are ever due.
        `uses` tells which files are in use.
        """
        self._places = {str(place.path): place for place in places}
        self._avoided = frozenset(map(os.fsencode, [*self._places, *map(str, avoid)]))
        self._kept = self._avoided | frozenset(map(os.fsencode, current))
        self._uses = uses
        self._problems: list[DvtError] = []

    @property
    def data_types(self) -> tuple[str, ...]:
        """See Finder."""
        names = (name for place in self._places.values() for of in place.contents for name in of.data_types)
        return tuple(dict.fromkeys(names))

    @property
    def roots(self) -> tuple[str, ...]:
        """See Finder."""
        return tuple(self._places)

    @property
    def problems(self) -> Sequence[DvtError]:
        """See Finder."""
        return tuple(self._problems)

    def find(self, now: Moment) -> Iterator[Item]:  # noqa: ARG002  a moment is not asked of files
        """See Finder. A folder that is refused is noted in `problems`; one that is not there is empty."""
        self._problems = []
        uses = self._uses()
        for place in self._places.values():
            try:
                root = place.open()
            except FileNotFoundError:
                continue
            except DvtError as error:
                self._problems.append(error)
                continue
            with root:
                yield from _Walk(root, place, uses, self._avoided, self._kept).below(root.fd, ())

    def look(self, items: Sequence[Item], now: Moment) -> Sequence[Item | None]:  # noqa: ARG002
        """See Finder."""
        uses = self._uses()
        present: dict[str, Item | None] = {}
        for name, group in groupby(sorted(items, key=_place_and_key), key=lambda item: item.root):
            place = self._places.get(name)
            if place is None:
                continue
            with suppress(FileNotFoundError, DvtError), place.open() as root:
                walk = _Walk(root, place, uses, self._avoided, self._kept)
                present |= {item.key: walk.one(item) for item in group}
        return [present.get(item.key) for item in items]


def _place_and_key(item: Item) -> tuple[str, str]:
    return item.root, item.key


class _Walk:
    """Looks at the files of one place."""

    def __init__(
        self,
        root: Root,
        place: Place,
        uses: FileUses,
        avoided: frozenset[bytes],
        kept: frozenset[bytes],
    ) -> None:
        self._folders = FolderItems(root, place, uses, kept)
        self._root = root
        self._place = place
        self._uses = uses
        self._avoided = avoided
        self._contents = [
            (re.compile("|".join(translate(pattern) for pattern in of.files), re.DOTALL), of)
            for of in place.contents
        ]
        self._path = os.fsencode(place.path)

    def below(self, folder: int, parts: tuple[bytes, ...]) -> Iterator[Item]:
        """Yield the items in an open folder, and below it."""
        folders = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    name = os.fsencode(entry.name)
                    if name in _OWN:
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(name)
                    else:
                        yield from self._item(folder, parts, name)
        except OSError as error:
            yield from self._not_seen(parts, error)
        for name in sorted(folders):
            yield from self._enter(folder, parts, name)

    def one(self, item: Item) -> Item | None:
        """Return what is there now under the key of an item."""
        with suppress(OSError, ValueError):
            parts, name = self._root.parts(as_path(item.key))
            with self._root.folder(parts) as folder:
                if item.kind is ItemKind.FOLDER:
                    return self._folder_item(folder, parts, name)
                return next((found for found in self._item(folder, parts, name)), None)
        return None

    def _folder_item(self, folder: int, parts: tuple[bytes, ...], name: bytes) -> Item | None:
        """Return a folder in an open one as an item; None if it is none. OSError if it cannot be seen."""
        of = self._kind_of(parts, name, is_folder=True)
        if of is None:
            return None
        descriptor = self._root.enter(folder, name)
        try:
            return self._folders.item(of, descriptor, (*parts, name))
        finally:
            os.close(descriptor)

    def _enter(self, folder: int, parts: tuple[bytes, ...], name: bytes) -> Iterator[Item]:
        deeper = (*parts, name)
        try:
            item = self._folder_item(folder, parts, name)
        except OSError as error:
            yield from self._not_seen(deeper, error)
            return
        if item is not None:
            yield item
            return
        wanted = [of for _, of in self._contents if of.recursive]
        if not wanted:
            return
        if b"/".join((self._path, *deeper)) in self._avoided:
            return
        if len(deeper) > _DEEPEST:
            yield self._held(wanted[0], deeper, HoldCode.SPECIAL, f"it is below {_DEEPEST} folders")
            return
        try:
            descriptor = self._root.enter(folder, name)
        except OSError as error:
            yield from self._not_seen(deeper, error)
            return
        try:
            yield from self.below(descriptor, deeper)
        finally:
            os.close(descriptor)

    def _item(self, folder: int, parts: tuple[bytes, ...], name: bytes) -> Iterator[Item]:
        of = self._kind_of(parts, name)
        if of is None:
            return
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return
        said = self._told(of, folder, name, status)
        if self._place.unmarked and not said.is_operation:
            return  # whose it is is not known
        data_type = data_type_of(said.status) if said.status else of.data_types[0]
        if data_type not in of.data_types:
            return
        yield Item(
            data_type=data_type,
            key=self._key(parts, name),
            root=str(self._place.path),
            identity=identity(status),
            group=said.group if of.operations else _group(of, parts, name),
            bytes=min(status.st_size, status.st_blocks * 512),
            status=said.status,
            tags=of.tags,
            recorded=said.recorded,
            modified=status.st_mtime_ns,
            changed=status.st_ctime_ns,
            holds=(*self._holds(status), *said.holds),
        )

    def _kind_of(self, parts: tuple[bytes, ...], name: bytes, *, is_folder: bool = False) -> Contents | None:
        text = as_text(name)
        for pattern, of in self._contents:
            if bool(of.folders) is is_folder and (of.recursive or not parts) and pattern.match(text):
                return of
        return None

    def _told(self, of: Contents, folder: int, name: bytes, status: os.stat_result) -> Told:
        if not of.operations:
            return _NOTHING
        if not stat.S_ISREG(status.st_mode):
            return unreadable("it is no file")
        if status.st_size > LARGEST:
            return unreadable("it is too large to be read")
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with os.fdopen(os.open(name, flags, dir_fd=folder), "rb") as file:
                return told(file.read(LARGEST + 1), lambda: _is_running(folder, name))
        except OSError as error:
            return unreadable(f"it cannot be read ({error.strerror})")

    def _holds(self, status: os.stat_result) -> Iterator[Hold]:
        file = (status.st_dev, status.st_ino)
        if not stat.S_ISREG(status.st_mode):
            yield Hold(HoldCode.SPECIAL, f"it is no file but {_kind(status.st_mode)}")
        elif status.st_nlink > 1:
            yield Hold(HoldCode.HARD_LINKED, f"it has {status.st_nlink} names, so its bytes would stay")
        if not self._place.foreign and status.st_uid != os.geteuid():
            yield Hold(HoldCode.FOREIGN, f"it belongs to user {status.st_uid}")
        if file in self._uses.opened:
            yield Hold(HoldCode.OPEN, f"process {self._uses.opened[file]} has it open")
        if file in self._uses.locked:
            yield Hold(HoldCode.LOCKED, "somebody holds a lock of it")

    def _not_seen(self, parts: tuple[bytes, ...], error: OSError) -> Iterator[Item]:
        """Yield a held item for a folder that cannot be looked into."""
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENOTDIR):
            return  # it is gone, or something else by now
        code = HoldCode.SPECIAL if error.errno == errno.EXDEV else HoldCode.UNREADABLE
        yield self._held(self._contents[0][1], parts, code, f"the folder: {error.strerror}")

    def _held(self, of: Contents, parts: tuple[bytes, ...], code: HoldCode, detail: str) -> Item:
        """Return a folder as an item that stays."""
        return Item(
            data_type=of.data_types[0],
            key=as_text(b"/".join((self._path, *parts))),
            root=str(self._place.path),
            identity="",
            files=0,
            holds=(Hold(code, detail),),
        )

    def _key(self, parts: tuple[bytes, ...], name: bytes) -> str:
        return as_text(b"/".join((self._path, *parts, name)))


_NOTHING = Told(status=None)


def _is_running(folder: int, name: bytes) -> bool:
    """Return whether a command of dvt holds the lock of its operation file; see `runs.running_operations`."""
    lock = b"running/" + name.removesuffix(b".json") + b".lock"
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _group(of: Contents, parts: tuple[bytes, ...], name: bytes) -> str:
    if of.group_by == "folder":
        return as_text(b"/".join(parts)) or "."
    if of.group_by == "name":
        return as_text(_VERSION.split(name, maxsplit=1)[0]).rstrip("-_ ")
    return ""


def _kind(mode: int) -> str:
    for test, kind in (
        (stat.S_ISLNK, "a link"),
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
    ):
        if test(mode):
            return kind
    return "a device"
