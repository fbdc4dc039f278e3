"""Counts the files of which only the number is needed: of a young file among a million no item is made."""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from stat import S_ISREG

from dvt.core.file_names import as_text
from dvt.core.found import EVER, Countable, Counted, Row, Similar
from dvt.core.retention import AgeBy, Item, Moment, Tally
from dvt.drivers.file_uses import FileUses
from dvt.drivers.trees import bytes_of
from dvt.lifecycle.find.places import OWN, Contents, Place

_Entry = os.DirEntry[str]
_AT_ONCE = 1000
"""Files that are passed on together as similar."""

_OWN = frozenset(map(os.fsdecode, OWN))


class Counter:
    """Counts the files of a place of which that is enough, and passes on the others."""

    def __init__(self, place: Place, countable: Mapping[str, Countable], uses: FileUses, device: int) -> None:
        """`countable`: by data type, the files of which that is enough; `device`: that of the place."""
        used = frozenset(inode for _, inode in (*uses.opened, *uses.locked))
        self._kinds = [
            _Kind(place, of, countable.get(of.data_types[0]), used, device)
            for of in place.contents
            if not of.folders
        ]
        self._has_any = any(kind.countable for kind in self._kinds)

    def others(self, entries: Iterable[_Entry], parts: Sequence[bytes]) -> Iterator[_Entry | Similar]:
        """Yield what is in a folder, but for files that are counted, and some that are no items."""
        if not self._has_any:
            yield from entries
            return
        kinds = [kind for kind in self._kinds if kind.of.recursive or not parts]
        folder = as_text(b"/".join((*parts, b""))) if parts else ""
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield entry
                continue
            name = _shown(entry.name)
            for kind in kinds if name not in _OWN else ():
                if kind.matches(name):
                    other = kind.count(entry, folder, name, parts)
                    if other is not None:
                        yield other
                    break
        for kind in kinds:
            yield from kind.rest()

    def counted(self) -> Iterator[Counted]:
        """Yield the numbers of what was counted."""
        yield from (counted for kind in self._kinds if (counted := kind.counted()) is not None)


class _Kind:
    """Counts the files of one of a place's contents."""

    def __init__(
        self, place: Place, of: Contents, countable: Countable | None, used: frozenset[int], device: int
    ) -> None:
        """`used`: inodes of files in use; one of another device costs only that a file is looked at."""
        self.of = of
        can_count = not place.unmarked and not of.operations
        if countable is not None and of.group_by != "none" and countable.newest is None:
            can_count = False
        self.countable = countable if can_count else None
        self.matches = of.pattern().match
        """Whether a name, as text, is one of these."""
        self._owner = None if place.foreign else os.geteuid()
        self._used = used
        self._device = device
        self._items = self._bytes = 0
        self._alike: list[Row] = []
        """Files of the folder that is read, which are similar."""
        self._newest: dict[str, list[tuple[Moment, str, int, _Entry]]] = {}
        """Heaps by group, the oldest first: what may be wanted of a folder's files."""
        self._example = Item(
            data_type=of.data_types[0],
            key=as_text(os.fsencode(place.path) + b"/"),
            root=str(place.path),
            identity="",
            tags=of.tags,
        )
        if self.countable is not None:
            self._after, self._until = self.countable.after, self.countable.until
            is_alike = self.countable.older_alike and of.group_by == "none"
            self._from = -EVER if is_alike else self._after
            self._youngest = _YOUNGEST[self.countable.age_by]
            self._unless = self.countable.unless
            self._most = 0 if of.group_by == "none" else self.countable.newest or 0

    def count(self, entry: _Entry, folder: str, name: str, parts: Sequence[bytes]) -> _Entry | Similar | None:
        """Count a file, if that is enough, or put it to those similar to it; otherwise return it.

        Many that are similar are returned at once.
        """
        if self.countable is None:
            return entry
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            return entry
        moment = self._youngest(status)
        if (
            not self._from <= moment <= self._until
            or status.st_nlink != 1
            or not S_ISREG(status.st_mode)
            or status.st_ino in self._used
            or (self._owner is not None and status.st_uid != self._owner)
            or status.st_dev != self._device
            or (self._unless is not None and self._unless(f"{self._example.key}{folder}{name}"))
        ):
            return entry
        size = bytes_of(status)
        if moment < self._after:
            times = status.st_mtime_ns, status.st_ctime_ns
            self._alike.append((folder + name, status.st_ino, status.st_size, size, *times))
            return self.similar() if len(self._alike) >= _AT_ONCE else None
        if self._most:
            newest = self._newest.setdefault(self.of.group_of(parts, os.fsencode(entry.name)), [])
            if len(newest) < self._most:
                heapq.heappush(newest, (moment, name, size, entry))
                return None
            size = heapq.heappushpop(newest, (moment, name, size, entry))[2]
        self._items += 1
        self._bytes += size
        return None

    def similar(self) -> Similar | None:
        """Return the similar files that have come together; None if there are none."""
        if self.countable is None or not self._alike:
            return None
        rows, self._alike = self._alike, []
        return Similar(self._example, self._device, self.countable.age_by, rows)

    def rest(self) -> Iterator[_Entry | Similar]:
        """Yield, when a folder has been read, its last similar files, and the newest ones of each group."""
        similar = self.similar()
        if similar is not None:
            yield similar
        for newest in self._newest.values():
            yield from (entry for _, _, _, entry in newest)
        self._newest = {}

    def counted(self) -> Counted | None:
        """Return the number of what was counted; None if there was nothing."""
        if self.countable is None or not self._items:
            return None
        tally = Tally(items=self._items, files=self._items, bytes=self._bytes)
        return Counted(self.of.data_types[0], self.countable.reason, tally)


def _shown(name: str) -> str:
    if name.isascii() and name.isprintable() and "\\" not in name:
        return name
    return as_text(os.fsencode(name))


_modified: Callable[[os.stat_result], Moment] = attrgetter("st_mtime_ns")
_changed: Callable[[os.stat_result], Moment] = attrgetter("st_ctime_ns")
_YOUNGEST: Mapping[frozenset[AgeBy], Callable[[os.stat_result], Moment]] = {
    frozenset({AgeBy.MODIFIED}): _modified,
    frozenset({AgeBy.CHANGED}): _changed,
    frozenset({AgeBy.MODIFIED, AgeBy.CHANGED}): lambda status: max(status.st_ctime_ns, status.st_mtime_ns),
}
