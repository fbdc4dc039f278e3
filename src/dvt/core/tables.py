"""Tables and columns: as their databases describe them, and as they are staged."""

from __future__ import annotations

from dataclasses import dataclass

from dvt.core.names import TableRef
from dvt.core.types import StageType


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column as its database has it, and how it travels from there to the staging."""

    name: str
    """As the database spells it."""
    native: str
    """The database's own type, e.g. `numeric(10,2)`."""
    stage: StageType
    """The type it has in staging, e.g. `DECIMAL(10,2)`."""
    exact: bool = False
    """=, <>, <, >, BETWEEN, IN, MIN, MAX and grouping answer alike in the database and in DuckDB."""
    nulls_exact: bool = True
    """IS NULL answers alike in the database and in staging."""
    collation: str | None = None
    """By whose rules its database compares this text; None where that is byte by byte, or not known."""
    ranked: bool = False
    """Its database orders its values by their places in a list (MySQL's ENUM), not as text."""
    read: str = "{0}"
    """Source SQL that sends the value; `{0}` is the quoted column."""
    unpack: str = "{0}"
    """DuckDB SQL that turns what arrived into `stage`; `{0}` is the arrived column. Only the connector that
    described the column, or who made it from others, knows more of it."""
    loses: str | None = None
    """What cannot survive the way to staging (DVT002), else None."""


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
