"""Filling a stage table: DuckDB writes a file for LOAD DATA LOCAL INFILE into a pipe, which is sent on.

Not through an attached database: this way the session is ours (strict, in UTC, cancelled by its number),
every value is sent in a form of our choice, and what the server warns of is seen. The table is made first,
which commits; the rows then arrive in one transaction, and a table that did not fill is dropped. One whose
process died stays, on record, for the next run.

Where the server takes no local files, the same rows are sent as INSERT statements.

One stream, since the server's side is what takes the time and two into one table wait for each other:
6.0 M rows of lineitem cost the server 18 s of CPU in one stream, 19 s in two, 20 s in three. With
`unique_checks` and `foreign_key_checks` off, MariaDB collects the rows first and took 1.7 times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import Any

import duckdb

from dvt.connectors.mysql.rows import Into
from dvt.connectors.mysql.server import Server
from dvt.core.errors import Cancelled, DvtError, QueryFailed
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
    LONG,
    About,
    LoadConnection,
    Packing,
    Running,
    connect,
    connect_to_load,
    fitted,
    kinds,
    packing,
    quoted,
    table,
)
from dvt.drivers.pipe import Pipe

_UTF8 = "utf8mb4"
_DROP_WAITS = 5
"""Seconds for whoever reads the table, or for the server to take its rows back."""


def packings(server: Server, types: Sequence[StageType]) -> tuple[Packing, ...]:
    """How values of these types are loaded."""
    return tuple(packing(type_, server.flavour, server.settings.nan) for type_ in types)


def load_columns(server: Server, columns: Sequence[StageColumn]) -> tuple[LoadColumn, ...]:
    """The types of the stage table."""
    found = packings(server, [column.type for column in columns])
    return tuple(
        LoadColumn(name=one.name, stage=one.type, native=to.native, loses=to.loses)
        for one, to in zip(columns, found, strict=True)
    )


class Filling:
    """One stage table being made: all of its rows, or no table."""

    def __init__(self, server: Server, duckdb_: Instance, load: Load, dataset: Dataset) -> None:
        self._server = server
        self._duckdb = duckdb_
        self._load = load
        self._dataset = dataset
        self._running = Running()
        names = tuple(one.name for one in load.columns)
        ways = packings(server, [column.stage for column in load.columns])
        self._schema = load.stage.schema or server.settings.schema_
        self._into = Into(table(load.stage, self._schema), names, ways, self._running.mark)
        self._about = About(f"filling {load.stage}", str(load.stage), names)
        self._made = False

    def run(self) -> int:
        """Make the table and fill it; its rows. On a thread, so that this one is free for Ctrl-C."""
        queries = self._server.queries
        with queries.track([self._running]), self._server.slots, ThreadPoolExecutor(1, "dvt-mysql") as pool:
            work = pool.submit(self._work)
            try:
                wait([work])
            except BaseException:
                # A server that is gone cannot be asked to stop, and has stopped.
                with suppress(DvtError):
                    queries.cancel(self._running)
                raise
            return work.result()

    def _work(self) -> int:
        try:
            known, stopped = self._server, self._running.stopped.is_set
            with self._stoppable(), connect_to_load(known.name, known.settings, stopped) as session:
                return self._fill(session)
        except BaseException:
            if self._made:
                # What went wrong counts more than a table that stays: it is on record.
                with suppress(DvtError):
                    _drop(self._server, self._load.stage)
            raise

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        try:
            yield
        except DvtError as error:
            if self._running.stopped.is_set() and not isinstance(error, Cancelled):
                raise Cancelled(self._about.doing) from error
            raise
        finally:
            self._running.ended.set()

    def _go_on(self) -> None:
        if self._running.stopped.is_set():
            raise Cancelled(self._about.doing)

    def _fill(self, session: LoadConnection) -> int:
        doing = self._about.doing
        ((number, packet),) = session.rows("SELECT CONNECTION_ID(), @@max_allowed_packet", doing=doing)
        self._running.connection = int(number)
        self._go_on()
        create = f"/* {self._running.mark} */ {self._creation(session)}"
        session.rows(create, doing=doing, patience=LONG)
        self._made = True
        if self._load.definition:
            self._into = self._fitted(session)
        if not self._dataset.keys:
            return 0
        session.rows("START TRANSACTION", doing=doing)
        count = self._load_file(session) if self._server.takes_files else None
        if count is None:
            self._server.takes_files = False
            count = self._insert(session, int(packet))
        if count != self._dataset.rows:
            raise QueryFailed(self._server.name, doing, f"{count} rows of {self._dataset.rows} arrived")
        session.rows("COMMIT", doing=doing, patience=LONG)
        return count

    def _creation(self, session: LoadConnection) -> str:
        """In the schema's own collation where that can hold every text, so that joins find one collation."""
        asked = "SELECT default_character_set_name FROM information_schema.schemata WHERE schema_name = %s"
        found = session.rows(asked, [self._schema], doing=self._about.doing)
        words = "" if found == [(_UTF8,)] else f" CHARACTER SET {_UTF8}"
        columns = ", ".join(f"{quoted(one.name)} {one.native}" for one in self._load.columns)
        return f"CREATE TABLE {self._into.table} {self._load.definition or f'({columns})'}{words}"

    def _fitted(self, session: LoadConnection) -> Into:
        """Values as the contract's own types take them."""
        found = kinds(session, self._schema, self._load.stage.identifier)
        ways = (
            fitted(one, *found.get(name, ("", None)))
            for name, one in zip(self._into.names, self._into.packings, strict=True)
        )
        return replace(self._into, packings=tuple(ways))

    def _load_file(self, session: LoadConnection) -> int | None:
        """How many rows arrived; None when the server refuses the file, and nothing was sent."""
        file = self._running.mark.replace(" ", "-")
        return self._piped(
            lambda path: self._into.file_copy(self._select(), path),
            lambda pipe: session.load(self._into.load(file), file, pipe.read, self._about),
        )

    def _insert(self, session: LoadConnection, packet: int) -> int | None:
        def send(pipe: Pipe) -> int:
            statements = self._into.inserts(pipe.read, packet, self._about.table)
            return sum(session.insert(one, self._about) for one in statements)

        return self._piped(lambda path: self._into.lines_copy(self._select(), path), send)

    def _piped(self, copy: Callable[[str], str], send: Callable[[Pipe], int | None]) -> int | None:
        """What `send` makes of all that DuckDB writes meanwhile."""
        self._go_on()
        pipe = Pipe()
        with closing(self._duckdb.cursor()) as source, ThreadPoolExecutor(1, "dvt-mysql-rows") as pool:
            self._running.cursor = source
            written = pool.submit(self._write, source, copy(pipe.path), pipe)
            try:
                count = send(pipe)
            except BrokenPipeError:
                count = 0  # of what the writer tells
            finally:
                pipe.abandon()
                wait([written])
                self._running.cursor = None
        failure = written.exception()
        if failure is not None and count is not None:  # if nobody read, nobody could write
            raise self._explained(failure) from failure
        return count

    @staticmethod
    def _write(source: Any, copy: str, pipe: Pipe) -> None:
        whole = False
        try:
            source.execute(copy)
            whole = True
        finally:
            pipe.written(whole=whole)

    def _select(self) -> str:
        values = ", ".join(
            f"{self._sent(one, to)} AS {duckdb_quoted(one.name)}"
            for one, to in zip(self._load.columns, self._into.packings, strict=True)
        )
        return f"SELECT {values} FROM ({scan(self._dataset)})"

    def _sent(self, one: LoadColumn, to: Packing) -> str:
        staged = f"CAST({duckdb_quoted(one.name)} AS {one.stage})"
        return to.of(staged, f"{self._load.stage}, column {one.name}")

    def _explained(self, error: BaseException) -> BaseException:
        if not isinstance(error, duckdb.Error | OSError | MemoryError):
            return error
        doing, where = self._about.doing, self._about.table
        return translate(error, connection=self._server.name, doing=doing, where=where)


def drop(server: Server, stage: TableRef) -> None:
    """Drop a stage table, without waiting long for whoever reads it."""
    with server.slots:
        _drop(server, stage)


def _drop(server: Server, stage: TableRef) -> None:
    doing = f"dropping {stage}"
    with connect(server.name, server.settings) as side:
        side.rows(f"SET SESSION lock_wait_timeout = {_DROP_WAITS}", doing=doing)
        side.rows(f"DROP TABLE IF EXISTS {table(stage, server.settings.schema_)}", doing=doing)
