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
    INCREMENTAL = "incremental"
    """It extracts the rows that have changed since, and takes the others."""
    CACHED = "cached"
    """It takes them if they are not older than `ttl`, whatever has happened since."""


class Strategy(StrEnum):
    """How changed rows are found."""

    HASH = "hash"
    """By a hash of each row, which the database computes."""
    WATERMARK = "watermark"
    """By a column that is higher in a row that was changed later."""


BATCH_SIZE = 10_000
"""Number of changed rows that one query asks for by their keys, unless `batch_size` sets another."""


MAX_PARALLEL = 4
"""Number of connections that read a table at once for one extraction, unless `max_parallel` sets another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incremental:
    """How changed rows are found, and told apart."""

    strategy: Strategy = Strategy.HASH
    primary_key: tuple[str, ...] = ()
    """Columns that tell rows apart; empty: the table's key or unique index, or else all its columns."""
    hash_columns: tuple[str, ...] = ()
    """Columns that change with a row; empty: all."""
    watermark: str = ""
    """The column of the strategy of that name."""
    overlap: timedelta | int = 0
    """How much below the highest watermark rows are extracted again: those that were committed late."""
    deletes: bool = True
    """Whether rows may be deleted: a watermark tells of none, so that the table is counted."""
    batch_size: int = BATCH_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """The config `extraction` of a relation."""

    method: Method = Method.FULL
    ttl: timedelta | None = None
    """How old rows may be that are taken again; given for `cached`, and only for that."""
    incremental: Incremental | None = None
    """Given for `incremental`, and only for that."""
    max_parallel: int = MAX_PARALLEL
    """Highest number of connections that read the table at once for one extraction."""
    partition_column: str = ""
    """Column whose ranges are read by a query each; empty: the connector chooses."""
    partitions: int | None = None
    """Number of ranges that the table is read in; None: as many as its rows need."""

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
        if self.incremental is not None:
            return _shown(self.incremental, told_by)
        if not told_by:
            return "nothing tells for sure that the rows are still the same: all are extracted"
        return f"taken from an earlier run while these are the same, which no rows are read for: {told_by}"


def _shown(incremental: Incremental, told_by: str) -> str:
    first = f"not even asked while these are the same: {told_by}; then " if told_by else ""
    if incremental.strategy is Strategy.HASH:
        return (
            f"{first}changed rows are found by hashes, for which the database reads the whole table;"
            " key and hash of each row move, and the rows that have changed"
        )
    if not incremental.deletes:
        return f"{first}changed rows are found by {incremental.watermark}; that none are deleted is your word"
    return (
        f"{first}changed rows are found by {incremental.watermark}; the database counts the table's rows,"
        " and reads all keys if some were deleted"
    )


FULL = Extraction()
"""Each run extracts what it needs, and nothing is kept."""
