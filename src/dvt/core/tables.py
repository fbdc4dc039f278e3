"""Tables and columns: as their databases describe them, and as they are staged."""

from __future__ import annotations

from dataclasses import dataclass

from dvt.core.names import TableRef
from dvt.core.types import StageType


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a database, and how its values get from there to staging."""

    name: str
    """As the database spells it."""
    native: str
    """The database's own type, e.g. `numeric(10,2)`."""
    stage: StageType
    """The type it has in staging, e.g. `DECIMAL(10,2)`."""
    exact: bool = False
    """=, <>, <, >, BETWEEN, IN, MIN, MAX and grouping give the same answer in the database and in DuckDB."""
    nulls_exact: bool = True
    """IS NULL gives the same answer in the database and in staging."""
    collation: str | None = None
    """Collation by which its database compares this text; None: byte by byte, or unknown."""
    collate: str = ""
    """DDL of a collation that the column has for itself, where every database of its kind has that."""
    only_order: bool = False
    """The collation decides only which text comes first: by it texts are equal if their bytes are."""
    ranked: bool = False
    """The database sorts the values by their positions in a list (an enum's), not as text."""
    read: str = "{0}"
    """Source SQL that sends the value; `{0}` is the quoted column."""
    unpack: str = "{0}"
    """DuckDB SQL that turns the arrived column `{0}` into `stage`. Only the connector that described the
    column, or the code that derived it from others, knows more of it."""
    loses: str | None = None
    """What staging cannot hold of the values (DVT002), else None."""
    misfit: str = ""
    """Source SQL of a condition on the column `{0}`: staging cannot hold the value, which stops the run."""
    is_misread: bool = False
    """A copy in another type than the column's own would be misread by the database's functions, silently."""
    follows_data: bool = False
    """The database's type sets no size, and `CanMeasure` gives the stage type that the values need."""
    as_digits: bool = False
    """The values are numbers of any size, which are staged as their texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeMapping:
    """How values of one type of a database are read and staged; the fields are those of `Column`."""

    stage: StageType
    read: str = "{0}"
    unpack: str = "{0}"
    exact: bool = False
    loses: str | None = None
    misfit: str = ""
    is_misread: bool = False
    follows_data: bool = False

    def column(self, name: str, native: str) -> Column:
        """Return a column of this type; `native` is the type as the database spells it."""
        return Column(
            name=name,
            native=native,
            stage=self.stage,
            exact=self.exact,
            read=self.read,
            unpack=self.unpack,
            loses=self.loses,
            misfit=self.misfit,
            is_misread=self.is_misread,
            follows_data=self.follows_data,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table as described by its database."""

    ref: TableRef
    columns: tuple[Column, ...]
    rows: int | None = None
    """Estimated by the database; None when it does not know."""
    bytes: int | None = None
    scannable: bool = True
    """False for a view or the like, which cannot be cut into physical ranges."""
    key: tuple[str, ...] = ()
    """Names of the columns of its primary key; empty without one."""
    unique: tuple[str, ...] = ()
    """Names of columns without NULLs whose values no two rows share, by a unique index other than the primary
    key's: those of the smallest one; empty without one, or if the connector does not look for them."""
    reading: str = ""
    """How its connector reads it, for people, where that had to be found out: a file's delimiter, say."""


@dataclass(frozen=True, slots=True)
class StageColumn:
    """A column of a staged dataset: surrogate or output name, and type."""

    name: str
    type: StageType
    widest: StageType | None = None
    """Type of the column of a table where it is another: `type` follows the data, or is only near it."""
