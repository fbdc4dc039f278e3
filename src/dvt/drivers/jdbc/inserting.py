"""Rows that are inserted by prepared batches: Arrow's buffers go through a named pipe, not rows of Python."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from dvt.drivers.jdbc.errors import cancelled
from dvt.drivers.jdbc.process import Call
from dvt.drivers.jdbc.sessions import Session

_POLL_SECONDS = 0.02
"""Seconds between two looks at whether the process has opened its end of the pipe."""
_STOP_INTERVAL = 0.3
"""Seconds between two requests to stop: one may come before the statement has begun."""
_STOP_SECONDS = 5.0
"""Seconds after which a load that was stopped, and has not ended, is left to the process."""
_NUMBER = struct.Struct("<i")
_HEAD = struct.Struct("<ii")
_END = _NUMBER.pack(-1)
_WIDTHS = {"i": 8, "d": 8, "n": 16}
"""Letter of a kind → bytes of each value; the values of all others differ in length."""


class Insertion:
    """An INSERT under way on a session, by which the rows of one reader of Arrow's go into a table."""

    def __init__(self, session: Session, sql: str, kinds: Sequence[str], doing: str) -> None:
        """`sql` inserts one row, and has a `?` for each kind: `i`, `d`, `n<scale>`, `s` or `x`."""
        self._session = session
        self._kinds = kinds
        self._doing = doing
        self._path = session.pipe()
        self._fd = -1
        self._is_stopped = False
        self._stopped_at = 0.0
        self._is_sent = False
        self._cancelling: list[Call] = []
        self._cancelled_at = 0.0
        self._call = session.load(sql, self._path, kinds)

    def insert(self, batches: Iterable[Any]) -> int:
        """Insert all rows of batches, whose columns have the types of the kinds; return their number."""
        with suppress(BrokenPipeError):  # the process has closed its end: its reply says why
            if self._is_open():
                for batch in batches:
                    self._write_batch(batch)
                self._write(_END)
        self._close()
        self._wait()
        error = self._session.failed(self._call, self._doing)
        if error is not None:
            raise cancelled(self._doing) if self._is_stopped else error
        self._is_sent = True
        return int((self._call.reply or ["", "0"])[1] or 0)

    def _wait(self) -> None:
        """Wait for the reply; raise Cancelled if the load was stopped and its driver does not return."""
        while not self._call.wait(_STOP_SECONDS):
            if self._is_stopped and time.monotonic() > self._stopped_at + 2 * _STOP_SECONDS:
                raise cancelled(self._doing)

    def stop(self) -> None:
        """Stop the INSERT, from another thread; may be called again and again until it has ended."""
        self._stopped_at = self._stopped_at or time.monotonic()
        self._is_stopped = True
        if time.monotonic() > self._cancelled_at + _STOP_INTERVAL:
            self._cancelled_at = time.monotonic()
            self._cancelling.append(self._session.cancel())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End it. What was not inserted to its end has failed, and the session is good for nothing else."""
        if not self._is_sent and not self._call.wait(0):
            self._is_open()  # or the process would wait for it
        self._close()
        Path(self._path).unlink()
        if not self._call.wait(_STOP_SECONDS):
            self._cancelling.append(self._session.cancel())
            self._call.wait(_STOP_SECONDS)
        for cancelling in self._cancelling:
            cancelling.wait(_STOP_SECONDS)

    def _is_open(self) -> bool:
        """Open the pipe once the process does; return whether it has, instead of failing before."""
        while self._fd < 0:
            try:
                self._fd = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:  # ENXIO: nobody reads yet
                if self._call.wait(_POLL_SECONDS):
                    return False
            else:
                os.set_blocking(self._fd, True)
        return True

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def _write_batch(self, batch: Any) -> None:
        if not len(batch):
            return
        self._write(_NUMBER.pack(len(batch)))
        for kind, column in zip(self._kinds, batch.columns, strict=True):
            for part in _parts(column, _WIDTHS.get(kind[0], 0)):
                self._write(part)

    def _write(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]


def _parts(column: Any, width: int) -> Iterator[bytes | memoryview]:
    """Yield what is written of a column, which may be a slice: its NULLs, offsets and values."""
    valid, *buffers = column.buffers()
    first, count = column.offset, len(column)
    last = first + count
    yield _HEAD.pack(column.null_count, first & 7)
    bits = memoryview(valid)[first >> 3 : (last + 7) >> 3] if column.null_count else memoryview(b"")
    yield from _sized(bits)
    if width:
        yield from _sized(memoryview(buffers[0])[first * width : last * width])
        return
    offsets = memoryview(buffers[0]).cast("i")[first : last + 1]
    yield from _sized(offsets.cast("B"))
    yield from _sized(memoryview(buffers[1] or b"")[offsets[0] : offsets[count]])


def _sized(data: memoryview) -> Iterator[bytes | memoryview]:
    yield _NUMBER.pack(len(data))
    yield data
