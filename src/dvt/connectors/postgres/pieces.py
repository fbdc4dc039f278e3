"""Pieces of what a snapshot reads, and how many of each table may be read at once."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dvt.core.names import TableRef
from dvt.core.ports.connectors import Job


class Progress:
    """A job, how many of its pieces are left, and how many rows have arrived."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.left = 0
        self.rows = 0
        self.keys: list[str] = []
        """Keys of the parts with the pieces that were read."""
        self.committed = False


@dataclass(frozen=True, slots=True)
class Piece:
    """A query for a part of a job's rows."""

    of: Progress
    sql: str
    attempt: int = 0
    """How often it was lost."""

    @property
    def tables(self) -> tuple[TableRef, ...]:
        """Those that it reads."""
        return self.of.job.query.tables

    @property
    def limit(self) -> int:
        """Highest number of pieces of its tables that may be read at once."""
        return self.of.job.query.extraction.max_parallel


class Pieces:
    """Pieces that wait for a connection, in their order. Thread-safe."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self._waiting = deque(pieces)
        self._lock = threading.Lock()
        self._read: Counter[tuple[TableRef, ...]] = Counter()

    @property
    def are_left(self) -> bool:
        """Whether any wait."""
        return bool(self._waiting)

    @property
    def width(self) -> int:
        """Number of pieces that may be read at once."""
        numbers = Counter(piece.tables for piece in self._waiting)
        limits = {piece.tables: piece.limit for piece in self._waiting}
        return sum(min(number, limits[tables]) for tables, number in numbers.items())

    @contextmanager
    def taken(self) -> Iterator[Piece | None]:
        """Take a piece to read within the `with`.

        None: those who read now will read all that is left, since no more of its tables may be read at once.
        """
        piece = self._take()
        try:
            yield piece
        finally:
            if piece is not None:
                with self._lock:
                    self._read[piece.tables] -= 1

    def put_back(self, piece: Piece) -> None:
        """Let a piece that was lost wait again, before all others."""
        with self._lock:
            self._waiting.appendleft(piece)

    def _take(self) -> Piece | None:
        with self._lock:
            for piece in self._waiting:
                if self._read[piece.tables] < piece.limit:
                    self._waiting.remove(piece)
                    self._read[piece.tables] += 1
                    return piece
            return None
