"""The seams between rooms: what one side asks for, and what the other gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from dvt.core.names import TableRef
from dvt.core.plan import (
    Extraction,
    FederationPlan,
    Folding,
    Load,
    LoadColumn,
    Moved,
    NodeRequest,
    Notice,
    Outcome,
    StageColumn,
    Table,
    Totals,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a database can do. Data, so planners can reason and tests can select."""

    dialect: str
    """SQLGlot name of its SQL."""
    max_identifier: int = 63
    """In characters or bytes, whichever the database counts."""
    snapshot: bool = False
    """Several extractions can read one moment."""
    snapshot_by: str = ""
    """Where there is none: the setting of the output that gives one, for hints."""
    ranges: bool = False
    """One large table can be read in several ranges at once."""
    folds_case: bool = False
    """Output names that differ only in case are one name to it."""
    loads_slowly: str = ""
    """Where it was found to load more slowly than it could: why, and the setting, for a warning."""


class Bucket(Protocol):
    """A private place for files. Keys are relative and use `/`."""

    def uri(self, key: str) -> str:
        """The address an engine or a database would use."""

    def folder(self, key: str) -> str:
        """The address of a folder, made if it is not there, that only its owner may enter."""

    def write(self, key: str, data: bytes) -> None:
        """Create or replace a small file, all of it or nothing."""

    def seal(self, key: str) -> int:
        """Let only its owner read a file that others have written; its bytes, -1 when it is not there."""

    def delete(self, prefix: str) -> None:
        """Remove the folder `prefix` and all in it; nothing there is not an error."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A committed set of Parquet files with its columns."""

    files: tuple[str, ...]
    columns: tuple[StageColumn, ...]
    rows: int
    bytes: int


class Sink(Protocol):
    """Where one answer is staged: Parquet parts, visible only once committed."""

    def part(self) -> str:
        """The path of a new Parquet file. Thread-safe."""

    def copy_options(self) -> str:
        """Options of DuckDB's COPY … TO for such a file, e.g. `FORMAT parquet, COMPRESSION zstd`."""

    def commit(self, columns: Sequence[StageColumn], rows: int) -> Dataset:
        """Write the marker: from now on the dataset exists."""

    def discard(self) -> None:
        """Remove what was written. May be called twice, and after nothing was."""


@dataclass(frozen=True, slots=True)
class Job:
    """An extraction, and where its answer goes."""

    extraction: Extraction
    sink: Sink


class Snapshot(Protocol):
    """One moment of one database, for as long as the `with` lasts."""

    def extract(self, jobs: Sequence[Job], finished: Callable[[Job, Dataset], None]) -> None:
        """Run the queries, in parallel up to the connection's limit, in constant memory.

        Calls `finished` once for each, from any thread, after its sink is committed. Raises the
        first failure, after the others have been cancelled and all sinks without a commit discarded.
        """


class Connector(Protocol):
    """One output that can be read. Opens its connections when first asked; thread-safe."""

    @property
    def capabilities(self) -> Capabilities:
        """What this output can do; a class attribute where all of a type can do the same."""

    def describe(self, tables: Sequence[TableRef]) -> Mapping[TableRef, Table]:
        """The tables as the database has them now; TableNotFound names the one that is missing."""

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """A moment to read from. What a database cannot promise, `capabilities` says."""

    def cancel(self) -> None:
        """Stop every query this connector has under way, from the side, before its first row too."""

    def close(self) -> None:
        """Give every connection back. May be called twice."""


@runtime_checkable
class CanLoad(Protocol):
    """A connector that can also fill stage tables, and nothing else: the user's tables are dbt's."""

    def columns(self, columns: Sequence[StageColumn]) -> tuple[LoadColumn, ...]:
        """The target's types for these DuckDB types, with what cannot survive named."""

    def fill(self, load: Load, dataset: Dataset) -> int:
        """Create the new stage table and fill it; how many rows it holds. All or no table."""

    def drop(self, stage: TableRef) -> None:
        """Drop a stage table; one that is not there is no error."""


class Engine(Protocol):
    """Where staged data meets: runs one SELECT over Parquet and stages the answer."""

    dialect: ClassVar[str]
    foldings: ClassVar[Mapping[str, Folding]]
    """Collations that it can compare by (`collation: source`), by name."""

    def bind(self, sql: str, inputs: Mapping[str, Sequence[StageColumn]]) -> tuple[StageColumn, ...]:
        """The outputs `sql` would have, found on empty tables named as in `inputs`."""

    def run(
        self, sql: str, inputs: Mapping[str, Dataset], columns: Sequence[StageColumn], sink: Sink
    ) -> Dataset:
        """Every name in `inputs` is a table in `sql`; the answer is staged as `columns`."""

    def fetch(self, dataset: Dataset) -> tuple[tuple[str, str | None], ...]:
        """A small dataset's first row as (type, text) pairs, for literals."""

    def evaluate(self, expressions: Sequence[str]) -> tuple[tuple[str, str | None] | None, ...]:
        """Values of constant expressions as (type, text); None for one that fails. Session in UTC."""

    def cancel(self) -> None:
        """Stop every query under way."""

    def close(self) -> None:
        """Release memory and spilled files."""


class Publisher(Protocol):
    """Makes a filled stage table the node's table: dbt's own macros, on the node's target."""

    def publish(self, load: Load) -> int:
        """Publish, and how many rows the database says were written (-1 when it does not)."""


class Federator(Protocol):
    """Carries out federated nodes. The bridge's runners call it."""

    @property
    def run(self) -> str:
        """The run's id, [a-z0-9]: the bridge names stage tables with it (`names.stage_name`)."""

    def federate(self, request: NodeRequest, publisher: Publisher) -> Outcome:
        """Plan, extract, stage, compute, load, publish; the targets are as before if it raises."""

    def describe(self, table: TableRef) -> Table:
        """A table as its connection has it now, for Jinja that asks; TableNotFound when it is not there."""

    def plan(self, request: NodeRequest) -> FederationPlan:
        """What `federate` would do; databases are asked about their tables, nothing is run."""

    def wrote(self, connection: str, table: TableRef | None) -> None:
        """A node has written `table` (None: it may have written anything there)."""

    @property
    def totals(self) -> Totals:
        """What the run has moved so far, for its last line."""

    def cancel(self) -> None:
        """Stop everything under way, on every server."""

    def close(self) -> None:
        """End the run: staging removed unless asked to keep it, connections closed."""


class Reporter(Protocol):
    """Where a federated node's progress and warnings go; the bridge turns them into dbt's events.

    `node` is its unique_id, or empty for what belongs to the run as a whole.
    """

    def moved(self, node: str, moved: Moved) -> None:
        """One stage of the node is done."""

    def notice(self, node: str, notice: Notice) -> None:
        """A warning; the same one twice in a run is shown once."""


@runtime_checkable
class Settings(Protocol):
    """The outputs of the profile in use, rendered as dbt renders them, by name."""

    def output(self, name: str) -> Mapping[str, Any]:
        """One output's keys and values; UnknownConnection when there is none of that name."""


class Instance(Protocol):
    """A DuckDB instance of the run, in memory: scanners read through it, the engine computes in it."""

    def cursor(self) -> Any:
        """A new connection to it (`duckdb.DuckDBPyConnection`); close it when done."""

    def load(self, extension: str) -> None:
        """Load one of DuckDB's extensions, once; DriverMissing names the wheel."""


CONNECTIONS = 4
"""Connections to one output at once, unless its `max_connections` says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorContext:
    """What a connector gets from the run beside its own settings: `Connector(name, settings, context)`."""

    duckdb: Instance
    project_dir: Path
    """Relative paths in an output are relative to this, as in dbt."""
    limit: int = CONNECTIONS
    """Connections to the server at once, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """One invocation, as the bridge knows it: what a Federator is made from."""

    project_dir: Path
    profiles_dir: Path
    outputs: Settings
    reporter: Reporter
    profile: str
    """Name of the profile in use: its section of computes.yml holds."""
    compute: str | None = None
    """--compute, else None."""
    keep_staging: bool = False
    threads: int = 1


FederatorFactory = Callable[[RunContext], Federator]
"""`app.py` gives one to the bridge, which calls it when the first federated node runs."""
