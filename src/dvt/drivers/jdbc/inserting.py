"""Rows that are inserted by prepared batches: Arrow's buffers go through a named pipe, not rows of Python."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from dvt.drivers.jdbc.sessions import Session
from dvt.drivers.jdbc.stopping import Stoppable

_POLL_SECONDS = 0.02
"""Seconds between two looks at whether the process has opened its end of the pipe."""
_NUMBER = struct.Struct("<i")
_HEAD = struct.Struct("<ii")
_END = _NUMBER.pack(-1)
_WIDTHS = {"i": 8, "d": 8, "n": 16}
"""Letter of a kind → bytes of each value; the values of all others differ in length."""


class Insertion:
    """An INSERT under way on a session, by which the rows of one reader of Arrow's go into a table."""

    def __init__(self, session: Session, sql: str, kinds: Sequence[str], doing: str) -> None:
        """`sql` inserts one row, and has a `?` for each kind: `i`, `d`, `n<scale>`, `s` or `x`."""
        self._kinds = kinds
        self._path = session.pipe()
        self._fd = -1
        self._is_sent = False
        self._request = Stoppable(session, session.load(sql, self._path, kinds), doing)

    def insert(self, batches: Iterable[Any]) -> int:
        """Insert all rows of batches, whose columns have the types of the kinds; return their number."""
        with suppress(BrokenPipeError):  # the process has closed its end: its reply says why
            if self._is_open():
                for batch in batches:
                    self._write_batch(batch)
                self._write(_END)
        self._close()
        rows = self._request.number()
        self._is_sent = True
        return rows

    def stop(self) -> None:
        """Stop the INSERT, from another thread; may be called again and again until it has ended."""
        self._request.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End it. What was not inserted to its end has failed, and the session is good for nothing else."""
        if not self._is_sent and not self._request.has_ended():
            self._is_open()  # or the process would wait for it
        self._close()
        Path(self._path).unlink()
        self._request.end()

    def _is_open(self) -> bool:
        """Open the pipe once the process does; return whether it has, instead of failing before."""
        while self._fd < 0:
            try:
                self._fd = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:  # ENXIO: nobody reads yet
                if self._request.has_ended(_POLL_SECONDS):
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
