"""What a table's files are found to hold, whatever their format."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol


@dataclass(frozen=True, slots=True)
class Inspected:
    """Columns of a table's files, and how the files are read."""

    types: Mapping[str, str]
    """Column → type, as DuckDB spells it."""
    note: str
    """How the files are read, for people."""
    rows: int | None = None
    loses: Mapping[str, str] = field(default_factory=dict)
    """Column → what its type cannot hold of the file's values."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """A value that is not of its column's type."""

    path: str
    place: str
    """`line 7`, or another place in the file."""
    column: str
    value: str
    type: str
    first: str
    """The first file, from which kinds of values follow."""


class FileSource(Protocol):
    """Files of one format that are one table."""

    def inspect(self, cursor: Any) -> Inspected:
        """Return the columns; `cursor` reads with all threads."""

    checks: ClassVar[bool]
    """True if values may not be of their column's type, so that `select` has the column `texts.MISFIT`."""

    def select(self, types: Mapping[str, str], read: Collection[str]) -> str:
        """Return a SELECT of these columns in these types.

        It stops at a value that is not of its type (`texts.stopped_by_misfit`). MISFIT is true for a row
        with such a value in one of the columns of `read`.
        """

    def misfit(self, types: Mapping[str, str]) -> Misfit | None:
        """Return the first value of these columns that is not of its type."""
