"""From DuckDB, which writes to a path, to a client library, which reads: a pipe between two threads."""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import suppress

CHUNK = 1 << 20
_SET_PIPE_SIZE = getattr(fcntl, "F_SETPIPE_SZ", None)


class Pipe:
    """What one thread writes and another reads; a writer that fails makes the reader fail too."""

    def __init__(self) -> None:
        self._out, self._in = os.pipe()
        self._failed = threading.Event()
        self._lock = threading.Lock()
        self.path = f"/dev/fd/{self._in}"
        if _SET_PIPE_SIZE is not None:
            with suppress(OSError):
                fcntl.fcntl(self._in, _SET_PIPE_SIZE, CHUNK)

    def read(self, size: int) -> bytes:
        """What is there, at most `size` bytes; nothing at the end."""
        data = os.read(self._out, size)
        if not data and self._failed.is_set():
            raise BrokenPipeError
        return data

    def written(self, *, whole: bool) -> None:
        """The writer has ended."""
        if not whole:
            self._failed.set()
        with self._lock:
            self._in = _closed(self._in)

    def abandon(self) -> None:
        """The reader has ended: whoever still writes fails."""
        with self._lock:
            self._out = _closed(self._out)


def _closed(number: int) -> int:
    if number >= 0:
        os.close(number)
    return -1
