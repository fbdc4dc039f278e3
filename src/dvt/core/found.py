"""What is found without making an item of each: it is counted, or is as an example but for some facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from dvt.core.retention import AgeBy, Item, Moment, Reason, Tally

EVER = 2**80
"""Nanoseconds that no time of a file is away from 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Countable:
    """Which items of a data type need only be counted, since their times alone decide what becomes of them.

    They have no holds and no status, and record no time themselves.
    """

    reason: Reason
    """Why they stay."""
    after: Moment
    """The youngest of their times that count is not before this,"""
    until: Moment
    """and not after this."""
    age_by: frozenset[AgeBy]
    """The times that count: `mtime`, `ctime` or both."""
    unless: Callable[[str], bool] | None = None
    """Whether of an item of this key it is not known; None: of no key."""
    newest: int | None = 0
    """So many newest of each group are wanted as items, since numbers may keep them; None: all of groups."""
    older_alike: bool = False
    """Whether all that are of no group, and older, are decided alike, but for how old they are."""


Row = tuple[str, int, int, int, Moment, Moment]
"""Name, inode, size, bytes that would be free without it, and the times `mtime` and `ctime` of a file."""


class Similar(NamedTuple):
    """Files of a folder that are items as an example, but for these facts: they cost less than Items."""

    example: Item
    """Its key is what theirs begin with: their place."""
    device: int
    age_by: frozenset[AgeBy]
    """The times that count: `mtime`, `ctime` or both."""
    rows: Sequence[Row]
    """With their paths within the place as their names."""

    def item(self, row: Row) -> Item:
        """Return one of them."""
        return item_of(self.example, self.device, row)


def item_of(example: Item, device: int, row: Row) -> Item:
    """Return a file as an item that is as an example; its row has the path within the place as its name."""
    name, inode, size, free, modified, changed = row
    known = identity_of(device, inode, size, modified)
    key = example.key + name
    return replace(example, key=key, identity=known, bytes=free, modified=modified, changed=changed)


def identity_of(device: int, inode: int, size: int, modified: Moment) -> str:
    """Return what tells a file from any other and from itself before it was changed; renaming keeps it."""
    return f"{device}:{inode}:{size}:{modified}"


class Counted(NamedTuple):
    """Items that were only counted."""

    data_type: str
    reason: Reason
    tally: Tally
