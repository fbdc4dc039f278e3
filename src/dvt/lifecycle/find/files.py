"""Finds files below folders, by descriptors: no link is followed, no other file system is entered."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from itertools import chain, groupby, islice
from pathlib import Path

from dvt.core.errors import DvtError
from dvt.core.file_names import as_path, as_text
from dvt.core.found import Countable, Counted, Similar
from dvt.core.retention import Hold, HoldCode, Item, ItemKind, Moment
from dvt.drivers.file_uses import FileUses, file_uses
from dvt.drivers.trees import Root, bytes_of, identity
from dvt.lifecycle.find.counting import Counter
from dvt.lifecycle.find.folders import FolderItems
from dvt.lifecycle.find.operations import Told, data_type_of, told, unreadable
from dvt.lifecycle.find.places import OWN, Contents, Inode, Place, inode, names_of, open_by_first_name
from dvt.runs.operation_files import LARGEST

_DEEPEST = 200
"""Folders within each other that are looked into: each holds a descriptor."""


_ENOUGH = 4
"""Folders in a place for which a second process is worth its beginning."""
_GLANCE = 1000
"""Entries of a folder among which these are looked for."""


class FileFinder:
    """Implements Finder for files in folders."""

    def __init__(
        self,
        places: Sequence[Place],
        *,
        avoid: Sequence[Path] = (),
        current: Sequence[Path] = (),
        wanted: Collection[str] = (),
        uses: Callable[[], FileUses] = file_uses,
    ) -> None:
        """Look into `places`, but not into the folders `avoid`, nor from one place into another.

        `current`: folders that are in use, so that neither they nor folders around them are ever due.
        `wanted`: only items of these data types are found; all if none is named. An item is of the same data
        type whichever are wanted. `uses` tells which files are in use.
        """
        self._wanted = frozenset(wanted) or None
        self._places = {str(place.path): place for place in places}
        self._avoided = frozenset(map(os.fsencode, [*self._places, *map(str, avoid)]))
        self._kept = self._avoided | frozenset(map(os.fsencode, current))
        self._uses = uses
        self.half: int | None = None
        """0 or 1: it finds only a half of what is there."""
        self._problems: list[DvtError] = []

    @property
    def data_types(self) -> tuple[str, ...]:
        """See Finder."""
        names = (name for place in self._places.values() for of in place.contents for name in of.data_types)
        return tuple(name for name in dict.fromkeys(names) if self._is_wanted(name))

    @property
    def roots(self) -> tuple[str, ...]:
        """See Finder."""
        return tuple(str(place.path) for place in self._wanted_places())

    @property
    def problems(self) -> Sequence[DvtError]:
        """See Finder."""
        return tuple(self._problems)

    def find(self, now: Moment) -> Iterator[Item]:
        """See Finder. A folder that is refused is noted in `problems`; one that is not there is empty."""
        return (item for item in self.find_or_count(now, {}) if isinstance(item, Item))

    def find_or_count(  # a moment is not asked of files
        self,
        now: Moment,  # noqa: ARG002
        countable: Mapping[str, Countable],
    ) -> Iterator[Item | Similar | Counted]:
        """See CountingFinder."""
        self._problems = []
        uses = self._uses()
        names = names_of(self._places.values())
        for place in self._wanted_places():
            try:
                root = open_by_first_name(place, names)
            except FileNotFoundError:
                continue
            except DvtError as error:
                self._problems.append(error)
                continue
            with root:
                counter = Counter(place, countable, uses, os.fstat(root.fd).st_dev)
                avoided = self._avoided | names.keys()
                walk = _Walk(root, place, uses, avoided, self._kept, half=self.half, wanted=self._is_wanted)
                found = chain(walk.below(root.fd, (), counter), counter.counted())
                yield from found if self._wanted is None else filter(self._is_found, found)

    def _wanted_places(self) -> list[Place]:
        """Return the places in which there may be items of the data types that are wanted."""
        return [
            place
            for place in self._places.values()
            if any(self._is_wanted(name) for of in place.contents for name in of.data_types)
        ]

    def _is_wanted(self, data_type: str) -> bool:
        return self._wanted is None or data_type in self._wanted

    def _is_found(self, found: Item | Similar | Counted) -> bool:
        return self._is_wanted((found.example if isinstance(found, Similar) else found).data_type)

    def halves(self) -> tuple[FileFinder, FileFinder] | None:
        """See CountingFinder: half of the folders of each place, by name, and the files that are in none."""
        if self.half is not None or not any(_has_many_folders(place) for place in self._wanted_places()):
            return None
        first, second = copy(self), copy(self)
        first.half, second.half = 0, 1
        return first, second

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


def _has_many_folders(place: Place) -> bool:
    """Return whether there are enough folders in a place for two processes, as far as a glance tells."""
    with suppress(OSError, DvtError), place.open() as root, os.scandir(root.fd) as entries:
        some = islice(entries, _GLANCE)
        folders = (entry for entry in some if entry.is_dir(follow_symlinks=False))
        return sum(1 for _ in islice(folders, _ENOUGH)) == _ENOUGH
    return False


def _half_of(entry: os.DirEntry[str]) -> int:
    """Return the half that an entry is in: folders by their names, whatever else is there at that moment."""
    return sum(os.fsencode(entry.name)) % 2 if entry.is_dir(follow_symlinks=False) else 0


def _place_and_key(item: Item) -> tuple[str, str]:
    return item.root, item.key


class _Walk:
    """Looks at the files of one place."""

    def __init__(
        self,
        root: Root,
        place: Place,
        uses: FileUses,
        avoided: frozenset[bytes | Inode],
        kept: frozenset[bytes],
        *,
        half: int | None = None,
        wanted: Callable[[str], bool] = lambda _data_type: True,
    ) -> None:
        """`avoided`: folders that are not entered, by path or inode.

        `half`: only half of the folders are looked into, and files outside them only by half 0.
        `wanted`: of which data types what cannot be looked into is told.
        """
        names = [name for of in place.contents for name in of.data_types]
        self._data_type = next(filter(wanted, names), names[0])
        self._half = half
        self._folders = FolderItems(root, place, uses, kept)
        self._root = root
        self._place = place
        self._uses = uses
        self._avoided = avoided
        self._contents = [(of.pattern(), of) for of in place.contents]
        self._name = str(place.path)
        self._path = os.fsencode(place.path)
        self._owner = os.geteuid()

    def below(self, folder: int, parts: tuple[bytes, ...], counter: Counter) -> Iterator[Item | Similar]:
        """Yield the items in an open folder, and below it, but for those that are counted."""
        folders = []
        try:
            with os.scandir(folder) as entries:
                for entry in counter.others(self._of_half(entries, parts), parts):
                    if isinstance(entry, Similar):
                        yield entry
                        continue
                    name = os.fsencode(entry.name)
                    if name in OWN:
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(name)
                    else:
                        with suppress(FileNotFoundError):
                            status = entry.stat(follow_symlinks=False)  # asked for once
                            yield from self._item(folder, parts, name, status)
        except OSError as error:
            if parts or not self._half:
                yield from self._not_seen(parts, error)
        for name in sorted(folders):
            yield from self._enter(folder, parts, name, counter)

    def _of_half(
        self, entries: Iterable[os.DirEntry[str]], parts: tuple[bytes, ...]
    ) -> Iterable[os.DirEntry[str]]:
        if parts or self._half is None:
            return entries
        return (entry for entry in entries if _half_of(entry) == self._half)

    def one(self, item: Item) -> Item | None:
        """Return what is there now under the key of an item."""
        with suppress(OSError, ValueError):
            parts, name = self._root.parts(as_path(item.key))
            with self._root.folder(parts) as folder:
                if item.kind is ItemKind.FOLDER:
                    return self._folder_item(folder, parts, name)
                status = os.stat(name, dir_fd=folder, follow_symlinks=False)
                return next(self._item(folder, parts, name, status), None)
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

    def _enter(
        self, folder: int, parts: tuple[bytes, ...], name: bytes, counter: Counter
    ) -> Iterator[Item | Similar]:
        deeper = (*parts, name)
        try:
            item = self._folder_item(folder, parts, name)
        except OSError as error:
            yield from self._not_seen(deeper, error)
            return
        if item is not None:
            yield item
            return
        if not any(of.recursive for _, of in self._contents):
            return
        if b"/".join((self._path, *deeper)) in self._avoided:
            return
        if len(deeper) > _DEEPEST:
            yield self._held(deeper, HoldCode.SPECIAL, f"it is below {_DEEPEST} folders")
            return
        try:
            descriptor = self._root.enter(folder, name)
        except OSError as error:
            yield from self._not_seen(deeper, error)
            return
        try:
            if inode(os.fstat(descriptor)) not in self._avoided:
                yield from self.below(descriptor, deeper, counter)
        finally:
            os.close(descriptor)

    def _item(
        self, folder: int, parts: tuple[bytes, ...], name: bytes, status: os.stat_result
    ) -> Iterator[Item]:
        of = self._kind_of(parts, name)
        if of is None:
            return
        said = self._told(folder, name, status) if of.operations else _NOTHING
        if self._place.unmarked and not said.is_operation:
            return  # whose it is is not known
        data_type = data_type_of(said.status) if said.status else of.data_types[0]
        if data_type not in of.data_types:
            return
        yield Item(
            data_type=data_type,
            key=self._key(parts, name),
            root=self._name,
            identity=identity(status),
            group=said.group if of.operations else of.group_of(parts, name),
            bytes=bytes_of(status),
            status=said.status,
            tags=of.tags,
            recorded=said.recorded,
            modified=status.st_mtime_ns,
            changed=status.st_ctime_ns,
            holds=self._holds(status) + said.holds,
        )

    def _kind_of(self, parts: tuple[bytes, ...], name: bytes, *, is_folder: bool = False) -> Contents | None:
        text = as_text(name)
        for pattern, of in self._contents:
            if bool(of.folders) is is_folder and (of.recursive or not parts) and pattern.match(text):
                return of
        return None

    def _told(self, folder: int, name: bytes, status: os.stat_result) -> Told:
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

    def _holds(self, status: os.stat_result) -> tuple[Hold, ...]:
        holds = []
        file = (status.st_dev, status.st_ino)
        if not stat.S_ISREG(status.st_mode):
            holds.append(Hold(HoldCode.SPECIAL, f"it is no file but {_kind(status.st_mode)}"))
        elif status.st_nlink > 1:
            names = f"it has {status.st_nlink} names, so its bytes would stay"
            holds.append(Hold(HoldCode.HARD_LINKED, names))
        if status.st_uid != self._owner and not self._place.foreign:
            holds.append(Hold(HoldCode.FOREIGN, f"it belongs to user {status.st_uid}"))
        if file in self._uses.opened:
            holds.append(Hold(HoldCode.OPEN, f"process {self._uses.opened[file]} has it open"))
        if file in self._uses.locked:
            holds.append(Hold(HoldCode.LOCKED, "somebody holds a lock of it"))
        return tuple(holds)

    def _not_seen(self, parts: tuple[bytes, ...], error: OSError) -> Iterator[Item]:
        """Yield a held item for a folder that cannot be looked into."""
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENOTDIR):
            return  # it is gone, or something else by now
        code = HoldCode.SPECIAL if error.errno == errno.EXDEV else HoldCode.UNREADABLE
        yield self._held(parts, code, f"the folder: {error.strerror}")

    def _held(self, parts: tuple[bytes, ...], code: HoldCode, detail: str) -> Item:
        """Return a folder as an item that stays."""
        return Item(
            data_type=self._data_type,
            key=as_text(b"/".join((self._path, *parts))),
            root=self._name,
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
