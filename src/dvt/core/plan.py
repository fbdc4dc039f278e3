"""What will happen for one federated model, decided before anything runs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from dvt.core.names import TableRef
from dvt.core.reports import Notice
from dvt.core.tables import Column, StageColumn


@dataclass(frozen=True, slots=True)
class Kept:
    """A predicate that stays in the compute engine alone, and why it was not pushed."""

    sql: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractedColumn:
    """One output of an extraction."""

    name: str
    """Surrogate: lower case, unique, the same in the source's answer and in staging."""
    column: Column
    """Where it comes from; `unpack` and `stage` hold for what arrives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """One query for one connection, already narrowed, in that connection's dialect."""

    alias: str
    """Name of the staged table in the transform."""
    connection: str
    table: TableRef
    select: str
    """`SELECT … FROM …` in the source's dialect, without WHERE."""
    where: tuple[str, ...] = ()
    """Pushed predicates, in the source's dialect; AND joins them."""
    columns: tuple[ExtractedColumn, ...]
    scan: bool = False
    """True when `select` reads one base table alone, so that a connector may cut it into ranges."""
    kept: tuple[Kept, ...] = ()
    zero_dates: str = "error"
    rows: int | None = None
    """Estimate, None when unknown."""
    bytes: int | None = None
    this: bool = False

    @property
    def sql(self) -> str:
        """The query as one text."""
        if not self.where:
            return self.select
        return f"{self.select} WHERE {' AND '.join(f'({one})' for one in self.where)}"

    @property
    def key(self) -> str:
        """Same question, same key: SQL, types and session settings (the connection is beside it)."""
        types = "\n".join(f"{c.name} {c.column.stage} {c.column.unpack}" for c in self.columns)
        question = "\n\x00".join((str(self.table), self.sql, types, self.zero_dates))
        return hashlib.sha256(question.encode()).hexdigest()[:24]

    @property
    def staged(self) -> tuple[StageColumn, ...]:
        """The columns of the staged dataset."""
        return tuple(StageColumn(c.name, c.column.stage) for c in self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A scalar over `{{ this }}` alone: asked of the target first, then put in as a literal."""

    placeholder: str
    """Name of the parameter in the transform (`$name`), replaced by the literal."""
    extraction: Extraction
    """Answers with at most one row of one column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """The SELECT that the compute engine runs over the staged tables."""

    sql: str
    columns: tuple[StageColumn, ...]
    """Outputs, with their Parquet-safe types."""
    prepared: tuple[Prepared, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadColumn:
    """A column of a stage table on the target."""

    name: str
    stage: str
    """DuckDB type in the staged result."""
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
    extractions: tuple[Extraction, ...]
    transform: Transform
    load: Load
    notices: tuple[Notice, ...] = ()
