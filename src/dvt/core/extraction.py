"""How much of a relation is extracted again when a later run needs it, as its config `extraction` says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Method(StrEnum):
    """What a run does with rows that an earlier one has extracted."""

    FULL = "full"
    """Nothing: it extracts what it needs, and keeps nothing."""
    AUTO = "auto"
    """It takes them if a token of the database proves that the table is the same, else it extracts all."""
    CACHED = "cached"
    """It takes them if they are not older than `ttl`, whatever has happened since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """The config `extraction` of a relation."""

    method: Method = Method.FULL
    ttl: timedelta | None = None
    """How old rows may be that are taken again; given for `cached`, and only for that."""

    @property
    def keeps(self) -> bool:
        """True if the table's rows are kept, so that all of them are extracted."""
        return self.method is not Method.FULL

    def shown(self, told_by: str) -> str:
        """Return what it means for a table, for people; `told_by` tells whether that has changed.

        Example:
            >>> Extraction(method=Method.AUTO).shown("size and times of the file")
            'taken from an earlier run while these are the same, which no rows are read for: size and times of the file'
        """  # noqa: E501
        if self.method is Method.CACHED:
            return f"taken from an earlier run, whatever has changed, until the rows are {self.ttl} old"
        if not told_by:
            return "nothing tells for sure that the rows are still the same: all are extracted"
        return f"taken from an earlier run while these are the same, which no rows are read for: {told_by}"


FULL = Extraction()
"""Each run extracts what it needs, and nothing is kept."""
