"""What will happen for one federated model, decided before anything runs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dvt.core.names import TableRef


class Pushdown(StrEnum):
    """How much of a federated model may run inside its sources."""

    AUTO = "auto"
    MAX = "max"
    OFF = "off"


class Comparing(StrEnum):
    """How a federated model compares text of columns whose databases compare by a collation."""

    UNSAID = "unsaid"
    """Byte by byte, as the engine does, with a warning."""
    ENGINE = "engine"
    """Byte by byte, knowingly."""
    SOURCE = "source"
    """As the columns' collations do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column as its database has it, and how it travels from there to the staging."""

    name: str
    """As the database spells it."""
    native: str
    """The database's own type, e.g. `numeric(10,2)`."""
    stage: str
    """The DuckDB type it has in staging, e.g. `DECIMAL(10,2)`."""
    exact: bool = False
    """=, <>, <, >, BETWEEN, IN, MIN, MAX and grouping answer alike in the database and in DuckDB."""
    nullable: bool = True
    collation: str | None = None
    """By whose rules its database compares this text; None where that is byte by byte, or not known."""
    ranked: bool = False
    """Its database orders its values by their places in a list (MySQL's ENUM), not as text."""
    read: str = "{0}"
    """Source SQL that sends the value; `{0}` is the quoted column."""
    unpack: str = "{0}"
    """DuckDB SQL that turns what arrived into `stage`; `{0}` is the arrived column."""
    loses: str | None = None
    """What cannot survive the way to staging (DVT002), else None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folding:
    """The engine's functions that turn text into what a collation compares; empty: as it is."""

    equal: str = ""
    """Alike for texts that are equal."""
    order: str | None = ""
    """In the order of the texts, byte by byte; None when there is no such function."""
    like: str = ""
    """Character by character, in upper case where it is ASCII."""
    pattern: str = ""
    """`like` for a pattern and its escape character; a backslash escapes in the answer."""
    upper: str = ""
    """UPPER as the database has it."""
    lower: str = ""


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
    """A column of a staged dataset: surrogate or output name, and DuckDB type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A relation that a federated model's SQL names by a marker."""

    table: TableRef
    unique_id: str
    this: bool = False
    """The model's own table (`{{ this }}`), as the last run left it."""
    zero_dates: str = "error"
    """What a MySQL zero date becomes: `error` or `null`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What an enforced contract demands of a model's table."""

    columns: tuple[ContractColumn, ...]
    definition: str
    """What stands behind `CREATE TABLE <name>`: columns and constraints in the target's DDL, in brackets."""


@dataclass(frozen=True, slots=True)
class ContractColumn:
    """One column of a contract."""

    name: str
    native: str
    """Its type as the target spells it."""
    type: str | None
    """The same in DuckDB's words, `DECIMAL` for any number; None where DuckDB has no such type, and the
    target alone converts what the model gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRequest:
    """A federated node as the bridge hands it over: compiled SQL and what its names mean."""

    unique_id: str
    name: str
    file: str
    """The model's file, for messages."""
    sql: str
    """Compiled SQL in which every relation is `<MARKER><unique_id>.<identifier>`."""
    dialect: str
    """SQLGlot name of the dialect the SQL is written in."""
    inputs: Mapping[str, Input]
    """By marker schema, `__dvt__<unique_id>`."""
    stage: TableRef
    """The new table to fill on the node's target."""
    pushdown: Pushdown = Pushdown.AUTO
    comparing: Comparing = Comparing.UNSAID
    contract: Contract | None = None
    """None where no contract is enforced."""
    compute: str | None = None
    """Entry of computes.yml, None for the embedded default."""


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


@dataclass(frozen=True, slots=True)
class Notice:
    """A warning: one of the registry's codes, a sentence with the names in it, a hint."""

    code: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """One paragraph, as it is logged."""
        return f"{self.code} {self.message}" + (f"\n  hint: {self.hint}" if self.hint else "")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What one stage of a run moved."""

    what: str
    """`extract`, `compute`, `load` or `publish`."""
    connection: str
    rows: int
    bytes: int
    seconds: float
    reused: bool = False
    """The staged dataset was already there: nothing moved."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What a whole run moved, reused datasets not counted."""

    extracted_rows: int = 0
    extracted_bytes: int = 0
    loaded_rows: int = 0
    loaded_bytes: int = 0


@dataclass(slots=True)
class Outcome:
    """What a federated node did, for logs and `run_results.json`."""

    moved: list[Moved] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
