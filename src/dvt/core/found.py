"""What is found without making an item of each: it is counted, or is as an example but for some facts."""

from __future__ import annotations

from collections.abc import Callable
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


class Similar(NamedTuple):
    """An item that is as an example, but for these facts: less costly than an Item, for finding many."""

    example: Item
    key: str
    identity: str
    bytes: int
    modified: Moment
    changed: Moment
    youngest: Moment
    """Of the times that count, by its rule."""

    def item(self) -> Item:
        """Return it as an item."""
        return replace(
            self.example,
            key=self.key,
            identity=self.identity,
            bytes=self.bytes,
            modified=self.modified,
            changed=self.changed,
        )


class Counted(NamedTuple):
    """Items that were only counted."""

    data_type: str
    reason: Reason
    tally: Tally
