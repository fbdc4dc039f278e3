"""One snapshot of a database, which several connections read into staging at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2

from dvt.connectors.postgres.again import Again
from dvt.connectors.postgres.pieces import Piece, Pieces, Progress
from dvt.connectors.postgres.ranges import pieces
from dvt.connectors.postgres.readers import Readers, Tables
from dvt.connectors.postgres.server import Server
from dvt.connectors.postgres.token import token
from dvt.core.errors import Cancelled, DvtError
from dvt.core.names import TableRef
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Dataset
from dvt.drivers.postgres import (
    Work,
    as_dvt_errors,
    connect,
    relation,
    transaction_statements,
)


class PostgresSnapshot:
    """Implements Snapshot and HasTokens.

    An idle transaction exports the snapshot, and every reader's transaction imports it.
    """

    def __init__(self, server: Server, holder: Any) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._holder = holder
        with holder.cursor() as cursor:
            cursor.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            for statement in transaction_statements(server.settings):
                cursor.execute(statement)
            cursor.execute("SELECT pg_catalog.pg_export_snapshot()")
            self._id = str(cursor.fetchone()[0])

    def extract(self, jobs: Sequence[Job], finished: Callable[[Job, Dataset], None]) -> None:
        """See Snapshot."""
        progress = [Progress(job) for job in jobs]
        try:
            with self._server.backends.work() as work:
                waiting = Pieces(self._pieces(progress))
                workers = min(waiting.width, self._server.slots.free)
                again = Again(self._server.name, self._holder, self._lock, self._server.warn)
                readers = Readers(self._server, self._id, self._tables(progress), again, work)
                self._run_all(workers, work, lambda: readers.read(waiting, finished))
            unread = next((item for item in progress if not item.committed), None)
            if unread is not None:  # stopped before a query of it began
                raise Cancelled(f"extracting {unread.job.query.about}")
        finally:
            for item in progress:
                if not item.committed:
                    item.job.sink.discard()

    def token(self, table: TableRef) -> str | None:
        """See HasTokens."""
        doing = f"looking whether {table} has changed"
        looking = as_dvt_errors(name=self._server.name, doing=doing, where=str(table))
        with self._lock, looking, self._holder.cursor() as cursor:
            cursor.execute("SAVEPOINT dvt")
            try:
                return token(cursor, table, self._server.settings.schema_)
            finally:
                with suppress(psycopg2.Error):
                    cursor.execute("ROLLBACK TO SAVEPOINT dvt; RELEASE SAVEPOINT dvt")

    def _pieces(self, progress: Sequence[Progress]) -> list[Piece]:
        """Return the pieces of all jobs, those of one job next to each other."""
        waiting: list[Piece] = []
        for item in progress:
            queries = self._split(item.job)
            item.left = len(queries)
            waiting.extend(Piece(item, query) for query in queries)
        return waiting

    def _split(self, job: Job) -> list[str]:
        """Split a job's query, in the transaction that holds the snapshot."""
        table = job.query.about
        workers = min(self._server.limit - 1, job.query.extraction.max_parallel)
        schema = self._server.settings.schema_
        looking = as_dvt_errors(name=self._server.name, doing=f"looking at {table}", where=table)
        with self._lock, looking, self._holder.cursor() as cursor:
            cursor.execute("SAVEPOINT dvt")
            try:
                return pieces(cursor, job.query, schema, workers)
            finally:
                # Releases the locks too: this transaction may stay open for long.
                with suppress(psycopg2.Error):
                    cursor.execute("ROLLBACK TO SAVEPOINT dvt; RELEASE SAVEPOINT dvt")

    def _run_all(self, workers: int, work: Work, read: Callable[[], None]) -> None:
        """Run `read` on `workers` threads, so that the calling thread stays free for Ctrl-C."""
        with ThreadPoolExecutor(workers or 1, thread_name_prefix="dvt-postgres") as pool:
            futures: list[Future[None]] = [pool.submit(read) for _ in range(workers)]
            try:
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
            except BaseException:
                self._stop(work)
                raise

    def _stop(self, work: Work) -> None:
        # On a server that is gone nothing can be cancelled, and nothing runs.
        with suppress(DvtError):
            self._server.backends.cancel(work)

    def _tables(self, progress: Sequence[Progress]) -> Tables:
        schema = self._server.settings.schema_
        read = {relation(table, schema): None for item in progress for table in item.job.query.tables}
        # As long as one connection is at work, no table of several pieces can be rewritten.
        split = [relation(item.job.query.tables[0], schema) for item in progress if item.left > 1]
        return Tables(tuple(read), tuple(split))


@contextmanager
def open_snapshot(server: Server) -> Iterator[PostgresSnapshot]:
    """Open the transaction that holds the snapshot, for as long as the `with` lasts."""
    with server.slots.hold():
        holder = connect(server.name, server.settings)
        try:
            with as_dvt_errors(name=server.name, doing="beginning to read"):
                snapshot = PostgresSnapshot(server, holder)
            yield snapshot
        finally:
            with suppress(psycopg2.Error):
                holder.close()
