"""Asks a silent server whether it still computes, which tells a long query from a frozen connection."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from dvt.core.errors import ConnectFailed, ConnectionLost, DvtError
from dvt.drivers.mysql.settings import MySQLSettings
from dvt.drivers.network.silence import Line
from dvt.drivers.network.sockets import Socket, addresses_of, clients_of

if TYPE_CHECKING:
    from dvt.drivers.mysql.side_connection import SideConnection
    from dvt.drivers.mysql.wire import Wire

_ATTEMPTS = 2
"""How often the server is tried before it counts as out of reach."""
_PAUSE = 1.0
"""Seconds between two attempts."""
_DOING = "asking whether it still computes"
_WAITS_FOR_CLIENT = frozenset(
    ("writing to net", "reading from net", "sending to client", "receiving from client")
)
"""States of a statement that waits for its client."""
_PROCESSES = (
    "SELECT id, host, command, LOWER(state), LEFT(info, 64) FROM information_schema.processlist"
    " WHERE id <> CONNECTION_ID()"
)
"""SQL: what the server does on its other connections."""


@dataclass(frozen=True, slots=True)
class Process:
    """A connection in the server's list."""

    number: int
    port: int
    """The client's port, as the server sees it; 0 if it shows none."""
    works: bool
    """Whether it runs a statement, and does not wait for its client."""
    text: str
    """How its statement begins."""


class Processes:
    """The list of a server's connections, asked for on a connection of its own."""

    def __init__(self, connect: Callable[[], AbstractContextManager[SideConnection]]) -> None:
        self._connect = connect

    def now(self) -> list[Process] | None:
        """Return the list: empty if the server is out of reach, None if it answers but cannot tell."""
        for attempt in range(_ATTEMPTS):
            try:
                return self._ask()
            except (ConnectFailed, ConnectionLost) as error:
                if isinstance(error, ConnectFailed) and error.refused:
                    return None
                if attempt < _ATTEMPTS - 1:
                    time.sleep(_PAUSE)
            except DvtError:
                return None
        return []

    def _ask(self) -> list[Process] | None:
        with self._connect() as side:
            ((own,),) = side.rows("SELECT CONNECTION_ID()", doing=_DOING, timeout=side.connect_timeout)
            if int(own) != side.number:
                return None  # a proxy such as MaxScale stands between: its numbers are not the server's
            rows = side.rows(_PROCESSES, doing=_DOING, timeout=side.connect_timeout)
        return [_process(*row) for row in rows]


def _process(number: int, host: str, command: str, state: str | None, text: str | None) -> Process:
    port = str(host).rpartition(":")[2]
    works = command != "Sleep" and str(state or "").strip() not in _WAITS_FOR_CLIENT
    return Process(int(number), int(port) if port.isdigit() else 0, works, str(text or ""))


def line_of_wire(name: str, settings: MySQLSettings, wire: Wire, processes: Processes) -> Line:
    """Return the line of a connection of PyMySQL; an answer is owed while it reads or writes."""
    number: int = wire.thread_id()  # type: ignore[no-untyped-call]

    def frozen(silent: Sequence[Socket]) -> Sequence[Socket]:
        listed = processes.now()
        if listed is None or any(process.works for process in listed if process.number == number):
            return ()
        return silent

    return Line(
        output=name,
        timeout=settings.read_timeout,
        sockets=wire.sockets,
        is_owed=lambda: wire.waits,
        frozen=frozen,
        is_over=lambda: not wire.open,
    )


def line_of_scan(
    name: str,
    settings: MySQLSettings,
    mark: str,
    known: Callable[[], Sequence[Socket]],
    processes: Processes,
) -> Line:
    """Return the line of a scan of DuckDB's, whose statement has a mark.

    `known` returns sockets that are no scans'. Scans of one server cannot be told apart where addresses are
    translated: there, a silent one whose server computes nothing takes the other silent ones with it.
    """
    addresses = cache(lambda: addresses_of(settings.host, settings.port))

    def sockets() -> list[Socket]:
        others = known()
        return [found for found in clients_of(addresses()) if found not in others]

    def frozen(silent: Sequence[Socket]) -> Sequence[Socket]:
        listed = processes.now()
        if listed is None or any(process.works for process in listed if mark in process.text):
            return ()
        ports = {process.port for process in listed if process.works}
        return [found for found in silent if found.port not in ports]

    return Line(
        output=name,
        timeout=settings.read_timeout,
        sockets=sockets,
        is_owed=lambda: True,
        frozen=frozen,
    )
