"""The plan of one federated model, made before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dvt.core.names import TableRef
from dvt.core.queries import SourceQuery, Sql, rendered
from dvt.core.reports import Notice
from dvt.core.surrogates import CONSTANT
from dvt.core.tables import StageColumn
from dvt.core.types import StageType


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """A column of a table as the transform sees it."""

    name: str
    """Its name in the transform."""
    surrogate: str
    """Its name in the staged dataset, lower case and unique in the table."""
    type: StageType
    collation: str = ""
    """The engine's own collation by which it is compared; empty: byte by byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformTable:
    """A table that the transform reads, with all the columns it has at its source.

    A staged dataset that lacks some of the columns shows them as NULL: only columns that the engine does not
    read (`Binding.reads`) are left out.
    """

    name: str
    """Its name, by which the SQL may qualify columns."""
    alias: str
    """Alias of the query that answers it."""
    columns: tuple[TableColumn, ...]
    shown: str = ""
    """The table as the model names it, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What an engine finds out about a SELECT before there are data."""

    columns: tuple[StageColumn, ...]
    """Outputs; names may repeat."""
    reads: tuple[frozenset[str] | None, ...]
    """For each table the surrogates of the columns that are read; None: no row of it is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """The SELECT that the compute engine runs over the staged tables."""

    dialect: str
    """The engine's dialect."""
    sql: Sql
    """The SELECT in the engine's dialect, with a place for each of `tables` and for each value that a scalar
    query answers."""
    tables: tuple[TransformTable, ...] = ()
    columns: tuple[StageColumn, ...]
    """Outputs, with the types they are staged as."""
    functions: tuple[str, ...] = ()
    """The engine's functions for collations (`Engine.collations`) that `sql` calls."""
    is_own_text: bool = False
    """True if the lines of `sql` are those of the model's own SQL, not of a translation."""
    time_zone: str = "UTC"
    """IANA name of the session's time zone."""

    @property
    def shown(self) -> str:
        """The SQL as it is shown to people."""
        return rendered(self.sql, [table.shown for table in self.tables])


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadColumn:
    """A column of a stage table on the target."""

    name: str
    stage: StageType
    """Type in the staged result."""
    native: str
    """Type in the target's DDL."""
    loses: str | None = None
    surrogate: str = ""
    """Its name in the staged result, if that is not `name`."""

    @property
    def staged(self) -> str:
        """Its name in the staged result."""
        return self.surrogate or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The new table to fill on the target."""

    stage: TableRef
    columns: tuple[LoadColumn, ...]
    definition: str = ""
    """Columns and constraints of the stage table, in brackets, if a contract gives them; their order may
    differ from that of `columns`. Values arrive unchanged, or the load fails."""
    bucket: str = ""
    """Name of the bucket that the model's config gives; empty: none."""
    way: str = ""
    """How the rows would get there, for people, where the target has several ways."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCopy:
    """A table of another database that a model computed on its target reads there as a copy."""

    unique_id: str
    query: SourceQuery
    """The query for its rows: all that the model needs of them."""
    columns: tuple[LoadColumn, ...]
    surrogates: tuple[str, ...]
    """Names in staged datasets of all the table's columns, in the table's order, which `*` shows."""
    definition: str = ""
    """As in `Load`, if columns keep types of the source's that a load would not choose."""
    key: tuple[str, ...] = ()
    """Its primary key, by the names of `columns`; empty if a column of it is not copied."""
    indexes: tuple[str, ...] = ()
    """Other columns that the SQL compares by equality."""
    way: str = ""
    """How the rows would get to the target, for people, where that has several ways."""

    @property
    def named_columns(self) -> tuple[LoadColumn, ...]:
        """The columns that the SQL can name; none where it needs only the number of rows."""
        return tuple(column for column in self.columns if column.staged != CONSTANT)


@dataclass(frozen=True, slots=True)
class RepeatedRead:
    """A table that a database reads again for each row of others, since no index serves a subquery."""

    table: TableRef
    outer: tuple[TableRef, ...]
    """The others: it reads the table about as often as the largest of them has rows, at worst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPlan:
    """Everything that is copied for a model that its target computes, and the SQL over the copies."""

    node: str
    file: str
    sql: Sql
    """The model's text, with a place for each of `copies`."""
    copies: tuple[PlannedCopy, ...]
    scalar_queries: tuple[SourceQuery, ...] = ()
    """Queries for one value each, which queries of `copies` have places for."""
    repeated: tuple[RepeatedRead, ...] = ()
    """Tables of the target."""
    notices: tuple[Notice, ...] = ()

    def waves(self) -> Iterator[tuple[SourceQuery, ...]]:
        """Yield the queries in the order they are sent."""
        return _waves([*self.scalar_queries, *self.queries])

    @property
    def queries(self) -> tuple[SourceQuery, ...]:
        """The queries whose answers are copied."""
        return tuple(copy.query for copy in self.copies)


@dataclass(frozen=True, slots=True, kw_only=True)
class FederationPlan:
    """Everything that will be done for one model; a plan does not change while it is carried out."""

    node: str
    file: str
    queries: tuple[SourceQuery, ...]
    """Queries whose answers the transform reads as tables named by their aliases."""
    scalar_queries: tuple[SourceQuery, ...] = ()
    """Queries for one value each; other queries or the transform have a place for it, named by the query's
    alias."""
    transform: Transform
    load: Load
    notices: tuple[Notice, ...] = ()

    def waves(self) -> Iterator[tuple[SourceQuery, ...]]:
        """Yield the queries in the order they are sent."""
        return _waves([*self.scalar_queries, *self.queries])


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePlan:
    """The plan of one node that is computed where all that it reads is: only the answer moves."""

    node: str
    file: str
    query: SourceQuery
    load: Load
    """Its columns name those of the query's answer."""
    scalar_queries: tuple[SourceQuery, ...] = ()
    """Queries to the target for one value each, which `query` has places for."""
    notices: tuple[Notice, ...] = ()

    @property
    def queries(self) -> tuple[SourceQuery, ...]:
        """The one query."""
        return (self.query,)

    def waves(self) -> Iterator[tuple[SourceQuery, ...]]:
        """Yield the queries in the order they are sent."""
        return _waves([*self.scalar_queries, self.query])


def _waves(queries: Iterable[SourceQuery]) -> Iterator[tuple[SourceQuery, ...]]:
    """Yield the queries in the order they are sent: a wave needs only answers of earlier waves."""
    waiting, answered = list(queries), set[str]()
    while waiting:
        wave = [query for query in waiting if all(answered.issuperset(need.answers) for need in query.needs)]
        if not wave:
            raise ValueError(
                f"{', '.join(query.alias for query in waiting)} need values that no query answers"
            )
        yield tuple(wave)
        answered |= {query.alias for query in wave}
        waiting = [query for query in waiting if query.alias not in answered]
