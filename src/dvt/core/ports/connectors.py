"""The interface to databases: what a connector does, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from dvt.core.errors import DvtError
from dvt.core.estimates import Estimate
from dvt.core.names import TableRef
from dvt.core.plan import Load, LoadColumn
from dvt.core.ports.staging import Dataset, Sink
from dvt.core.ports.transfers import Transfers
from dvt.core.queries import ExtractedColumn, SourceQuery, Split, Sql
from dvt.core.reports import Notice
from dvt.core.tables import Column, StageColumn, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """Abilities in which outputs of one type may differ; `OutputType` has those of the whole type."""

    snapshot: bool = False
    """Several extractions can read from one snapshot."""
    snapshot_by: str = ""
    """The output's setting that would give a snapshot, for hints, if `snapshot` is False."""
    told_by: str = ""
    """What tells whether a table has changed since another run (`HasTokens`), for people; else empty."""
    loads_slowly: str = ""
    """Why this output loads more slowly than it could and which setting helps, for a warning; else empty."""


@dataclass(frozen=True, slots=True)
class Job:
    """A query, and the sink of its answer."""

    query: SourceQuery
    sink: Sink


class Snapshot(Protocol):
    """One consistent state of one database, for as long as the `with` lasts."""

    def extract(self, jobs: Sequence[Job], finished: Callable[[Job, Dataset], None]) -> None:
        """Run the queries, in parallel up to the connection's limit, in constant memory.

        Of those to the same tables, and their parts, no more run at once than their `max_parallel` says.

        `finished` is called once for each job, from any thread, after its sink is committed. The first
        failure is raised, after the other queries have been cancelled and all sinks without a commit
        discarded.
        """


@runtime_checkable
class HasTokens(Protocol):
    """A snapshot that can tell whether a table has changed since another run, without reading its rows."""

    def token(self, table: TableRef) -> str | None:
        """Return a text that another snapshot gives only if the table has the same rows there.

        It is that of what the snapshot reads at present: who extracts a table between two equal tokens has
        the rows of that token. None where nothing is sure to tell.
        """


@runtime_checkable
class CanFindChanges(Protocol):
    """A connector whose database can tell which rows of a table have changed."""

    hash_algorithm: str
    """Name of how `row_hash` makes hashes, for people."""

    def selected(self, extracted: ExtractedColumn) -> str:
        """Return the SQL that reads a column, as it stands in the SELECT of a source query."""

    def row_hash(self, columns: Sequence[Column]) -> Column:
        """Return a column with a hash of these, of 64 bits or more: that of rows which differ is another.

        All counts that differs in staging, also if the database takes it for equal, as 1.0 and 1.00. NULLs
        and the lengths of values count, so that ('a', NULL) differs from (NULL, 'a'), and ('ab', 'c') from
        ('a', 'bc').
        """

    def is_among(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
        """Return SQL that is true where columns have the values of one of the rows, as DuckDB writes them.

        The only column may be that of `row_hash`, which has no name.
        """

    def is_from(self, column: Column, lowest: str) -> str:
        """Return SQL that is true where a column is NULL or not lower than a value, as DuckDB writes it."""


class Connector(Protocol):
    """An output that can be read. Its connections are opened when first needed. Thread-safe.

    `dvt.testing.suites.ConnectorSuite` tests a connector, `LoadingSuite` tests one that also loads.
    """

    @property
    def capabilities(self) -> Capabilities:
        """Abilities of this output; a class attribute if all outputs of the type have the same."""

    def describe(self, tables: Sequence[TableRef]) -> Mapping[TableRef, Table]:
        """Describe the tables as they are now; TableNotFound names a missing one."""

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Begin a snapshot to read from. `capabilities` says what the database cannot promise."""

    def cancel(self) -> None:
        """Stop every query of this connector, from another thread, even before the query's first row."""

    def close(self) -> None:
        """Close every connection. May be called twice."""


@runtime_checkable
class CanEstimate(Protocol):
    """A connector that can tell how much a query will answer, without reading the data."""

    def estimate(self, queries: Sequence[SourceQuery]) -> Sequence[Estimate | None]:
        """Return an estimate for each query, None where the database has none or would refuse the query."""


@runtime_checkable
class ReadsInRanges(Protocol):
    """A connector that may read a large table in ranges of one of its columns, by a query each."""

    def ranges(self, query: SourceQuery) -> Split | None:
        """Return in which ranges a query's rows are read; None if it is by one query.

        BadExtraction or ColumnNotFound tell of a config `extraction` that cannot be met.
        """


@runtime_checkable
class HasPast(Protocol):
    """A connector whose snapshot is a moment, as of which tables are read that have a past."""

    def without_past(self, tables: Sequence[TableRef]) -> Sequence[TableRef]:
        """Return those of the tables that are read as they are when their query begins."""


@runtime_checkable
class HasTimeZone(Protocol):
    """A connector whose sessions under dbt may be in another time zone than UTC."""

    def time_zone(self) -> str:
        """Return the IANA name of the time zone in which dbt's sessions on this output work."""


@dataclass(frozen=True, slots=True)
class Privilege:
    """Something that the user of an output may do there, or may not."""

    name: str
    """For people: `CREATE on the schema`."""
    is_held: bool
    remedy: str
    """The statement that grants it."""
    is_needed: bool = False
    """Whether nothing goes without it; otherwise some things do."""
    is_for_loads: bool = False
    """Whether only a target needs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """What a database says of itself, and of one of its schemas."""

    version: str
    """Product and version, for people."""
    has_schema: bool = True
    may_create_schema: bool | None = None
    """None: that is not told before it is tried."""
    privileges: tuple[Privilege, ...] = ()
    """Those that reads and loads need in the schema, as far as the database tells."""


@runtime_checkable
class CanSplit(Protocol):
    """A connector that reads a large table by several statements at once, each for a range of its rows."""

    def splits(self, queries: Sequence[SourceQuery]) -> Sequence[Split | None]:
        """Return by how many statements each query would be read if all were extracted now; None: refused.

        A condition whose value is not known yet counts as if it were not there.
        """


@runtime_checkable
class HasServerFacts(Protocol):
    """A connector whose database can be asked for its version."""

    def server_facts(self, schema: str | None) -> ServerFacts:
        """Connect as extractions do, and return what the database says.

        `schema` is a name without quotes; None: the output's own.
        """


@dataclass(frozen=True, slots=True)
class Part:
    """What an output needs on this machine beside packages of Python."""

    name: str
    """For people: `java`, `driver`."""
    detail: str = ""
    """What was found."""
    error: DvtError | None = None
    """Why it cannot be used, and what mends that."""


@runtime_checkable
class HasParts(Protocol):
    """A connector that needs more than packages of Python."""

    def parts(self) -> Sequence[Part]:
        """Return what it needs, as far as that is there, without connecting."""


@runtime_checkable
class HasOwnRules(Protocol):
    """A connector whose database may answer SQL otherwise than the engine that speaks the same SQL."""

    def own_settings(self) -> Sequence[str]:
        """Return the settings that answers depend on and that are not the default, for people."""

    def own_functions(self) -> frozenset[str]:
        """Return the names, in lower case, of functions that users have made: one may hide a built-in one."""


@runtime_checkable
class CanMeasure(Protocol):
    """A connector with columns whose type sets no size, as PostgreSQL's numeric."""

    def measure(self, table: Table, names: Sequence[str]) -> Mapping[str, Column]:
        """Return these columns of a table, by name, with the stage types that their present values need."""


@runtime_checkable
class CanLoad(Protocol):
    """A connector that can also fill stage tables, and nothing else: the user's tables are dbt's."""

    def columns(self, columns: Sequence[StageColumn]) -> tuple[LoadColumn, ...]:
        """Return the target's types for these columns, each with what it cannot hold of their values."""

    def fill(self, load: Load, dataset: Dataset) -> int:
        """Create and fill the new stage table; return its number of rows. An error leaves no table."""

    def drop(self, stage: TableRef) -> None:
        """Drop a stage table; it is no error if there is none."""


@runtime_checkable
class CanCompute(Protocol):
    """A connector whose database can compute models over copies of other databases' tables."""

    def own_type(self, column: Column, dialect: str) -> str | None:
        """Return the type of DDL in which a column of a database of `dialect` keeps what it is.

        None: the database has no such type; `CanLoad.columns` chooses one.
        """

    def index(self, stage: TableRef, key: Sequence[str], columns: Sequence[str]) -> None:
        """Add a primary key and an index for each of `columns` to a stage table, and gather its statistics.

        What its values do not allow is left out; so is an index that is there.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRules:
    """What the answer of a query depends on beside its text and its tables."""

    fixed: Mapping[str, str]
    """Name → value of what no session can change: the server's version, how it compares text."""
    settings: Mapping[str, str]
    """Name → value of the settings of dbt's sessions; other sessions can take them over."""
    as_source: Mapping[str, str] = field(default_factory=dict)
    """Name → value of those in `fixed` that are others in the sessions that read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedAnswer:
    """The columns that a query answers, and what its answer depends on."""

    columns: tuple[Column, ...]
    foreign: tuple[str, ...] = ()
    """Functions and the like that it uses and that only this database has, for people."""


@runtime_checkable
class CanAnswer(Protocol):
    """A connector whose database can compute a whole model over its own tables."""

    def answer_rules(self) -> AnswerRules:
        """Return what the answers of dbt's sessions on this output depend on."""

    def describe_answer(
        self, text: Sql, tables: Sequence[TableRef], settings: Mapping[str, str]
    ) -> DescribedAnswer:
        """Describe what a SELECT with places for these tables would answer, without computing it.

        `settings` are those of `AnswerRules` in which the SELECT will run.

        SqlInvalid where the database refuses the SELECT, PlaceImpossible where it cannot be described.
        """


@runtime_checkable
class CanSize(Protocol):
    """A connector whose database gives computed columns sizes by rules of its own."""

    def with_own_sizes(
        self, columns: Sequence[LoadColumn], text: Sql, copies: Sequence[str]
    ) -> tuple[LoadColumn, ...]:
        """Return a model's outputs with the sizes that the database gives them, if it can tell.

        `text` is the model's SELECT, with places for copies of other databases' tables; `copies` are their
        columns, in brackets.
        """


@runtime_checkable
class Settings(Protocol):
    """The outputs of the profile in use, rendered as dbt renders them, by name."""

    def output(self, name: str) -> Mapping[str, Any]:
        """Return an output's keys and values; UnknownConnection if there is none of that name."""


class Instance(Protocol):
    """A DuckDB instance of the run, in memory: scanners read through it, the engine computes in it."""

    def cursor(self) -> Any:
        """Return a new connection to it (`duckdb.DuckDBPyConnection`); close it when done."""

    def load(self, extension: str) -> None:
        """Load one of DuckDB's extensions, once; DriverMissing names the wheel."""


CONNECTIONS = 4
"""Number of simultaneous connections to one output, unless its `max_connections` sets another."""


def _to_nobody(notice: Notice) -> None:
    del notice


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorContext:
    """What the run gives a connector beside its own settings: `Connector(name, settings, context)`."""

    duckdb: Instance
    project_dir: Path
    """Relative paths in an output are relative to this, as in dbt."""
    scratch: Path
    """A folder for the connector's own files; it may not exist yet, and is removed after the run."""
    limit: int = CONNECTIONS
    """Highest number of simultaneous connections to the server."""
    warn: Callable[[Notice], None] = _to_nobody
    """Tells the user what did not go as it should, though the rows are right; called from any thread."""
    transfers: Transfers | None = None
    """Buckets through which data may move; None outside of runs, where none moves."""
