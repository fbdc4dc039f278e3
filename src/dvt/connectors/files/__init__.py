"""Parquet, CSV and JSON files as tables: read in place by the run's own DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import duckdb

from dvt.connectors.files.layout import Files, Output, find, parse
from dvt.core.errors import TableNotFound
from dvt.core.names import TableRef
from dvt.core.ports.connectors import Capabilities, ConnectorContext, Instance, Job, Snapshot
from dvt.core.ports.staging import Dataset
from dvt.core.queries import SourceQuery
from dvt.core.tables import Table
from dvt.drivers.duckdb import as_dvt_errors
from dvt.drivers.duckdb.running import RunningQueries
from dvt.drivers.duckdb.staging import stage, stage_all
from dvt.drivers.duckdb.types import described

_NO_FILES = "No files found"
"""Part of DuckDB's message for a pattern that no file matches."""
_MAX_FOOTERS = 256
"""Number of files up to which a table's rows are estimated, for which every footer is read."""


class FilesConnector:
    """Implements Connector."""

    capabilities: ClassVar[Capabilities] = Capabilities()

    def __init__(self, name: str, settings: Mapping[str, Any], context: ConnectorContext) -> None:
        self._output = parse(name, settings, context.project_dir)
        self._duckdb = context.duckdb
        self._running = RunningQueries()

    def describe(self, tables: Sequence[TableRef]) -> Mapping[TableRef, Table]:
        """See Connector. A CSV or JSON file's types are those of its first rows, unless options say more."""
        with _cursor(self._duckdb) as cursor, self._running.batch() as batch:
            described_tables: dict[TableRef, Table] = {}
            for ref in tables:
                doing = f"looking at {ref}"
                with (
                    as_dvt_errors(connection=self._output.name, doing=doing, where=str(ref)),
                    self._running.query(batch, cursor.interrupt, doing),
                ):
                    described_tables[ref] = _table(cursor, ref, find(self._output, ref))
            return described_tables

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """See Connector. Files have no common snapshot: each is read as it is when its query runs."""
        with _cursor(self._duckdb) as cursor:
            yield _FilesSnapshot(self._output, cursor, self._running)

    def cancel(self) -> None:
        """See Connector."""
        self._running.cancel()

    def close(self) -> None:
        """See Connector. Files are open only while they are read."""


class _FilesSnapshot:
    """Implements Snapshot."""

    def __init__(self, output: Output, cursor: Any, running: RunningQueries) -> None:
        self._output = output
        self._cursor = cursor
        self._running = running

    def extract(self, jobs: Sequence[Job], finished: Callable[[Job, Dataset], None]) -> None:
        """See Snapshot. One table after the other: DuckDB reads each with all its threads."""
        with self._running.batch() as batch:
            stage_all(
                jobs,
                finished,
                lambda doing: self._running.query(batch, self._cursor.interrupt, doing),
                self._stage,
            )

    def _stage(self, job: Job) -> Dataset:
        views = [self._view(job.query, number) for number in range(len(job.query.tables))]
        return stage(self._cursor, job, f"({job.query.sql(views)}\n)")

    def _view(self, query: SourceQuery, number: int) -> str:
        """Create a view of the files of the query's table `number`, with the types that `describe` gave."""
        files = find(self._output, query.tables[number])
        partitions = _partitions(self._cursor, files)
        types = {
            extracted.column.name: extracted.column.native
            for extracted in query.columns
            if extracted.table == number and extracted.column.name and extracted.column.name not in partitions
        }
        view = f"dvt_files_{number}"
        self._cursor.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT * FROM {files.source(types)}")
        return view


@contextmanager
def _cursor(instance: Instance) -> Iterator[Any]:
    cursor = instance.cursor()
    try:
        yield cursor
    finally:
        cursor.close()


def _table(cursor: Any, ref: TableRef, files: Files) -> Table:
    try:
        types = cursor.execute(f"SELECT * FROM {files.source()} LIMIT 0").description
        rows = _rows(cursor, files)
    except duckdb.IOException as error:
        if _NO_FILES in str(error):
            raise TableNotFound(str(ref), ref.connection) from error
        raise
    return Table(ref=ref, columns=tuple(described(column[0], column[1]) for column in types), rows=rows)


def _partitions(cursor: Any, files: Files) -> set[str]:
    """Return the columns whose values are names of folders: `year=2024`."""
    first = cursor.execute("SELECT file FROM glob(?) LIMIT 1", [list(files.patterns)]).fetchone()
    folders = Path(first[0]).parent.parts if first else ()
    return {name for name, is_named, _ in (part.partition("=") for part in folders) if is_named}


def _rows(cursor: Any, files: Files) -> int | None:
    """Return the rows, from the footers of Parquet files; None for other formats or too many files."""
    if files.format != "parquet":
        return None
    (count,) = cursor.execute("SELECT count(*) FROM glob(?)", [list(files.patterns)]).fetchone()
    if count > _MAX_FOOTERS:
        return None
    (rows,) = cursor.execute(
        "SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata(?)", [list(files.patterns)]
    ).fetchone()
    return int(rows)
