"""The connector: describes tables and extracts from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar

from dvt.core.errors import BadOutput, TableNotFound
from dvt.core.names import TableRef
from dvt.core.ports.connectors import Capabilities, ConnectorContext, Job, Snapshot
from dvt.core.ports.staging import Dataset
from dvt.core.tables import Table
from dvt.drivers.duckdb.running import RunningQueries
from dvt.drivers.duckdb.staging import stage, stage_all
from dvt.drivers.duckdb.types import described
from dvt_lines.driver import connect, lines_of


class LinesConnector:
    """Implements Connector and Snapshot: text files have no snapshots to open."""

    capabilities: ClassVar[Capabilities] = Capabilities()

    def __init__(self, name: str, settings: Mapping[str, Any], context: ConnectorContext) -> None:
        if "path" not in settings:
            raise BadOutput(name, "lines", "path is missing")
        self._folder = context.project_dir / settings["path"]
        self._running = RunningQueries()

    def describe(self, tables: Sequence[TableRef]) -> Mapping[TableRef, Table]:
        """See Connector."""
        with closing(connect()) as cursor:
            return {ref: self._table(cursor, ref) for ref in tables}

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """See Connector."""
        yield self

    def extract(self, jobs: Sequence[Job], finished: Callable[[Job, Dataset], None]) -> None:
        """See Snapshot."""
        with closing(connect()) as cursor, self._running.batch() as batch:
            stage_all(
                jobs,
                finished,
                lambda doing: self._running.query(batch, cursor.interrupt, doing),
                lambda job: self._stage(cursor, job),
            )

    def cancel(self) -> None:
        """See Connector."""
        self._running.cancel()

    def close(self) -> None:
        """See Connector. Files are open only while they are read."""

    def _stage(self, cursor: Any, job: Job) -> Dataset:
        files = [lines_of(self._file(ref)) for ref in job.query.tables]
        return stage(cursor, job, f"({job.query.sql(files)})")

    def _table(self, cursor: Any, ref: TableRef) -> Table:
        columns = cursor.execute(f"SELECT * FROM {lines_of(self._file(ref))} LIMIT 0").description
        return Table(ref=ref, columns=tuple(described(column[0], column[1]) for column in columns))

    def _file(self, ref: TableRef) -> Path:
        file: Path = self._folder / f"{ref.identifier}.txt"
        if not file.exists():
            raise TableNotFound(str(ref), ref.connection, [path.stem for path in self._folder.glob("*.txt")])
        return file
