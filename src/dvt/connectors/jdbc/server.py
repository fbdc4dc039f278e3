"""State that one output's extractions share."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dvt.core.names import TableRef
from dvt.core.ports.connectors import ConnectorContext
from dvt.core.tables import Table
from dvt.drivers.disk import private_folder
from dvt.drivers.duckdb.running import RunningQueries
from dvt.drivers.jdbc import Bridge, JdbcSettings, Session, product


class Server:
    """One output: its settings, its Java process, and what is under way. Thread-safe."""

    def __init__(self, name: str, settings: JdbcSettings, context: ConnectorContext) -> None:
        self.name = name
        self.settings = settings
        self.product = product(settings.address)
        self.duckdb = context.duckdb
        self.bridge = Bridge(name, settings, context.project_dir, lambda: _folder(context.scratch))
        self.running = RunningQueries()
        self.warn = context.warn
        self.names: dict[TableRef, str] = {}
        """Table → its name in SQL, of all that were described."""
        self.tables: dict[TableRef, Table] = {}
        """Table → its description, of the same."""
        self.indexed: dict[TableRef, tuple[str, ...]] = {}
        """Table → the first columns of its indexes, best first, of those that may be read in ranges and have
        no key to be cut by."""
        self.is_consistent = settings.consistent_reads and self.product.isolation is not None
        """Whether a snapshot reads in one transaction."""
        self.may_split = not settings.consistent_reads or not self.product.has_transactions
        """Whether a table may be read by several queries."""
        self.width = max(1, context.limit) if self.may_split else 1
        """Highest number of connections that read one table. Each sees a state of its own, so more than one
        is asked for, or the database has no state that one query after the other could see."""
        self.slots = threading.Semaphore(max(1, context.limit - self.is_consistent))
        """Limits the connections that read at once."""
        self._lookers = threading.Semaphore(1) if self.is_consistent else self.slots
        """Limits those that look at tables: the others may be held for as long as a model is extracted."""

    @contextmanager
    def looking(self) -> Iterator[Session]:
        """Open a connection for what is no extraction, within the limit of connections."""
        with self._lookers:
            session = self.connect()
            try:
                yield session
            finally:
                session.close()

    def connect(self) -> Session:
        """Open a connection."""
        return Session(self.bridge, self.name, self.settings)

    def reader(self) -> Session:
        """Open a connection, and begin a transaction to read in."""
        session = self.connect()
        if not self.product.has_transactions:
            return session
        try:
            session.begin(self.product.isolation if self.is_consistent else None)
        except BaseException:
            session.close()
            raise
        return session


def _folder(scratch: Path) -> Path:
    private_folder(scratch)
    return Path(tempfile.mkdtemp(prefix="jdbc-", dir=scratch))
