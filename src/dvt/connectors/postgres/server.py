"""State that one output's snapshots and loads share."""

from __future__ import annotations

from collections.abc import Callable

from dvt.core.reports import Notice
from dvt.drivers.postgres import Backends, PostgresSettings, Scanner
from dvt.drivers.slots import Slots


class Server:
    """One output: its settings, its connections, and what is under way on them."""

    def __init__(
        self,
        name: str,
        settings: PostgresSettings,
        scanner: Scanner,
        limit: int,
        warn: Callable[[Notice], None],
    ) -> None:
        self.name = name
        self.settings = settings
        self.scanner = scanner
        self.slots = Slots(limit)
        self.limit = limit
        self.warn = warn
        self.backends = Backends(name, settings)
