"""What reads and restores items that are neither files nor folders: datasets, tables, rows."""

from __future__ import annotations

from typing import Protocol

from dvt.core.retention import Item
from dvt.lifecycle.back_up.manifest import Entry


class Source(Protocol):
    """Reads the items of one kind into backups, and brings them back."""

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


class NotRestored(Exception):
    """An item is not restored, for this reason, in words."""
