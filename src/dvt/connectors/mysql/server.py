"""State that one output's extractions and loads share."""

from __future__ import annotations

import threading
from collections.abc import Callable

import duckdb

from dvt.core.reports import Notice
from dvt.drivers.duckdb import translate
from dvt.drivers.mysql import (
    OF_A_SESSION,
    Flavour,
    MySQLSettings,
    RunningQueries,
    Scanner,
    connect_watched,
)

_COLLATIONS = "SELECT collation_name FROM information_schema.collations"
"""SQL: names of collations; on MariaDB some lack the character set that they have as a column's."""


class Server:
    """One output: its settings, its connections, and what is under way on them. Thread-safe."""

    def __init__(
        self, name: str, settings: MySQLSettings, scanner: Scanner, limit: int, warn: Callable[[Notice], None]
    ) -> None:
        self.name = name
        self.settings = settings
        self.scanner = scanner
        self.warn = warn
        self.queries = RunningQueries(name, settings)
        locks = settings.consistent_reads == "lock"
        self.width = max(1, limit - locks)
        """Highest number of statements that read at once."""
        self.slots = threading.Semaphore(self.width)
        """Limits the connections that are open at once; those that cancel are not counted."""
        self.locking = threading.Lock()
        """Held by the extraction that reads under a lock; its connection is not counted in `slots`."""
        self.takes_files = True
        """False once the server has refused LOAD DATA LOCAL INFILE."""
        self._flavour_lock = threading.Lock()
        self._flavour: Flavour | None = None
        self._collations: frozenset[str] | None = None

    @property
    def flavour(self) -> Flavour:
        """The server's product and version; queried once."""
        with self._flavour_lock:
            if self._flavour is None:
                with self.slots, connect_watched(self.name, self.settings) as side:
                    self._flavour = side.flavour
            return self._flavour

    @property
    def session_of_reads(self) -> tuple[str, str]:
        """The collation of literals and the sql_mode of the scanner's sessions, as the server gives them."""
        with self.scanner.cursor() as cursor, self.scanner.noticing_silence("literals"):
            try:
                row = cursor.execute(f"FROM {self.scanner.relation(OF_A_SESSION)}").fetchone()
            except duckdb.Error as error:
                raise translate(error, connection=self.name, doing="asking for its settings") from error
        return str(row[0]), str(row[1])

    @property
    def collations(self) -> frozenset[str]:
        """Names of the server's collations; queried once."""
        with self._flavour_lock:
            if self._collations is None:
                with self.slots, connect_watched(self.name, self.settings) as side:
                    rows = side.rows(_COLLATIONS, doing="listing its collations")
                names = {str(name) for (name,) in rows}
                self._collations = frozenset(names | {f"utf8mb4_{name}" for name in names})
            return self._collations
