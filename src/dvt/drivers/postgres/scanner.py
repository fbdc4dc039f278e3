"""DuckDB's PostgreSQL scanner, steered: our SQL, one transaction per session, known backends."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import duckdb

from dvt.core.errors import ConnectionLost
from dvt.core.ports.connectors import Instance
from dvt.drivers.postgres.connect import BACKEND, PINNED, session
from dvt.drivers.postgres.errors import translated
from dvt.drivers.postgres.names import literal
from dvt.drivers.postgres.settings import PostgresSettings

EXTENSION = "postgres_scanner"
"""DuckDB's extension that speaks PostgreSQL's protocol and its binary format."""
_NUMBERS = itertools.count(1)
_NO_SNAPSHOT = re.compile(r"invalid snapshot identifier|could not import the requested snapshot")


class Scanner:
    """One server, attached to the run's DuckDB when first needed. Thread-safe."""

    def __init__(self, name: str, settings: PostgresSettings, duckdb_: Instance) -> None:
        self._name = name
        self._settings = settings
        self._duckdb = duckdb_
        self._lock = threading.Lock()
        self._alias: str | None = None

    @contextmanager
    def session(self, snapshot: str) -> Iterator[Session]:
        """A connection to the server, in one transaction that sees what `snapshot` sees."""
        alias = self._attached()
        cursor = self._duckdb.cursor()
        try:
            one = Session(cursor, alias)
            with translated(name=self._name, doing="opening a session"), _holder_lives(self._name):
                one.begin(snapshot, self._settings)
            yield one
        finally:
            # Ending the transaction closes its connection, whatever state that is in.
            with suppress(duckdb.Error):
                cursor.execute("ROLLBACK")
            cursor.close()

    def close(self) -> None:
        """Forget the server and its credentials."""
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
                    with translated(name=self._name, doing="attaching it"):
                        cursor.execute(self._secret(alias))
                        cursor.execute(self._attach(alias))
                        # Every transaction has a connection of its own, and closes it.
                        cursor.execute(
                            f"FROM postgres_configure_pool(catalog_name='{alias}', max_connections=0)"
                        )
                finally:
                    cursor.close()
                self._alias = alias
            return self._alias

    def _secret(self, alias: str) -> str:
        known = self._settings
        keys = {"HOST": known.host, "PORT": str(known.port), "USER": known.user, "DATABASE": known.dbname}
        if known.password:
            keys["PASSWORD"] = known.password.get_secret_value()
        listed = ", ".join(f"{key} {_duckdb_text(value)}" for key, value in keys.items())
        return f"CREATE SECRET {alias} (TYPE postgres, {listed})"

    def _attach(self, alias: str) -> str:
        options = " ".join(f"{key}={_conninfo(value)}" for key, value in self._settings.options().items())
        return f"ATTACH {_duckdb_text(options)} AS {alias} (TYPE postgres, SECRET {alias}, READ_ONLY)"


class Session:
    """One connection of the scanner's, in a transaction: its backend is known, so that it can be stopped."""

    def __init__(self, cursor: Any, alias: str) -> None:
        self.cursor = cursor
        self._alias = alias
        self.backend: tuple[int, str] = (0, "")
        """Process id and start, as the server has them."""

    def begin(self, snapshot: str, settings: PostgresSettings) -> None:
        """Start the transaction, pin what values depend on, and ask who is at the other end."""
        self.cursor.execute("BEGIN")
        # The scanner's own BEGIN goes before it: nothing else can come between that and the snapshot.
        self._execute(f"SET TRANSACTION SNAPSHOT {literal(snapshot)}")
        self.backend = self.cursor.execute(f"FROM {self.query(BACKEND)}").fetchone()
        self._execute("; ".join([*session(settings, "LOCAL"), PINNED]))

    def touch(self, tables: Iterable[str]) -> None:
        """Keep these tables from being rewritten until the session ends."""
        for table in tables:
            self._execute(f"SELECT 1 FROM {table} LIMIT 0")

    def _execute(self, statements: str) -> None:
        self.cursor.execute(f"CALL postgres_execute('{self._alias}', {_duckdb_text(statements)})")

    def query(self, sql: str) -> str:
        """DuckDB's name for the answer to a query in PostgreSQL's SQL."""
        return f"postgres_query('{self._alias}', {_duckdb_text(sql)})"


@contextmanager
def _holder_lives(name: str) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        if _NO_SNAPSHOT.search(str(error)):
            doing, why = "reading in one snapshot", "the session that held the snapshot has ended"
            raise ConnectionLost(name, doing, why) from error
        raise


def _duckdb_text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _conninfo(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
