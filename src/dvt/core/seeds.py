"""Seeds that dvt loads itself: the file, what is found in it, and the table that it becomes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from dvt.core.errors import DvtError
from dvt.core.names import TableRef
from dvt.core.types import StageType

DBT_NULLS = ("", "null")
"""Cells that are NULL unless a seed says otherwise, without blanks around them and in any case: dbt's own."""
_PACKINGS = ("", ".gz", ".zst")
"""Suffixes of files that are compressed, or are not."""
SUFFIXES: Mapping[str, str] = {
    **{f".csv{packing}": "csv" for packing in _PACKINGS},
    **{f".{name}{packing}": "json" for name in ("json", "jsonl", "ndjson") for packing in _PACKINGS},
    ".parquet": "parquet",
    ".orc": "orc",
}
"""Suffix of a seed's file → its format. dbt itself takes only `.csv` for a seed."""


def suffix_of(file: str) -> str:
    """Return the suffix that makes a file a seed, in lower case; empty if none does.

    >>> suffix_of("seeds/orders.CSV.gz"), suffix_of("seeds/notes.txt")
    ('.csv.gz', '')
    """
    lower = file.lower()
    return max((suffix for suffix in SUFFIXES if lower.endswith(suffix)), key=len, default="")


class SeedKind(StrEnum):
    """What all cells of a column are: the types that dbt finds in a seed, in its order."""

    NUMBER = "number"
    DATE = "date"
    TIMESTAMP = "timestamp"
    BOOLEAN = "boolean"
    TEXT = "text"
    TYPED = "typed"
    """Of the type that the file gives it: dbt has no seeds of such a format, and so no type for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedFile:
    """A seed's file, and how it is written."""

    path: Path
    shown: str
    """The file as the project names it, for messages."""
    delimiter: str = ","
    quote: str = '"'
    """The character around cells; empty: no character is."""
    escape: str = ""
    """The character before a quote within a cell; empty: the quote stands twice."""
    multiline: bool = True
    """Whether a cell may go over several lines."""
    encoding: str = "utf-8"
    nulls: tuple[str, ...] = DBT_NULLS
    """Texts of cells that are NULL, in lower case."""
    date_format: str | None = None
    """How dates are written, as `strptime` has it; None: as ISO has it."""
    timestamp_format: str | None = None

    @property
    def format(self) -> str:
        """How the file is written: csv, json, parquet or orc."""
        return SUFFIXES.get(suffix_of(self.path.name), "csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedColumn:
    """A column as it is found in the whole file."""

    name: str
    kind: SeedKind
    stage: StageType
    """The smallest type that holds every cell."""
    longest: int = 0
    """Bytes of its longest text."""
    loses: str | None = None
    """What staging cannot hold of the file's values (DVT002), else None."""


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
    unused: tuple[str, ...] = ()
    """Configs that the seed has, and that change nothing."""
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
