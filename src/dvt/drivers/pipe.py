"""A pipe between two threads: DuckDB writes to its path, a client library reads from it."""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import suppress

CHUNK = 1 << 20
"""Bytes that the pipe should buffer, and that a reader asks for at a time: 1 MiB."""
_SET_PIPE_SIZE = getattr(fcntl, "F_SETPIPE_SZ", None)


class Pipe:
    """Bytes that one thread writes and another reads. If the writer fails, so does the reader."""

    def __init__(self) -> None:
        self._out, self._in = os.pipe()
        self._failed = threading.Event()
        self._lock = threading.Lock()
        self.path = f"/dev/fd/{self._in}"
        if _SET_PIPE_SIZE is not None:
            with suppress(OSError):
                fcntl.fcntl(self._in, _SET_PIPE_SIZE, CHUNK)

    def read(self, size: int) -> bytes:
        """Read what has been written, at most `size` bytes; b"" at the end."""
        data = os.read(self._out, size)
        if not data and self._failed.is_set():
            raise BrokenPipeError
        return data

    def written(self, *, whole: bool) -> None:
        """Note that the writer has ended; unless `whole`, the reader's next `read` at the end raises."""
        if not whole:
            self._failed.set()
        with self._lock:
            self._in = _closed(self._in)

    def abandon(self) -> None:
        """Close the reader's end: a thread that still writes fails."""
        with self._lock:
            self._out = _closed(self._out)


def _closed(number: int) -> int:
    if number >= 0:
        os.close(number)
    return -1
