"""What reads and restores items that are neither files nor folders: datasets, tables, rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dvt.core.ports.lifecycle import Finder
from dvt.core.retention import Item, Outcome, PlannedItem
from dvt.lifecycle.back_up.manifest import Entry


class Source(Protocol):
    """Reads the items of one kind into backups, and brings them back."""

    def prepare(self, items: Sequence[Item]) -> None:
        """Get ready to copy items, each of which is copied next, or told to stay then."""

    def copy(self, item: Item, target: int) -> None:
        """Write all that is needed to restore an item to an open, empty file.

        Stays if it is not what the plan says any more, or something holds it.
        """

    def restore(self, entry: Entry, backup: int) -> str:
        """Bring an item back from its open backup, which was verified; return what it lacks, in words.

        NotRestored if something else is in its place; it is no error that the very same is there already.
        """

    def is_there(self, item: Item) -> bool:
        """Return whether an item is still where it was, or may be."""


class Kind(Source, Protocol):
    """All that is needed of the items of some data types that are no files."""

    @property
    def data_types(self) -> tuple[str, ...]:
        """The data types."""

    @property
    def automatic(self) -> bool:
        """Whether runs of a schedule may delete them, too."""

    def finder(self, data_types: frozenset[str]) -> Finder:
        """Return what finds the items of these data types."""

    def needs_backup(self, item: Item) -> bool:
        """Return whether an item cannot be made again, or is to have a backup nevertheless."""

    def delete(self, planned: Sequence[PlannedItem], hashes: Sequence[str]) -> Sequence[Outcome]:
        """Delete items, and return what became of each; what is not what was backed up stays.

        `hashes`: the SHA-256 of what `copy` has written, an empty text for what has no backup.
        """

    def close(self) -> None:
        """Release what is open. May be called twice."""


class NotRestored(Exception):
    """An item is not restored, for this reason, in words."""
