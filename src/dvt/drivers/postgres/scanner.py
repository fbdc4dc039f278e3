"""DuckDB's PostgreSQL scanner: runs SQL as given, one transaction per session, on identified backends."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import duckdb

from dvt.core.errors import ConnectionLost
from dvt.core.ports.connectors import Instance
from dvt.drivers.duckdb.sql import literal as duckdb_literal
from dvt.drivers.network.silence import Line, watch, watched
from dvt.drivers.network.sockets import Socket, addresses_of, clients_of
from dvt.drivers.postgres.connect import BACKEND, transaction_statements
from dvt.drivers.postgres.errors import as_dvt_errors
from dvt.drivers.postgres.names import literal
from dvt.drivers.postgres.settings import PostgresSettings
from dvt.drivers.postgres.silence import computes, connection_sockets

EXTENSION = "postgres_scanner"
"""DuckDB's extension for PostgreSQL's protocol and its binary format."""
_NUMBERS = itertools.count(1)
"""Numbers for DuckDB's aliases of servers, unique in the process."""
_BACKEND_AND_PORT = BACKEND.replace(" FROM ", ", pg_catalog.inet_client_port() AS port FROM ", 1)
"""SQL: `BACKEND`, and the client's port."""
_NO_SNAPSHOT = re.compile(r"invalid snapshot identifier|could not import the requested snapshot")
"""Matches the server's message for a snapshot that no session holds any more."""


class SnapshotLost(ConnectionLost):
    """No session holds the snapshot any more, or it no longer has all rows."""


class Scanner:
    """One server, attached to the run's DuckDB when first used. Thread-safe."""

    def __init__(self, name: str, settings: PostgresSettings, duckdb_: Instance) -> None:
        self._name = name
        self._settings = settings
        self._duckdb = duckdb_
        self._lock = threading.Lock()
        self._alias: str | None = None
        self._addresses = cache(lambda: addresses_of(settings.host, settings.port))

    @contextmanager
    def session(self, snapshot: str) -> Iterator[Session]:
        """Yield a connection to the server in a transaction that reads `snapshot`."""
        alias = self._attached()
        cursor = self._duckdb.cursor()
        session = Session(cursor, alias)
        try:
            self._watch(session)
            with as_dvt_errors(name=self._name, doing="opening a session"), _snapshot_errors(self._name):
                session.begin(snapshot, self._settings)
            yield session
        finally:
            # ROLLBACK closes the transaction's connection, whatever its state.
            with suppress(duckdb.Error), session.waiting():
                cursor.execute("ROLLBACK")
            session.over.set()
            cursor.close()

    def _watch(self, session: Session) -> None:
        """Watch the session's socket: the one with its port, or all new ones if ports are translated."""
        others = frozenset(self._sockets())

        def sockets() -> list[Socket]:
            candidates = [connection for connection in self._sockets() if connection not in others]
            return [found for found in candidates if found.port == session.port] or candidates

        def frozen(silent: Sequence[Socket]) -> Sequence[Socket]:
            backend, _ = session.backend
            return () if backend and computes(self._name, self._settings, backend) else silent

        watch(
            Line(
                output=self._name,
                timeout=self._settings.read_timeout,
                sockets=sockets,
                is_owed=lambda: session.is_waiting,
                frozen=frozen,
                ended=session.over,
            )
        )

    def _sockets(self) -> list[Socket]:
        """Return the sockets to this server that are not psycopg2's."""
        others = connection_sockets()
        return [found for found in clients_of(self._addresses()) if found not in others]

    def close(self) -> None:
        """Detach the server, and drop its secret."""
        with self._lock:
            alias, self._alias = self._alias, None
        if alias:
            cursor = self._duckdb.cursor()
            with suppress(duckdb.Error):
                cursor.execute(f"DETACH {alias}")
            with suppress(duckdb.Error):
                cursor.execute(f"DROP SECRET {alias}")
            cursor.close()

    def _attached(self) -> str:
        with self._lock:
            if self._alias is None:
                self._duckdb.load(EXTENSION)
                alias = f"dvt_pg_{next(_NUMBERS)}"
                cursor = self._duckdb.cursor()
                try:
                    others = frozenset(self._sockets())
                    line = Line(
                        output=self._name,
                        timeout=self._settings.read_timeout,
                        sockets=lambda: frozenset(self._sockets()) - others,
                        is_owed=lambda: True,
                        frozen=lambda silent: silent,
                    )
                    with as_dvt_errors(name=self._name, doing="attaching it"), watched(line):
                        cursor.execute(self._secret(alias))
                        cursor.execute(self._attach(alias))
                        # Without a pool, every transaction opens a connection and closes it.
                        cursor.execute(
                            f"FROM postgres_configure_pool(catalog_name='{alias}', max_connections=0)"
                        )
                finally:
                    cursor.close()
                self._alias = alias
            return self._alias

    def _secret(self, alias: str) -> str:
        settings = self._settings
        keys = {
            "HOST": settings.host,
            "PORT": str(settings.port),
            "USER": settings.user,
            "DATABASE": settings.dbname,
        }
        if settings.password:
            keys["PASSWORD"] = settings.password.get_secret_value()
        listed = ", ".join(f"{key} {duckdb_literal(value)}" for key, value in keys.items())
        return f"CREATE SECRET {alias} (TYPE postgres, {listed})"

    def _attach(self, alias: str) -> str:
        options = " ".join(f"{key}={_conninfo(value)}" for key, value in self._settings.options().items())
        return f"ATTACH {duckdb_literal(options)} AS {alias} (TYPE postgres, SECRET {alias}, READ_ONLY)"


class Session:
    """A connection of the scanner's, in a transaction, and the backend on which queries are cancelled."""

    def __init__(self, cursor: Any, alias: str) -> None:
        self.cursor = cursor
        self._alias = alias
        self.backend: tuple[int, str] = (0, "")
        """The backend's process id and start, from pg_stat_activity."""
        self.port = 0
        """The port of this end of the connection, as the server sees it; 0 until it has said so."""
        self.over = threading.Event()
        """Set when the session is closed."""
        self.is_waiting = False
        """Whether the server owes an answer now."""

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Wait for the server within the `with`."""
        self.is_waiting = True
        try:
            yield
        finally:
            self.is_waiting = False

    def begin(self, snapshot: str, settings: PostgresSettings) -> None:
        """Start the transaction in `snapshot`, prepare it, and read the backend."""
        with self.waiting():
            self._begin(snapshot, settings)

    def _begin(self, snapshot: str, settings: PostgresSettings) -> None:
        self.cursor.execute("BEGIN")
        # The scanner sends BEGIN just before; PostgreSQL allows no query between that and this statement.
        self._execute(f"SET TRANSACTION SNAPSHOT {literal(snapshot)}")
        *backend, port = self.cursor.execute(f"FROM {self.query(_BACKEND_AND_PORT)}").fetchone()
        self.backend, self.port = (backend[0], backend[1]), port or 0
        self._execute("; ".join(transaction_statements(settings)))

    @contextmanager
    def with_settings(self, settings: Iterable[tuple[str, str]]) -> Iterator[None]:
        """Run queries within the `with` in a session with these settings."""
        changes = [f"SET LOCAL {name} = {literal(value)}" for name, value in settings]
        if changes:
            with self.waiting():
                self._execute("; ".join(["SAVEPOINT dvt", *changes]))
        yield
        if changes:
            with self.waiting():
                self._execute("ROLLBACK TO SAVEPOINT dvt; RELEASE SAVEPOINT dvt")

    def lock_tables(self, tables: Iterable[str]) -> None:
        """Lock these tables against rewrites, such as VACUUM FULL, until the session ends."""
        with self.waiting():
            for table in tables:
                self._execute(f"SELECT 1 FROM {table} LIMIT 0")

    def _execute(self, statements: str) -> None:
        self.cursor.execute(f"CALL postgres_execute('{self._alias}', {duckdb_literal(statements)})")

    def query(self, sql: str) -> str:
        """Return the FROM item of DuckDB's SQL for the rows of a query in PostgreSQL's SQL."""
        return f"postgres_query('{self._alias}', {duckdb_literal(sql)})"


@contextmanager
def _snapshot_errors(name: str) -> Iterator[None]:
    """Raise SnapshotLost if the server no longer has the snapshot."""
    try:
        yield
    except duckdb.Error as error:
        if _NO_SNAPSHOT.search(str(error)):
            doing, why = "reading in one snapshot", "the session that held the snapshot has ended"
            raise SnapshotLost(name, doing, why) from error
        raise


def _conninfo(value: str) -> str:
    """Quote a value of a libpq connection string."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
