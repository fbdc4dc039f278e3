"""State that one output's snapshots and loads share, and the choice of the way that data take."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from dvt.core.errors import Cancelled, DvtError
from dvt.core.names import TableRef
from dvt.core.ports.connectors import ConnectorContext
from dvt.core.ports.transfers import Route, TransferBucket
from dvt.core.queries import SourceQuery
from dvt.core.routes import Routes
from dvt.drivers.bigquery import BigQuerySettings, Described, Session, as_dvt_errors, connect, describe
from dvt.drivers.bigquery.connect import Job
from dvt.drivers.duckdb.running import Batch, RunningQueries
from dvt.drivers.slots import Slots

KINDS = ("gcs",)
"""Types of buckets that BigQuery reaches by itself."""
CONSUMER = "bigquery"
"""BigQuery as a consumer of buckets."""
CLIENT = "rows of the client"
"""The other way of an answer, for people."""
STORAGE = "Storage Read API"
"""The way of an answer that needs no bucket, for people."""
UPLOAD = "files that the client uploads"
"""The other way of a load, for people."""


class Server:
    """One output: its settings, its client, the jobs under way, and its buckets. Thread-safe."""

    def __init__(self, name: str, settings: BigQuerySettings, context: ConnectorContext) -> None:
        self.name = name
        self.scratch = context.scratch
        """Folder of files that are uploaded; it may not be there yet."""
        self.settings = settings
        self.duckdb = context.duckdb
        self.limit = max(context.limit, 1)
        self.slots = Slots(context.limit)
        self.running = RunningQueries()
        self.routes = Routes(
            transfers=context.transfers,
            kinds=KINDS,
            consumer=CONSUMER,
            own=settings.bucket,
            threshold=settings.threshold,
        )
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._described: dict[TableRef, Described] = {}

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Give the client for one job or request, once one more is allowed at a time."""
        with self.slots.work():
            yield self._connected()

    def describe(self, tables: Sequence[TableRef]) -> Mapping[TableRef, Described]:
        """Describe tables as they are at present, several at once."""

        def look(ref: TableRef) -> Described:
            with self.session() as session, as_dvt_errors(name=self.name, doing=f"looking at {ref}"):
                return describe(session, ref, name=self.name)

        with ThreadPoolExecutor(self.limit, thread_name_prefix="dvt-bigquery") as pool:
            found = dict(zip(tables, pool.map(look, tables), strict=True))
        with self._lock:
            self._described |= found
        return found

    def read_route(self, query: SourceQuery) -> tuple[Route, TransferBucket | None]:
        """Return how an answer arrives, and the bucket if it is through one."""
        if self.settings.reads == "storage_api" and not self.settings.threshold.covers(
            query.rows, query.bytes
        ):
            return Route(by=STORAGE, why="reads: storage_api"), None
        return self.routes.choose("EXPORT DATA", CLIENT, query.rows, query.bytes, query.bucket)

    def with_history(self, tables: Sequence[TableRef]) -> frozenset[TableRef]:
        """Return those of the tables that can be read as of a moment in the past."""
        return frozenset(ref for ref, described in self.known(tables).items() if described.has_history)

    def known(self, tables: Sequence[TableRef]) -> Mapping[TableRef, Described]:
        """Return what was said of tables when they were last described; those that were not are now."""
        with self._lock:
            known = {ref: self._described[ref] for ref in tables if ref in self._described}
        unknown = [ref for ref in dict.fromkeys(tables) if ref not in known]
        return known | dict(self.describe(unknown)) if unknown else known

    @contextmanager
    def under_way(self, batch: Batch, job: Job, doing: str) -> Iterator[None]:
        """Let `cancel` stop a job; what it has stopped is Cancelled, however the job has ended."""
        try:
            with self.running.query(batch, job.cancel, doing):
                yield
        except DvtError as error:
            if batch.stopped:
                job.cancel()  # it may have begun after all were stopped
                raise Cancelled(doing) from error
            raise

    def close(self) -> None:
        """Close the client; the next use makes a new one."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.close()

    def _connected(self) -> Session:
        with self._lock:
            if self._session is None:
                self._session = connect(self.name, self.settings)
            return self._session
