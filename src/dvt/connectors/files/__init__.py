"""Parquet, CSV and JSON files as tables: read in place by the run's own DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import duckdb

from dvt.connectors.files.csv_files import CsvFiles
from dvt.connectors.files.inspected import FileSource, Inspected, Misfit
from dvt.connectors.files.json_files import JsonFiles
from dvt.connectors.files.layout import Output, parse
from dvt.connectors.files.listing import Files, find
from dvt.connectors.files.parquet_files import ParquetFiles
from dvt.connectors.files.places import line_of
from dvt.connectors.files.texts import MISFIT, stopped_by_misfit
from dvt.core.errors import ValueLost
from dvt.core.names import TableRef
from dvt.core.ports.connectors import Capabilities, ConnectorContext, Instance, Job, Snapshot
from dvt.core.ports.staging import Dataset
from dvt.core.queries import SourceQuery, rendered
from dvt.core.tables import Column, Table
from dvt.drivers.duckdb import as_dvt_errors
from dvt.drivers.duckdb.errors import as_file_errors
from dvt.drivers.duckdb.memory import empty_instance
from dvt.drivers.duckdb.running import RunningQueries
from dvt.drivers.duckdb.sql import quoted
from dvt.drivers.duckdb.staging import stage, stage_all
from dvt.drivers.duckdb.types import described
from dvt.drivers.stamps import stamps

_SOURCES: Mapping[str, Callable[[Files, Any], FileSource]] = {
    "csv": CsvFiles,
    "json": JsonFiles,
    "parquet": ParquetFiles,
}
"""Format → how its files are read."""


class FilesConnector:
    """Implements Connector."""

    capabilities: ClassVar[Capabilities] = Capabilities(told_by="path, size and times of each file")

    def __init__(self, name: str, settings: Mapping[str, Any], context: ConnectorContext) -> None:
        self._output = parse(name, settings, context.project_dir)
        self._duckdb = context.duckdb
        self._running = RunningQueries()
        self._inspected: dict[TableRef, Inspected] = {}

    def describe(self, tables: Sequence[TableRef]) -> Mapping[TableRef, Table]:
        """See Connector. A CSV or JSON file is read whole for its types, unless options give them."""
        with _cursors(self._duckdb) as cursors, self._running.batch() as batch:
            described_tables: dict[TableRef, Table] = {}
            for ref in tables:
                doing = f"looking at {ref}"
                with (
                    as_dvt_errors(connection=self._output.name, doing=doing, where=str(ref)),
                    as_file_errors(
                        connection=self._output.name, doing=doing, line_of=line_of(self._output.options)
                    ),
                    self._running.query(batch, cursors.interrupt, doing),
                ):
                    inspected = _source(self._output, ref, cursors).inspect(cursors.parallel)
                    self._inspected[ref] = inspected
                    described_tables[ref] = _table(ref, inspected)
            return described_tables

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """See Connector. Files have no common snapshot: each is read as it is when its query runs."""
        with _cursors(self._duckdb) as cursors:
            yield _FilesSnapshot(self._output, cursors, self._running, self._inspected)

    def cancel(self) -> None:
        """See Connector."""
        self._running.cancel()

    def close(self) -> None:
        """See Connector. Files are open only while they are read."""


class _Cursors:
    """Two connections: one reads with all threads, one in the order of the files, which finds lines."""

    def __init__(self, parallel: Any, ordered: Any) -> None:
        self.parallel = parallel
        self.ordered = ordered

    def interrupt(self) -> None:
        self.parallel.interrupt()
        self.ordered.interrupt()


class _FilesSnapshot:
    """Implements Snapshot and HasTokens."""

    def __init__(
        self,
        output: Output,
        cursors: _Cursors,
        running: RunningQueries,
        inspected: Mapping[TableRef, Inspected],
    ) -> None:
        self._output = output
        self._cursors = cursors
        self._running = running
        self._inspected = inspected

    def extract(self, jobs: Sequence[Job], finished: Callable[[Job, Dataset], None]) -> None:
        """See Snapshot. One table after the other: DuckDB reads each with all its threads."""
        with self._running.batch() as batch:
            stage_all(
                jobs,
                finished,
                lambda doing: self._running.query(batch, self._cursors.interrupt, doing),
                self._stage,
            )

    def token(self, table: TableRef) -> str | None:
        """See HasTokens."""
        return stamps(Path(path) for path in find(self._output, table).paths)

    def _stage(self, job: Job) -> Dataset:
        query = job.query
        lines = line_of(self._output.options)
        with as_file_errors(connection=query.connection, doing=f"reading {query.about}", line_of=lines):
            tables = [self._table(query, number) for number in range(len(query.tables))]
            views = [self._view(table, number) for number, table in enumerate(tables)]
            if query.scan and query.where and any(table.checked for table in tables):
                query = _keeping_misfits(query)
            try:
                return stage(self._cursors.parallel, job, f"({query.sql(views)}\n)")
            except duckdb.Error as error:
                if stopped_by_misfit(error) and (misfit := _first_misfit(tables)):
                    raise _lost(misfit) from error
                raise

    def _table(self, query: SourceQuery, number: int) -> _Read:
        """Return a table as the query reads it: the types that `describe` gave, or those of now."""
        ref = query.tables[number]
        source = _source(self._output, ref, self._cursors)
        inspected = self._inspected.get(ref) or source.inspect(self._cursors.parallel)
        read = {
            extracted.column.name: extracted.column.native
            for extracted in query.columns
            if extracted.table == number and extracted.column.name in inspected.types
        }
        return _Read(source, {**inspected.types, **read}, frozenset(read))

    def _view(self, table: _Read, number: int) -> str:
        view = f"dvt_files_{number}"
        select = table.source.select(table.types, table.read)
        self._cursors.parallel.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS {select}")
        return view


@dataclass(frozen=True, slots=True)
class _Read:
    """A table's files, as one query reads them."""

    source: FileSource
    types: Mapping[str, str]
    read: frozenset[str]
    """Columns whose values the query returns."""

    @property
    def checked(self) -> bool:
        """True if values are checked, so that the SELECT has the column MISFIT."""
        return self.source.checks


def _first_misfit(tables: Sequence[_Read]) -> Misfit | None:
    """Return the first value that is not of its type, of a returned column if there is one."""
    for table in tables:
        read = {name: type_ for name, type_ in table.types.items() if name in table.read}
        if misfit := table.source.misfit(read) or table.source.misfit(table.types):
            return misfit
    return None


@contextmanager
def _cursors(instance: Instance) -> Iterator[_Cursors]:
    parallel, ordered = instance.cursor(), empty_instance()
    try:
        yield _Cursors(parallel, ordered)
    finally:
        parallel.close()
        ordered.close()


def _source(output: Output, ref: TableRef, cursors: _Cursors) -> FileSource:
    files = find(output, ref)
    return _SOURCES[files.format](files, cursors.ordered)


def _table(ref: TableRef, inspected: Inspected) -> Table:
    columns = tuple(_column(inspected, name, type_) for name, type_ in inspected.types.items())
    return Table(ref=ref, columns=columns, rows=inspected.rows, reading=inspected.note)


def _column(inspected: Inspected, name: str, type_: str) -> Column:
    column = described(name, type_)
    loses = inspected.loses.get(name)
    return replace(column, loses=column.loses or loses) if loses else column


def _keeping_misfits(query: SourceQuery) -> SourceQuery:
    """Return the query with a filter that keeps every row with a value that is not of its type.

    Whether a file can be read must not depend on which filters are pushed.
    """
    filters = " AND ".join(f"({rendered(condition)})" for condition in query.where)
    return replace(query, where=(f"({filters}) OR {quoted(MISFIT)}",))


def _lost(misfit: Misfit) -> ValueLost:
    where = f"{misfit.path}, {misfit.place}, column {misfit.column}"
    hint = (
        f"correct the value, or give the column a type that holds all its values, in the output's options:"
        f" `types: {{ {misfit.column}: VARCHAR }}`"
    )
    origin = f", as which {misfit.first} begins" if misfit.first != misfit.path else ""
    return ValueLost(where, f"{misfit.value!r} is no {misfit.type}{origin}", hint)
