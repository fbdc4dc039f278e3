"""Joins what is there with what cleanups have deleted: of each item, from when to when it was there."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from dvt.core.past import Deleted, Restored
from dvt.core.retention import Item, Moment, Result
from dvt.lifecycle.simulate.item_file import ItemFile

_SUFFIX = ".gz"
"""Of the name of what takes the place of a file that is compressed."""
_NEVER = -(2**63)
_LAST = 2**63 - 1
"""The last moment that is told apart from later ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An item, and when it was there."""

    item: Item
    since: Moment | None
    """When it began, as its oldest time says; None: it has none."""
    back: Moment | None = None
    """In fact it was there only from this on, for it was restored; None: since it began."""
    gone: Moment | None = None
    """When it was gone in fact; None: it is there."""
    ends: Moment | None = None
    """When it ended whatever a policy says: something else has taken its place."""
    is_past: bool = False
    """Whether it came back later, so that a policy is to be asked of what came back, not of this."""


class History:
    """What is known of one data type. Memory grows by some 150 bytes with each deletion on record.

    First all that is on record is added, in its order; then it is asked of all that is there.
    """

    def __init__(self, data_type: str) -> None:
        self._items = ItemFile(data_type)
        self._last: dict[int, int] = {}
        """Hash of a key → number of the last deletion of an item with that key."""
        self._since, self._gone, self._ends = array("q"), array("q"), array("q")
        self._back, self._returned = array("q"), array("q")
        """By number: since when it was back, if it had been deleted before; when it came back after this."""
        self._compressed, self._past = bytearray(), bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._items.close()

    def add(self, change: Deleted | Restored) -> None:
        """Add the next that is on record."""
        if isinstance(change, Restored):
            number = self._last.get(hash(change.key))
            if number is not None:
                self._returned[number] = change.at
        else:
            self._add_deleted(change)

    def _add_deleted(self, deleted: Deleted) -> None:
        known = self._known(deleted.item)
        number = self._items.add(deleted.item)
        self._since.append(_NEVER if known.since is None else max(-_LAST, min(known.since, _LAST)))
        self._last[hash(deleted.item.key)] = number
        self._gone.append(deleted.at)
        self._returned.append(_NEVER)
        self._back.append(_NEVER if known.back is None else known.back)
        is_compressed = deleted.result is Result.COMPRESSED
        self._compressed.append(is_compressed)
        # Of an item without times nobody can say how long it would have stayed: it ends as it did.
        self._ends.append(deleted.at if is_compressed or known.since is None else _NEVER)
        self._past.append(False)

    def found(self, item: Item) -> Known:
        """Return what is known of an item that is there."""
        return self._known(item)

    def deleted(self) -> Iterator[Known]:
        """Yield what was taken away, once all that is there was told."""
        self._items.read()
        for number, gone in enumerate(self._gone):
            yield Known(
                item=self._items[number],
                since=_time(self._since[number]),
                back=_time(self._back[number]),
                gone=gone,
                ends=_time(self._ends[number]),
                is_past=bool(self._past[number]),
            )

    def _known(self, item: Item) -> Known:
        times = [time for time in (item.recorded, item.modified, item.changed) if time is not None]
        known = Known(item=item, since=min(times, default=None))
        before = self._last.get(hash(item.key))
        if before is not None:
            return self._after(known, before)
        if item.key.endswith(_SUFFIX):
            packed = self._last.get(hash(item.key.removesuffix(_SUFFIX)))
            if packed is not None and self._compressed[packed]:
                return replace(known, since=max(self._gone[packed], known.since or 0))
        return known

    def _after(self, known: Known, before: int) -> Known:
        """Return an item after one of the same key was taken away: that one came back, or this is another."""
        gone = self._gone[before]
        if known.since is not None and known.since > gone:
            if self._ends[before] == _NEVER:
                self._ends[before] = min(known.since, _LAST)
            return known
        self._past[before] = True
        back = self._returned[before]
        return replace(known, back=gone if back == _NEVER else back)


def _time(moment: int) -> Moment | None:
    return None if moment == _NEVER else moment
