"""The seam to databases: what is asked of a connector, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from dvt.core.names import TableRef
from dvt.core.plan import Load, LoadColumn
from dvt.core.ports.staging import Dataset, Sink
from dvt.core.queries import SourceQuery
from dvt.core.tables import StageColumn, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What one output can do, where outputs of a type may differ; what they share is in the type's row."""

    snapshot: bool = False
    """Several extractions can read one moment."""
    snapshot_by: str = ""
    """Where there is none: the setting of the output that gives one, for hints."""
    loads_slowly: str = ""
    """Where it was found to load more slowly than it could: why, and the setting, for a warning."""


@dataclass(frozen=True, slots=True)
class Job:
    """A query, and where its answer goes."""

    query: SourceQuery
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
        """The target's types for these columns, with what it cannot hold of their values named."""

    def fill(self, load: Load, dataset: Dataset) -> int:
        """Create the new stage table and fill it; how many rows it holds. All or no table."""

    def drop(self, stage: TableRef) -> None:
        """Drop a stage table; one that is not there is no error."""


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
    scratch: Path
    """A folder of the run for files of a connector's own, maybe not made yet; gone after the run."""
    limit: int = CONNECTIONS
    """Connections to the server at once, at most."""
