"""State that one output's extractions and loads share, and the choice of the way that data take."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from dvt.connectors.snowflake.statements import credentials, integration
from dvt.core.errors import TransferLoginMissing
from dvt.core.names import TableRef
from dvt.core.ports.connectors import ConnectorContext
from dvt.core.ports.transfers import Route, TransferBucket
from dvt.core.routes import Routes
from dvt.drivers import cancelling
from dvt.drivers.disk import private_folder
from dvt.drivers.duckdb.running import Batch, RunningQueries
from dvt.drivers.slots import Slots
from dvt.drivers.snowflake import (
    Described,
    Session,
    SnowflakeSettings,
    as_dvt_errors,
    client_errors,
    connect,
    describe,
    parse,
    relation,
)

KINDS = ("s3", "azure")
"""Types of buckets that Snowflake reaches with a bucket's own credentials."""
INTEGRATED = ("s3", "azure", "gcs")
"""Those that it reaches by a storage integration."""
_NO_LOGIN = (
    "give access_key_id and secret_access_key (s3) or sas_token (azure) in buckets.yml, or"
    " storage_integration in this output"
)
CONSUMER = "snowflake"
"""Snowflake as a consumer of buckets."""
CLIENT = "rows of the client"
"""The other way of an answer, for people."""
UPLOAD = "files that the client uploads to Snowflake"
"""The other way of a load, for people."""


class Server:
    """One output: its settings, its connections, what is under way on them, and its buckets."""

    def __init__(self, name: str, settings: dict[str, Any], context: ConnectorContext) -> None:
        self.name = name
        self.settings: SnowflakeSettings = parse(name, settings)
        self.duckdb = context.duckdb
        self._scratch = context.scratch
        self.slots = Slots(context.limit)
        self.running = RunningQueries()
        self._lock = threading.Lock()
        self._described: dict[TableRef, Described] = {}
        self._routes = Routes(
            transfers=context.transfers,
            kinds=INTEGRATED if self.settings.storage_integration else KINDS,
            consumer=CONSUMER,
            own=self.settings.bucket,
            threshold=self.settings.threshold,
        )

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Give a new session for as long as the `with` lasts, once one is allowed."""
        with self.slots.work():
            session = connect(self.name, self.settings)
            try:
                yield session
            finally:
                session.close()

    def describe(self, tables: Sequence[TableRef]) -> Mapping[TableRef, Described]:
        """Describe tables as they are at present."""
        with self.session() as session, as_dvt_errors(name=self.name, doing="looking at tables"):
            found = describe(session, tables, name=self.name, settings=self.settings)
        with self._lock:
            self._described |= found
        return found

    def with_history(self, tables: Sequence[TableRef]) -> frozenset[TableRef]:
        """Return those of the tables that can be read as of a moment in the past.

        It is what was said of them when they were last described; those that were not are now.
        """
        if not self.settings.time_travel:
            return frozenset()
        with self._lock:
            known = {ref: self._described[ref] for ref in tables if ref in self._described}
        unknown = [ref for ref in dict.fromkeys(tables) if ref not in known]
        found = {**known, **self.describe(unknown)} if unknown else known
        return frozenset(ref for ref, described in found.items() if described.has_history)

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Give a new folder for as long as the `with` lasts."""
        private_folder(self._scratch)
        with tempfile.TemporaryDirectory(prefix="snowflake-", dir=self._scratch) as folder:
            yield Path(folder)

    def relation(self, table: TableRef) -> str:
        """Return a table's name in SQL."""
        return relation(table, self.settings.database_name, self.settings.schema_name)

    def interruptible(
        self, batch: Batch, session: Session, cursor: Any, doing: str
    ) -> AbstractContextManager[Callable[[], None]]:
        """Let `cancel` stop the session's statement and DuckDB's, as dbt-snowflake stops one."""
        canceller = cancelling.Canceller(
            lambda: connect(self.name, self.settings),
            f"SELECT SYSTEM$CANCEL_ALL_QUERIES({session.id})",
            client_errors(),
        )
        return cancelling.interruptible(self.running, batch, cursor, canceller, doing)

    def route(
        self, otherwise: str, rows: int | None, bytes_: int | None, asked: str = ""
    ) -> tuple[Route, TransferBucket | None]:
        """Return how so much data moves, and the bucket if it is through one."""
        return self._routes.choose("COPY INTO", otherwise, rows, bytes_, asked)

    def login(self, bucket: TransferBucket) -> tuple[str, tuple[str, ...]]:
        """Return the part of a statement by which Snowflake reaches a bucket, and what no text may show."""
        if self.settings.storage_integration is not None:
            return integration(self.settings.storage_integration), ()
        access = bucket.access()
        login = credentials(access)
        if not login:
            raise TransferLoginMissing(bucket.name, bucket.kind, "Snowflake", _NO_LOGIN)
        return login, access.secrets
