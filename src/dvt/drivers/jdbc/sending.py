"""Rows that go to the Java process through a named pipe, as batches of Arrow's columns, and are inserted."""

from __future__ import annotations

import errno
import os
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Self

from dvt.drivers.jdbc.errors import cancelled
from dvt.drivers.jdbc.process import Call
from dvt.drivers.jdbc.sessions import Session

_POLL_SECONDS = 0.02
_STOP_INTERVAL = 0.3
"""Seconds between two requests to stop: one may come before a statement has begun."""
_END_SECONDS = 10.0
"""Seconds after which a load that was stopped is left to the process."""
_NUMBER = struct.Struct("<i")
_END = -1
BATCH = 2048
"""Number of rows in a batch: DuckDB's own."""
_LARGE = 8 << 20
"""Bytes of a batch that is sent in parts."""
_PARTS = 16
"""Number of them."""


class Sending:
    """A load under way on a session, whose rows are written once."""

    def __init__(
        self, session: Session, *, head: str, tail: str, longest: int, columns: int, doing: str
    ) -> None:
        """`head` and `tail` are the SQL before and behind rows; `longest` is the length of a statement."""
        self._session = session
        self._doing = doing
        self.is_stopped = False
        self._cancelling: list[Call] = []
        self._cancelled_at = 0.0
        self._path = session.pipe()
        self._call = session.load(self._path, head, tail, longest, columns)

    def write(self, reader: Any) -> int:
        """Send the batches of Arrow's reader; return the number of rows that the database says it has."""
        with suppress(BrokenPipeError):  # the load has ended: its reply says why
            stream = self._opened()
            if stream is not None:
                with stream:
                    for batch in reader:
                        _write(stream, batch)
                    stream.write(_NUMBER.pack(_END))
        self._call.wait()
        if self.is_stopped:
            raise cancelled(self._doing)
        error = self._session.failed(self._call, self._doing)
        if error is not None:
            raise error
        return int((self._call.reply or ["", "0"])[1] or 0)

    def stop(self) -> None:
        """Stop the load, from another thread; may be called again and again until it has ended."""
        self.is_stopped = True
        if time.monotonic() > self._cancelled_at + _STOP_INTERVAL:
            self._cancelled_at = time.monotonic()
            self._cancelling.append(self._session.cancel())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Free the session for another statement."""
        Path(self._path).unlink()
        if not self._call.wait(_END_SECONDS):
            self._cancelling.append(self._session.cancel())
            self._call.wait(_END_SECONDS)
        for cancelling in self._cancelling:
            cancelling.wait(_END_SECONDS)

    def _opened(self) -> BinaryIO | None:
        """Open the pipe once the process reads from it; None if the load has ended before."""
        while True:
            try:
                descriptor = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:  # nobody reads from it yet
                    raise
                if self._call.wait(_POLL_SECONDS):
                    return None
            else:
                os.set_blocking(descriptor, True)
                return os.fdopen(descriptor, "wb", buffering=1 << 16)


def _write(stream: BinaryIO, batch: Any) -> None:
    for part in _parts(batch):
        stream.write(_NUMBER.pack(part.num_rows))
        for column in part.columns:
            valid, *others = column.buffers()
            stream.write(_NUMBER.pack(0 if valid is None else column.null_count))
            for buffer in (valid, *others):
                stream.write(_NUMBER.pack(0 if buffer is None else buffer.size))
                if buffer is not None:
                    stream.write(memoryview(buffer))


def _parts(batch: Any) -> Iterator[Any]:
    """Yield a batch, or parts of one of large values, whose buffers begin with their first row."""
    if batch.nbytes <= _LARGE or batch.num_rows == 1:
        yield batch
        return
    rows = max(1, batch.num_rows // _PARTS)
    for first in range(0, batch.num_rows, rows):
        size = min(rows, batch.num_rows - first)
        yield batch.take(list(range(first, first + size)))
