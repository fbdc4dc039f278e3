"""Seeds that dvt loads itself: the file, what is found in it, and the table that it becomes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from dvt.core.errors import DvtError
from dvt.core.names import TableRef
from dvt.core.types import StageType

DBT_NULLS = ("", "null")
"""Cells that are NULL unless a seed says otherwise, without blanks around them and in any case: dbt's own."""


class SeedKind(StrEnum):
    """What all cells of a column are: the types that dbt finds in a seed, in its order."""

    NUMBER = "number"
    DATE = "date"
    TIMESTAMP = "timestamp"
    BOOLEAN = "boolean"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedFile:
    """A seed's file, and how it is written."""

    path: Path
    shown: str
    """The file as the project names it, for messages."""
    delimiter: str = ","
    encoding: str = "utf-8"
    nulls: tuple[str, ...] = DBT_NULLS
    """Texts of cells that are NULL, in lower case."""
    date_format: str | None = None
    """How dates are written, as `strptime` has it; None: as ISO has it."""
    timestamp_format: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedColumn:
    """A column as it is found in the whole file."""

    name: str
    kind: SeedKind
    stage: StageType
    """The smallest type that holds every cell."""
    longest: int = 0
    """Bytes of its longest text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedFacts:
    """What is found in the whole file."""

    columns: tuple[SeedColumn, ...]
    rows: int
    sample: tuple[tuple[str | None, ...], ...] = ()
    """Some of the rows, to show them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedType:
    """The type of a column in the target's table."""

    name: str
    """The column as the target stores its name."""
    quoted: str
    """The column as the DDL names it."""
    native: str
    """Type in the target's DDL."""
    stage: StageType | None
    """The same type in staging; None where the target alone converts the cells, from their texts."""
    is_given: bool
    """Whether the project gives it (`column_types`), rather than what is found in the file."""
    length: int | None = None
    """Highest number of characters; None: any."""


Typed = Callable[[SeedFacts], Sequence[SeedType]]
"""Returns the types of a seed's columns, in their order, as dbt's adapter has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedRequest:
    """A seed that dvt loads."""

    unique_id: str
    name: str
    file: str
    source: SeedFile
    stage: TableRef
    """The new table to fill on the seed's target."""
    given: frozenset[str] = frozenset()
    """Columns whose types the project gives."""
    sample: int = 0
    """Number of rows to show."""
    bucket: str = ""
    """Name of the bucket that the rows are staged in; empty: the run's default."""

    def about(self, error: DvtError) -> DvtError:
        """Return the error with the seed and its file."""
        return error.about(self.name, self.file)


def missing(given: Collection[str], columns: Collection[str]) -> list[str]:
    """Return the columns with a given type that the file does not have."""
    return sorted(set(given) - set(columns))
