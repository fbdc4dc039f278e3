"""State that one output's snapshots and loads share, and the choice of the way that data take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dvt.core.ports.connectors import Instance
from dvt.core.ports.transfers import Route, TransferBucket, Transfers
from dvt.core.routes import Routes
from dvt.drivers.duckdb.running import RunningQueries
from dvt.drivers.redshift import RedshiftSettings, Session, connect
from dvt.drivers.slots import Slots

KINDS = ("s3",)
"""Types of buckets that Redshift reaches by itself."""
CONSUMER = "redshift"
"""Redshift as a consumer of buckets."""
DRIVER = "rows of the driver"
"""The other way, for people."""


class Server:
    """One output: its settings, its connections, what is under way on them, and its buckets."""

    def __init__(
        self,
        name: str,
        settings: RedshiftSettings,
        duckdb: Instance,
        limit: int,
        transfers: Transfers | None,
    ) -> None:
        self.name = name
        self.settings = settings
        self.duckdb = duckdb
        self.slots = Slots(limit)
        self.running = RunningQueries()
        self._routes = Routes(
            transfers=transfers,
            kinds=KINDS,
            consumer=CONSUMER,
            own=settings.bucket,
            threshold=settings.threshold,
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

    def route(
        self, by: str, rows: int | None, bytes_: int | None, asked: str = ""
    ) -> tuple[Route, TransferBucket | None]:
        """Return how so much data moves, and the bucket if it is through one; `by` names the statement."""
        return self._routes.choose(by, DRIVER, rows, bytes_, asked)
