"""SQLite files, read only: SQLite checks the values and copies them to a private file for DuckDB."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from dvt.connectors.sqlite.describe import describe
from dvt.connectors.sqlite.types import check, is_sure, wrong_type
from dvt.core.errors import BadOutput, ValueLost
from dvt.core.names import TableRef
from dvt.core.ports.connectors import Capabilities, ConnectorContext, Job, ServerFacts, Snapshot
from dvt.core.ports.staging import Dataset
from dvt.core.queries import ExtractedColumn, SourceQuery, rendered
from dvt.core.tables import Table
from dvt.drivers.disk import private_folder
from dvt.drivers.duckdb.running import RunningQueries
from dvt.drivers.duckdb.sql import literal
from dvt.drivers.duckdb.sql import quoted as staged_name
from dvt.drivers.duckdb.staging import stage, stage_all
from dvt.drivers.sqlite import Reader, quoted
from dvt.drivers.stamps import stamp

_KEYS = {"type", "path", "schema", "database", "threads"}


class SQLiteConnector:
    """Implements Connector."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        snapshot=True,
        told_by="size and times of the file; none while its write-ahead log has something in it",
    )

    def __init__(self, name: str, settings: Mapping[str, Any], context: ConnectorContext) -> None:
        unknown = sorted(set(settings) - _KEYS)
        if unknown:
            raise BadOutput(name, "sqlite", f"unknown key {unknown[0]}")
        if not settings.get("path"):
            raise BadOutput(name, "sqlite", "path is missing", "add `path: FILE`, relative to the project")
        self._name = name
        self._path = context.project_dir / Path(str(settings["path"])).expanduser()
        self._context = context
        self._running = RunningQueries()

    def describe(self, tables: Sequence[TableRef]) -> Mapping[TableRef, Table]:
        """See Connector."""
        reader = Reader(self._name, self._path)
        try:
            with self._running.batch() as batch:
                described: dict[TableRef, Table] = {}
                for ref in tables:
                    with self._running.query(batch, reader.interrupt, f"looking at {ref}"):
                        described[ref] = describe(reader, ref)
                return described
        finally:
            reader.close()

    def server_facts(self, schema: str | None) -> ServerFacts:  # noqa: ARG002  a file has no schemas
        """See HasServerFacts."""
        with self.snapshot():
            return ServerFacts(version=f"SQLite {sqlite3.sqlite_version}")

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """See Connector.

        In WAL mode all calls of `extract` read one state of the file; in other modes each call reads its own,
        so that writers are not locked out for longer.
        """
        snapshot = _DatabaseSnapshot(self._name, self._path, self._context, self._running)
        try:
            yield snapshot
        finally:
            snapshot.close()

    def cancel(self) -> None:
        """See Connector."""
        self._running.cancel()

    def close(self) -> None:
        """See Connector. Files are open only while they are read."""


class _DatabaseSnapshot:
    """Implements Snapshot and HasTokens. Threads that extract at the same time take turns."""

    def __init__(
        self, connection: str, path: Path, context: ConnectorContext, running: RunningQueries
    ) -> None:
        self._path = path
        self._running = running
        self._turn = threading.Lock()
        self._folder: Path | None = None
        self._count = 0
        self._wrong_type: ValueLost | None = None
        self._reading: SourceQuery | None = None
        self._scratch = context.scratch
        context.duckdb.load("sqlite_scanner")
        self._cursor = context.duckdb.cursor()
        self._reader = Reader(connection, path, self._on_wrong_type)
        with self._running.batch() as batch, self._interruptible(batch, "beginning to read"):
            self._reader.begin_snapshot()

    def extract(self, jobs: Sequence[Job], finished: Callable[[Job, Dataset], None]) -> None:
        """See Snapshot."""
        with self._running.batch() as batch, self._turn:
            self._reader.resume()
            self._reader.begin_snapshot()
            try:
                stage_all(jobs, finished, lambda doing: self._interruptible(batch, doing), self._stage)
            except BaseException:
                # SQLite stays interrupted for as long as a read transaction is open.
                self._reader.end_snapshot()
                raise
            if self._reader.locks_writers_out:
                self._reader.end_snapshot()

    def token(self, table: TableRef) -> str | None:  # noqa: ARG002 - the file is the same for every table
        """See HasTokens. It is the file's, so that a write to any table of it counts.

        The change counter in the file's header would tell, too, but closing the file after reading that would
        drop SQLite's locks on it. A commit goes to the file under a lock that keeps readers out, or to the
        write-ahead log first.
        """
        with self._turn:
            self._reader.begin_snapshot()
            log = Path(f"{self._path}-wal")
            has_frames = log.exists() and log.stat().st_size > 0
            token = None if has_frames else stamp(self._path)
            if self._reader.locks_writers_out:
                self._reader.end_snapshot()
            return token

    def close(self) -> None:
        self._reader.close()
        self._cursor.close()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _stage(self, job: Job) -> Dataset:
        file = self._private_file()
        self._count += 1
        table = f"t{self._count}"
        self._reading = job.query
        try:
            select, wires = checked(job.query)
            self._reader.copy(table, wires, select, f"reading {job.query.about}")
            names = ", ".join(
                f"c{number} AS {staged_name(extracted.name)}"
                for number, extracted in enumerate(job.query.columns)
            )
            source = f"(SELECT {names} FROM sqlite_scan({literal(str(file))}, '{table}'))"
            return stage(self._cursor, job, source)
        except Exception as error:
            if self._wrong_type is not None:
                raise self._wrong_type from error
            raise
        finally:
            self._wrong_type = None
            self._reader.delete_rows(table)

    def _private_file(self) -> Path:
        """Return the private file, which is made and attached when first needed."""
        if self._folder is None:
            private_folder(self._scratch)
            self._folder = Path(tempfile.mkdtemp(prefix="sqlite-", dir=self._scratch))
            self._reader.attach(self._folder / "answers.db")
        return self._folder / "answers.db"

    def _on_wrong_type(self, number: int, value: object) -> None:
        """See OnWrongType; keep the error, since SQLite passes on only that there was one."""
        if self._reading is not None:
            extracted = self._reading.columns[number]
            column, table = extracted.column, self._reading.tables[extracted.table]
            where = f"{table}, column {column.name} ({column.native or 'undeclared'})"
            self._wrong_type = wrong_type(where, column.stage, value)
        raise ValueError

    @contextmanager
    def _interruptible(self, batch: Any, doing: str) -> Iterator[None]:
        def interrupt() -> None:
            self._reader.interrupt()
            self._cursor.interrupt()

        with self._running.query(batch, interrupt, doing):
            yield


def checked(query: SourceQuery) -> tuple[str, list[str]]:
    """Return the query with every value checked, and the types of the private file's columns.

    A filter keeps every row with a value that might not fit its type: whether a table passes the check must
    not depend on which filters are pushed.
    """
    tables = [f"main.{quoted(table.identifier)}" for table in query.tables]
    unsure = [_unsure(extracted) for extracted in query.columns if query.scan and _is_unsure(extracted)]
    if query.where and unsure:
        filters = " AND ".join(f"({rendered(condition, tables)})" for condition in query.where)
        query = replace(query, where=(f"({filters}) OR {' OR '.join(unsure)}",))
    inner = query.sql(tables)
    sent, wires = [], []
    for number, extracted in enumerate(query.columns):
        rule = check(extracted.column.stage) if extracted.column.name else None
        name = f"q.{quoted(extracted.name)}"
        value = rule.send.format(name) if rule else name
        wires.append(rule.wire if rule else "INTEGER")
        sent.append(
            f"CASE WHEN {name} IS NULL THEN NULL ELSE coalesce({value}, dvt_misfit({number}, {name})) END"
        )
    return f"SELECT {', '.join(sent)} FROM ({inner}) AS q", wires


def _is_unsure(extracted: ExtractedColumn) -> bool:
    return bool(extracted.column.name) and not is_sure(extracted.column.native)


def _unsure(extracted: ExtractedColumn) -> str:
    """Return the SQL condition that a value of the column might not fit its type."""
    name = quoted(extracted.column.name)
    return f"NOT ({name} IS NULL OR coalesce({check(extracted.column.stage).sure.format(name)}, 0))"
