"""Reads the pieces of one extraction, each thread over a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import duckdb

from dvt.connectors.postgres.again import Again
from dvt.connectors.postgres.pieces import Piece, Pieces, Progress
from dvt.connectors.postgres.server import Server
from dvt.core.errors import ConnectFailed, DvtError
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Dataset
from dvt.core.reports import Notice
from dvt.drivers.duckdb.sql import unpacked
from dvt.drivers.duckdb.staging import write_answer
from dvt.drivers.postgres import Session, Work, as_dvt_errors, translate

Finished = Callable[[Job, Dataset], None]
"""Called for each job whose dataset is committed."""


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables that an extraction reads, quoted."""

    read: tuple[str, ...]
    split: tuple[str, ...]
    """Those that are read in several pieces."""


class Readers:
    """Reads pieces over several connections in one snapshot; `read` runs on each of the threads."""

    def __init__(self, server: Server, snapshot: str, tables: Tables, again: Again, work: Work) -> None:
        """`snapshot` is the one that was exported."""
        self._server = server
        self._snapshot = snapshot
        self._tables = tables
        self._again = again
        self._work = work
        self._lock = threading.Lock()
        self._reading = 0
        """Number of connections that are open."""

    def read(self, waiting: Pieces, finished: Finished) -> None:
        """Read piece after piece over one connection until none is left; over another one if it breaks."""
        failures = 0
        while waiting.are_left and not self._work.stopped.is_set():
            lost: list[Piece] = []
            try:
                self._read_over_one(waiting, lost, finished, is_again=failures > 0)
            except DvtError as error:
                if not lost and self._is_one_too_many(error):
                    return
                attempt = lost[0].attempt if lost else failures
                what = lost[0].of.job.query.about if lost else "what is left"
                if not self._again.wait(error, attempt, what, self._work):
                    raise
                failures += 1
                for piece in lost:
                    waiting.put_back(replace(piece, attempt=piece.attempt + 1))
            else:
                return

    def _read_over_one(
        self, waiting: Pieces, lost: list[Piece], finished: Finished, *, is_again: bool
    ) -> None:
        """Read until no piece is left for this connection; `lost` gets the piece that it was reading."""
        locked = self._tables.read if is_again else self._tables.split
        with self._server.slots.work(), self._server.scanner.session(self._snapshot) as reader:
            with as_dvt_errors(name=self._server.name, doing="opening a session"):
                self._again.check(reader, self._tables.read, locked)
            with self._lock:
                self._reading += 1
            try:
                while not self._work.stopped.is_set():
                    with waiting.taken() as piece:
                        if piece is None:
                            return
                        lost[:] = [piece]
                        self._copy(reader, piece)
                        lost.clear()
                    self._commit_when_done(piece.of, finished)
            finally:
                with self._lock:
                    self._reading -= 1

    def _is_one_too_many(self, error: DvtError) -> bool:
        """Whether the server refuses a connection while others read, which then read all that is left."""
        with self._lock:
            reading = self._reading
        if not reading or not isinstance(error, ConnectFailed) or not error.refused:
            return False
        message = f"{error.message}; {reading} read all that is left"
        self._server.warn(Notice("DVT034", message, "lower `max_connections` of this output in profiles.yml"))
        return True

    def _copy(self, reader: Session, piece: Piece) -> None:
        item = piece.of
        answer = unpacked(item.job.query.columns, reader.query(piece.sql))
        table = item.job.query.about
        key = item.job.sink.part()
        with self._work.query(reader.backend, reader.cursor):
            try:
                with reader.with_settings(item.job.query.settings), reader.waiting():
                    rows = write_answer(reader.cursor, answer, item.job, key=key)
            except (duckdb.Error, OSError, MemoryError) as error:
                raise translate(
                    error,
                    name=self._server.name,
                    doing=f"extracting {table}",
                    where=table,
                    stopped=self._work.stopped.is_set(),
                ) from error
        with self._lock:
            item.keys.append(key)
            item.rows += rows
            item.left -= 1

    def _commit_when_done(self, item: Progress, finished: Finished) -> None:
        """Commit a job's dataset once all its pieces are read.

        A connection may break once its part is written: that part is left out, since its piece is read again.
        """
        with self._lock:
            if item.left or item.committed:
                return
            dataset = item.job.sink.commit(item.job.query.staged, item.rows, item.keys)
            item.committed = True
        finished(item.job, dataset)
