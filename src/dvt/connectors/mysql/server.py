"""What one output's extractions and loads share."""

from __future__ import annotations

import threading

from dvt.drivers.mysql import Flavour, MySQLSettings, Queries, Scanner, connect


class Server:
    """One output: its settings, its connections, and what is under way on them. Thread-safe."""

    def __init__(self, name: str, settings: MySQLSettings, scanner: Scanner, limit: int) -> None:
        self.name = name
        self.settings = settings
        self.scanner = scanner
        self.queries = Queries(name, settings)
        locks = settings.consistent_reads == "lock"
        self.slots = threading.Semaphore(max(1, limit - locks))
        """One for each connection that may be open at once, but for those that cancel."""
        self.locking = threading.Lock()
        """Held by the group that reads under a lock, whose connection has a slot of its own."""
        self.takes_files = True
        """False once the server has refused LOAD DATA LOCAL INFILE."""
        self._asking = threading.Lock()
        self._flavour: Flavour | None = None

    @property
    def flavour(self) -> Flavour:
        """What the server is; asked once."""
        with self._asking:
            if self._flavour is None:
                with self.slots, connect(self.name, self.settings) as side:
                    self._flavour = side.flavour
            return self._flavour
