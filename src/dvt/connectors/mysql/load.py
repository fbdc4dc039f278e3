"""Loads a stage table: DuckDB writes a file for LOAD DATA LOCAL INFILE into a pipe, which dvt sends on.

It does not use an attached database, so that the session is dvt's own (strict, in UTC, cancelled by its
connection id), every value is sent in a form that dvt chooses, and the server's warnings are seen. CREATE
TABLE comes first and commits; the rows then arrive in one transaction, and a table whose load failed is
dropped. If the process dies, the table stays, on record, and the next run drops it.

Where the server takes no local files, the same rows are sent as INSERT statements.

One stream, since the server's side is what takes the time and two into one table wait for each other:
6.0 M rows of lineitem cost the server 18 s of CPU in one stream, 19 s in two, 20 s in three. With
`unique_checks` and `foreign_key_checks` off, MariaDB collects the rows first and took 1.7 times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import Any

import duckdb

from dvt.connectors.mysql.rows import LoadTarget
from dvt.connectors.mysql.server import Server
from dvt.core.errors import Cancelled, DvtError, QueryFailed, RowRefused, ValueLost
from dvt.core.names import TableRef
from dvt.core.plan import Load, LoadColumn
from dvt.core.ports.connectors import Instance
from dvt.core.ports.staging import Dataset
from dvt.core.tables import StageColumn
from dvt.core.types import StageType
from dvt.drivers.duckdb import translate
from dvt.drivers.duckdb.sql import quoted as duckdb_quoted
from dvt.drivers.duckdb.staging import scan
from dvt.drivers.mysql import (
    LOAD_TIMEOUT,
    LoadConnection,
    LoadEncoding,
    LoadStatement,
    RunningQuery,
    column_kinds,
    connect_to_load,
    connect_watched,
    fitted,
    load_encoding,
    quoted,
    table,
)
from dvt.drivers.pipe import Pipe

_UTF8 = "utf8mb4"
_DROP_LOCK_TIMEOUT = 5
"""Seconds that DROP TABLE waits for readers of the table, or for the server to roll its rows back."""
_PREFIX = 64
"""Characters or bytes of a long text that an index has."""


def load_encodings(server: Server, types: Sequence[StageType]) -> tuple[LoadEncoding, ...]:
    """Return how values of these types are loaded into this server."""
    return tuple(load_encoding(type_, server.flavour, server.settings.nan) for type_ in types)


def load_columns(server: Server, columns: Sequence[StageColumn]) -> tuple[LoadColumn, ...]:
    """Return the columns of a stage table, in the server's types."""
    encodings = load_encodings(server, [column.widest or column.type for column in columns])
    return tuple(
        LoadColumn(name=column.name, stage=column.type, native=encoding.native, loses=encoding.loses)
        for column, encoding in zip(columns, encodings, strict=True)
    )


class StageTableLoad:
    """Loads one stage table: all of its rows, or no table."""

    def __init__(self, server: Server, duckdb_: Instance, load: Load, dataset: Dataset) -> None:
        self._server = server
        self._duckdb = duckdb_
        self._load = load
        self._dataset = dataset
        self._running = RunningQuery()
        names = tuple(column.name for column in load.columns)
        encodings = load_encodings(server, [column.stage for column in load.columns])
        self._schema = load.stage.schema or server.settings.schema_
        self._target = LoadTarget(table(load.stage, self._schema), names, encodings, self._running.mark)
        self._statement = LoadStatement(f"filling {load.stage}", str(load.stage), names)
        self._created = False

    def run(self) -> int:
        """Create and load the table, on another thread: this one stays free for Ctrl-C. Return the rows."""
        queries = self._server.queries
        with queries.track([self._running]), self._server.slots, ThreadPoolExecutor(1, "dvt-mysql") as pool:
            work = pool.submit(self._work)
            try:
                wait([work])
            except BaseException:
                # On a server that is gone nothing can be cancelled, and nothing runs.
                with suppress(DvtError):
                    queries.cancel(self._running)
                raise
            return work.result()

    def _work(self) -> int:
        try:
            server, stopped = self._server, self._running.stopped.is_set
            with self._stoppable(), connect_to_load(server.name, server.settings, stopped) as session:
                return self._fill(session)
        except BaseException:
            if self._created:
                # This failure is raised even if the drop fails, too: the table is on record.
                with suppress(DvtError):
                    _drop(self._server, self._load.stage)
            raise

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        """Raise Cancelled instead of any error that the cancelling causes; note when the work has ended."""
        try:
            yield
        except DvtError as error:
            if self._running.stopped.is_set() and not isinstance(error, Cancelled):
                raise Cancelled(self._statement.doing) from error
            raise
        finally:
            self._running.ended.set()

    def _check_stopped(self) -> None:
        if self._running.stopped.is_set():
            raise Cancelled(self._statement.doing)

    def _fill(self, session: LoadConnection) -> int:
        doing = self._statement.doing
        ((number, packet),) = session.rows("SELECT CONNECTION_ID(), @@max_allowed_packet", doing=doing)
        self._running.connection = int(number)
        self._check_stopped()
        create = f"/* {self._running.mark} */ {self._create_table(session)}"
        session.rows(create, doing=doing, timeout=LOAD_TIMEOUT)
        self._created = True
        if self._load.definition:
            self._target = self._fitted(session)
        if not self._dataset.keys:
            return 0
        session.rows("START TRANSACTION", doing=doing)
        count = self._load_file(session) if self._server.takes_files else None
        if count is None:
            self._server.takes_files = False
            count = self._insert(session, int(packet))
        if count != self._dataset.rows:
            raise self._incomplete(count)
        session.rows("COMMIT", doing=doing, timeout=LOAD_TIMEOUT)
        return count

    def _incomplete(self, count: int | None) -> DvtError:
        """Return the error for rows that did not arrive: MySQL 5.6 leaves out repeated keys, unsaid."""
        arrived = f"{count} rows of {self._dataset.rows} arrived"
        if self._load.definition and (count or 0) < self._dataset.rows:
            return RowRefused(self._statement.table, f"{arrived}: others have the same key")
        return QueryFailed(self._server.name, self._statement.doing, arrived)

    def _create_table(self, session: LoadConnection) -> str:
        """Return CREATE TABLE, in the schema's collation if its charset is utf8mb4: joins then see one."""
        sql = "SELECT default_character_set_name FROM information_schema.schemata WHERE schema_name = %s"
        charsets = session.rows(sql, [self._schema], doing=self._statement.doing)
        charset = "" if charsets == [(_UTF8,)] else f" CHARACTER SET {_UTF8}"
        columns = ", ".join(f"{quoted(column.name)} {column.native}" for column in self._load.columns)
        return f"CREATE TABLE {self._target.table} {self._load.definition or f'({columns})'}{charset}"

    def _fitted(self, session: LoadConnection) -> LoadTarget:
        """Return the target with values encoded for the types of the table's contract."""
        types = column_kinds(session, self._schema, self._load.stage.identifier)
        encodings = (
            fitted(encoding, *types.get(name, ("", None)))
            for name, encoding in zip(self._target.names, self._target.encodings, strict=True)
        )
        return replace(self._target, encodings=tuple(encodings))

    def _load_file(self, session: LoadConnection) -> int | None:
        """Load by LOAD DATA; return the rows that arrived, None if the server takes no files."""
        file = self._running.mark.replace(" ", "-")
        return self._piped(
            lambda path: self._target.file_copy(self._select(), path),
            lambda pipe: session.load(self._target.load(file), file, pipe.read, self._statement),
        )

    def _insert(self, session: LoadConnection, packet: int) -> int | None:
        def send(pipe: Pipe) -> int:
            statements = self._target.inserts(pipe.read, packet, self._statement.table)
            return sum(session.insert(statement, self._statement) for statement in statements)

        return self._piped(lambda path: self._target.lines_copy(self._select(), path), send)

    def _piped(self, copy: Callable[[str], str], send: Callable[[Pipe], int | None]) -> int | None:
        """Run DuckDB's `copy` into a pipe while `send` reads from it; return what `send` returns."""
        self._check_stopped()
        pipe = Pipe()
        with closing(self._duckdb.cursor()) as source, ThreadPoolExecutor(1, "dvt-mysql-rows") as pool:
            self._running.cursor = source
            writer = pool.submit(self._write, source, copy(pipe.path), pipe)
            try:
                count = send(pipe)
            except BrokenPipeError:
                count = 0  # the writer's failure, below, is the cause
            finally:
                pipe.close_reader()
                wait([writer])
                self._running.cursor = None
        failure = writer.exception()
        # If the server took no file, nobody read from the pipe: that the writer failed then means nothing.
        if failure is not None and count is not None:
            raise self._translate(failure) from failure
        return count

    @staticmethod
    def _write(source: Any, copy: str, pipe: Pipe) -> None:
        whole = False
        try:
            source.execute(copy)
            whole = True
        finally:
            pipe.close_writer(whole=whole)

    def _select(self) -> str:
        values = ", ".join(
            f"{self._sent(column, encoding)} AS {duckdb_quoted(column.name)}"
            for column, encoding in zip(self._load.columns, self._target.encodings, strict=True)
        )
        return f"SELECT {values} FROM ({scan(self._dataset)})"

    def _sent(self, column: LoadColumn, encoding: LoadEncoding) -> str:
        staged = f"CAST({duckdb_quoted(column.staged)} AS {column.stage})"
        return encoding.of(staged, f"{self._load.stage}, column {column.name}")

    def _translate(self, error: BaseException) -> BaseException:
        if not isinstance(error, duckdb.Error | OSError | MemoryError):
            return error
        doing, where = self._statement.doing, self._statement.table
        return translate(error, connection=self._server.name, doing=doing, where=where)


def drop(server: Server, stage: TableRef) -> None:
    """Drop a stage table; wait at most `_DROP_LOCK_TIMEOUT` for its readers."""
    with server.slots:
        _drop(server, stage)


def _drop(server: Server, stage: TableRef) -> None:
    """Drop a stage table, on a connection that is already counted in the slots."""
    doing = f"dropping {stage}"
    with connect_watched(server.name, server.settings) as side:
        side.rows(f"SET SESSION lock_wait_timeout = {_DROP_LOCK_TIMEOUT}", doing=doing)
        side.rows(f"DROP TABLE IF EXISTS {table(stage, server.settings.schema_)}", doing=doing)


def index(server: Server, stage: TableRef, key: Sequence[str], columns: Sequence[str]) -> None:
    """Add a key and indexes to a stage table, each unless its values do not allow it; gather statistics."""
    doing = f"indexing {stage}"
    schema = stage.schema or server.settings.schema_
    running = RunningQuery()
    with (
        server.queries.track([running]),
        server.slots,
        connect_watched(server.name, server.settings) as side,
        _ended(running),
    ):
        ((number,),) = side.rows("SELECT CONNECTION_ID()", doing=doing)
        running.connection = int(number)
        kinds = column_kinds(side, schema, stage.identifier)
        parts = [f"ADD INDEX ({_index_part(column, kinds)})" for column in columns]
        if key:
            parts.insert(0, f"ADD PRIMARY KEY ({', '.join(map(quoted, key))})")
        for part in parts:
            if running.stopped.is_set():
                raise Cancelled(doing)
            with suppress(QueryFailed, RowRefused, ValueLost):
                side.rows(f"ALTER TABLE {table(stage, schema)} {part}", doing=doing, timeout=LOAD_TIMEOUT)
        side.rows(f"ANALYZE TABLE {table(stage, schema)}", doing=doing, timeout=LOAD_TIMEOUT)


def _index_part(column: str, kinds: Mapping[str, tuple[str, int | None]]) -> str:
    kind, _ = kinds.get(column, ("", None))
    return f"{quoted(column)}({_PREFIX})" if kind.endswith(("text", "blob")) else quoted(column)


@contextmanager
def _ended(running: RunningQuery) -> Iterator[None]:
    try:
        yield
    finally:
        running.ended.set()
