"""SQLite files, read only: checked in SQLite, passed on in a private file, staged by DuckDB."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from dvt.connectors.sqlite.describe import describe
from dvt.connectors.sqlite.types import check, is_sure, refused
from dvt.core.errors import BadOutput, ValueLost
from dvt.core.names import TableRef
from dvt.core.ports.connectors import Capabilities, ConnectorContext, Job, Snapshot
from dvt.core.ports.staging import Dataset
from dvt.core.queries import ExtractedColumn, SourceQuery, rendered
from dvt.core.tables import Table
from dvt.drivers.disk import private_folder
from dvt.drivers.duckdb.running import Running
from dvt.drivers.duckdb.sql import literal
from dvt.drivers.duckdb.sql import quoted as staged_name
from dvt.drivers.duckdb.staging import stage, stage_all
from dvt.drivers.sqlite import Reader, quoted

_KEYS = {"type", "path", "schema", "database", "threads"}


class SQLiteConnector:
    """Implements Connector."""

    capabilities: ClassVar[Capabilities] = Capabilities(snapshot=True)

    def __init__(self, name: str, settings: Mapping[str, Any], context: ConnectorContext) -> None:
        unknown = sorted(set(settings) - _KEYS)
        if unknown:
            raise BadOutput(name, "sqlite", f"unknown key {unknown[0]}")
        if not settings.get("path"):
            raise BadOutput(name, "sqlite", "path is missing", "add `path: FILE`, relative to the project")
        self._name = name
        self._path = context.project_dir / Path(str(settings["path"])).expanduser()
        self._context = context
        self._running = Running()

    def describe(self, tables: Sequence[TableRef]) -> Mapping[TableRef, Table]:
        """See Connector."""
        reader = Reader(self._name, self._path)
        try:
            with self._running.batch() as batch:
                found: dict[TableRef, Table] = {}
                for ref in tables:
                    with self._running.query(batch, reader.interrupt, f"looking at {ref}"):
                        found[ref] = describe(reader, ref)
                return found
        finally:
            reader.close()

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """See Connector.

        In WAL mode one moment for all; in other modes one for each call of `extract`, so that nobody who
        writes is locked out for longer.
        """
        moment = _Moment(self._name, self._path, self._context, self._running)
        try:
            yield moment
        finally:
            moment.close()

    def cancel(self) -> None:
        """See Connector."""
        self._running.stop()

    def close(self) -> None:
        """See Connector. Files are open only while they are read."""


class _Moment:
    """Implements Snapshot. Several threads may ask at once; they take turns."""

    def __init__(self, connection: str, path: Path, context: ConnectorContext, running: Running) -> None:
        self._path = path
        self._running = running
        self._turn = threading.Lock()
        self._folder: Path | None = None
        self._count = 0
        self._refusal: tuple[str, str, str] | None = None
        self._reading: SourceQuery | None = None
        self._scratch = context.scratch
        context.duckdb.load("sqlite_scanner")
        self._cursor = context.duckdb.cursor()
        self._reader = Reader(connection, path, self._misfit)
        with self._running.batch() as batch, self._begin(batch, "beginning to read"):
            self._reader.begin()

    def extract(self, jobs: Sequence[Job], finished: Callable[[Job, Dataset], None]) -> None:
        """See Snapshot."""
        with self._running.batch() as batch, self._turn:
            self._reader.resume()
            self._reader.begin()
            try:
                stage_all(jobs, finished, lambda doing: self._begin(batch, doing), self._stage)
            except BaseException:
                # SQLite stays interrupted for as long as a moment is held.
                self._reader.end()
                raise
            if self._reader.locks_writers_out:
                self._reader.end()

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
                f"c{number} AS {staged_name(one.name)}" for number, one in enumerate(job.query.columns)
            )
            source = f"(SELECT {names} FROM sqlite_scan({literal(str(file))}, '{table}'))"
            return stage(self._cursor, job, source)
        except Exception as error:
            if self._refusal is not None:
                raise ValueLost(*self._refusal) from error
            raise
        finally:
            self._refusal = None
            self._reader.forget(table)

    def _private_file(self) -> Path:
        if self._folder is None:
            private_folder(self._scratch)
            self._folder = Path(tempfile.mkdtemp(prefix="sqlite-", dir=self._scratch))
            self._reader.attach(self._folder / "answers.db")
        return self._folder / "answers.db"

    def _misfit(self, number: int, value: object) -> None:
        if self._reading is not None:
            extracted = self._reading.columns[number]
            column, table = extracted.column, self._reading.tables[extracted.table]
            where = f"{table}, column {column.name} ({column.native or 'undeclared'})"
            self._refusal = refused(where, column.stage, value)
        raise ValueError

    @contextmanager
    def _begin(self, batch: Any, doing: str) -> Iterator[None]:
        def interrupt() -> None:
            self._reader.interrupt()
            self._cursor.interrupt()

        with self._running.query(batch, interrupt, doing):
            yield


def checked(query: SourceQuery) -> tuple[str, list[str]]:
    """The query with every value checked, and the types of the private file's columns.

    A filter keeps all rows in which a value might not fit its type, so that what is wrong with a table
    does not depend on what is pushed.
    """
    tables = [f"main.{quoted(table.identifier)}" for table in query.tables]
    unsure = [_unsure(one) for one in query.columns if query.scan and _is_unsure(one)]
    if query.where and unsure:
        asked = " AND ".join(f"({rendered(one, tables)})" for one in query.where)
        query = replace(query, where=(f"({asked}) OR {' OR '.join(unsure)}",))
    inner = query.sql(tables)
    sent, wires = [], []
    for number, one in enumerate(query.columns):
        how = check(one.column.stage) if one.column.name else None
        name = f"q.{quoted(one.name)}"
        value = how.send.format(name) if how else name
        wires.append(how.wire if how else "INTEGER")
        sent.append(
            f"CASE WHEN {name} IS NULL THEN NULL ELSE coalesce({value}, dvt_misfit({number}, {name})) END"
        )
    return f"SELECT {', '.join(sent)} FROM ({inner}) AS q", wires


def _is_unsure(one: ExtractedColumn) -> bool:
    return bool(one.column.name) and not is_sure(one.column.native)


def _unsure(one: ExtractedColumn) -> str:
    name = quoted(one.column.name)
    return f"NOT ({name} IS NULL OR coalesce({check(one.column.stage).sure.format(name)}, 0))"
