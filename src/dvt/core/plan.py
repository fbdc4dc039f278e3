"""What will happen for one federated model, decided before anything runs."""

from __future__ import annotations

from dataclasses import dataclass

from dvt.core.names import TableRef
from dvt.core.queries import SourceQuery
from dvt.core.reports import Notice
from dvt.core.tables import StageColumn
from dvt.core.types import StageType


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A scalar over `{{ this }}` alone: asked of the target first, then put in as a literal."""

    placeholder: str
    """Name of the parameter in the transform (`$name`), replaced by the literal."""
    query: SourceQuery
    """Answers with at most one row of one column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """The SELECT that the compute engine runs over the staged tables."""

    sql: str
    columns: tuple[StageColumn, ...]
    """Outputs, with the types they are staged as."""
    prepared: tuple[Prepared, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadColumn:
    """A column of a stage table on the target."""

    name: str
    stage: StageType
    """Type in the staged result."""
    native: str
    """Type in the target's DDL."""
    loses: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The new table to fill on the target."""

    stage: TableRef
    columns: tuple[LoadColumn, ...]
    definition: str = ""
    """The stage table's columns and constraints, in brackets, where a contract says them; their order may
    be another one than that of `columns`. Values arrive as they are, or the load fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FederationPlan:
    """Everything that will happen for one model, and nothing that has happened."""

    node: str
    file: str
    queries: tuple[SourceQuery, ...]
    transform: Transform
    load: Load
    notices: tuple[Notice, ...] = ()
