"""Ends connections that are silent although the server owes an answer.

The operating system ends a connection whose peer does not acknowledge (`sockets.keep_alive`). It sees nothing
where a firewall answers for the server, or where the server is paused. There the bytes are counted: if none
moves for as long as `read_timeout`, and the server, asked over a second connection, computes nothing for this
one, the connection is frozen, and is ended. A query that computes for hours is left alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from dvt.drivers.network.sockets import Socket, Traffic

_MAX_POLL_SECONDS = 1.0
"""Seconds between two looks at a connection, at most."""
_POLLS = 8
"""Number of looks within the timeout, at least."""
_REMEMBERED_SECONDS = 60.0
"""Seconds for which a connection's end explains the errors of its output."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Line:
    """One connection, or several of one output that cannot be told apart, and how to judge its silence."""

    output: str
    timeout: float
    """Seconds without a byte after which the server is asked."""
    sockets: Callable[[], Iterable[Socket]]
    is_owed: Callable[[], bool]
    """Whether the server owes an answer, or should be reading, now."""
    frozen: Callable[[Sequence[Socket]], Sequence[Socket]]
    """Ask the server, in bounded time: which of these silent sockets does it compute nothing for?"""
    is_over: Callable[[], bool] = lambda: False
    """Whether the connection is closed."""
    ended: threading.Event = field(default_factory=threading.Event)

    def hang_up(self) -> None:
        """End the connection if an answer is owed: whoever waits for that gets an error."""
        if self.is_owed():
            for connection in self.sockets():
                connection.hang_up()


class _Lines:
    """The lines that are watched now, and what was hung up lately. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: set[Line] = set()
        self._hung_up: dict[str, tuple[float, float]] = {}

    def watch(self, line: Line) -> None:
        with self._lock:
            self._watched.add(line)
        threading.Thread(target=self._watch, args=(line,), name="dvt-silence", daemon=True).start()

    def of(self, output: str) -> list[Line]:
        with self._lock:
            return [line for line in self._watched if line.output == output]

    def seconds(self, output: str) -> float | None:
        with self._lock:
            seconds, at = self._hung_up.get(output, (0.0, float("-inf")))
        return seconds if time.monotonic() - at < _REMEMBERED_SECONDS else None

    def _watch(self, line: Line) -> None:
        try:
            silences = _Silences(line)
            pause = min(_MAX_POLL_SECONDS, line.timeout / _POLLS)
            while not line.ended.wait(pause) and not line.is_over():
                silent = silences.look()
                for connection in line.frozen(silent) if silent else ():
                    self._end(line, connection, silences)
        finally:
            with self._lock:
                self._watched.discard(line)

    def _end(self, line: Line, connection: Socket, silences: _Silences) -> None:
        """Hang up, unless a byte has moved while the server was asked."""
        if line.ended.is_set() or not silences.is_silent(connection):
            return
        with self._lock:
            self._hung_up[line.output] = (line.timeout, time.monotonic())
        connection.hang_up()


class _Silences:
    """How long each socket of a line has been silent."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._since: dict[Socket, tuple[Traffic, float]] = {}

    def look(self) -> list[Socket]:
        """Return the sockets that have been silent for too long; they count as heard then."""
        if not self._line.is_owed():
            self._since.clear()
            return []
        now = time.monotonic()
        silent = [connection for connection in self._line.sockets() if self._is_late(connection, now)]
        for connection in silent:
            self._since[connection] = (self._since[connection][0], now)
        return silent

    def is_silent(self, connection: Socket) -> bool:
        """Whether nothing has moved since the last look."""
        return self._line.is_owed() and connection.traffic() == self._since[connection][0]

    def _is_late(self, connection: Socket, now: float) -> bool:
        traffic = connection.traffic()
        if traffic is None:
            return False
        before, since = self._since.get(connection, (None, now))
        if traffic != before or traffic.unread:  # what this process has not read, the server does not owe
            self._since[connection] = (traffic, now)
            return False
        return now - since >= self._line.timeout


_LINES = _Lines()


def watch(line: Line) -> None:
    """Watch a line on a thread of its own until it is over."""
    _LINES.watch(line)


@contextmanager
def watched(line: Line) -> Iterator[None]:
    """Watch a line for as long as the `with` lasts."""
    _LINES.watch(line)
    try:
        yield
    finally:
        line.ended.set()


def hang_up(output: str) -> None:
    """End the connections of an output on which an answer is owed: nothing else can stop who waits there."""
    for line in _LINES.of(output):
        line.hang_up()


def seconds_of_silence(output: str) -> float | None:
    """Return after how much silence a connection of an output was ended; None if none was lately."""
    return _LINES.seconds(output)
