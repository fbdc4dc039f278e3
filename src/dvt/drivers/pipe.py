"""A pipe between two threads: DuckDB writes to its path, a client library reads from it."""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import suppress

CHUNK = 1 << 20
"""Bytes that the pipe buffers, if the system lets it, and that a reader asks for at once: 1 MiB."""
_SET_PIPE_SIZE = getattr(fcntl, "F_SETPIPE_SZ", None)
"""Command that sets a pipe's buffer; None where the operating system has none."""


class Pipe:
    """Bytes that one thread writes and another reads. If the writer fails, so does the reader."""

    def __init__(self) -> None:
        self._read_end, self._write_end = os.pipe()
        self._failed = threading.Event()
        self.starved = False
        """Whether the reader waits for the writer."""
        self._lock = threading.Lock()
        self.path = f"/dev/fd/{self._write_end}"
        if _SET_PIPE_SIZE is not None:
            with suppress(OSError):
                fcntl.fcntl(self._write_end, _SET_PIPE_SIZE, CHUNK)

    def read(self, size: int) -> bytes:
        """Read what has been written, at most `size` bytes; b"" at the end."""
        self.starved = True
        try:
            data = os.read(self._read_end, size)
        finally:
            self.starved = False
        if not data and self._failed.is_set():
            raise BrokenPipeError
        return data

    def close_writer(self, *, whole: bool) -> None:
        """Close the writer's end. Unless the `whole` was written, the reader's `read` raises at the end."""
        if not whole:
            self._failed.set()
        with self._lock:
            self._write_end = _closed(self._write_end)

    def close_reader(self) -> None:
        """Close the reader's end, so that a thread which still writes fails."""
        with self._lock:
            self._read_end = _closed(self._read_end)


def _closed(descriptor: int) -> int:
    """Close a descriptor that is open; return what stands for a closed one."""
    if descriptor >= 0:
        os.close(descriptor)
    return -1
