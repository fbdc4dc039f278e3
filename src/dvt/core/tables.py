"""Tables and columns: as their databases describe them, and as they are staged."""

from __future__ import annotations

from dataclasses import dataclass

from dvt.core.names import TableRef
from dvt.core.types import StageType


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column as its database has it, and how its values get from there to staging."""

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
    ranked: bool = False
    """The database sorts the values by their positions in a list (MySQL's ENUM), not as text."""
    read: str = "{0}"
    """Source SQL that sends the value; `{0}` is the quoted column."""
    unpack: str = "{0}"
    """DuckDB SQL that turns the arrived column `{0}` into `stage`. Only the connector that described the
    column, or the code that derived it from others, knows more of it."""
    loses: str | None = None
    """What of the values staging cannot hold (DVT002), else None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table as described by its database."""

    ref: TableRef
    columns: tuple[Column, ...]
    rows: int | None = None
    """Estimated by the database; None when it does not know."""
    bytes: int | None = None
    scannable: bool = True
    """False for views and the like, which cannot be cut into physical ranges."""


@dataclass(frozen=True, slots=True)
class StageColumn:
    """A column of a staged dataset: surrogate or output name, and type."""

    name: str
    type: StageType
