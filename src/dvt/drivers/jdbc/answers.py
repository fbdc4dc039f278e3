"""The answer of a query: batches of columns that come through a named pipe, as Arrow's without a copy."""

from __future__ import annotations

import os
import select
import struct
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Self

from dvt.core.errors import DriverMissing, DvtError, ValueLost
from dvt.core.names import TableRef
from dvt.core.queries import ExtractedColumn
from dvt.drivers.jdbc.errors import cancelled
from dvt.drivers.jdbc.process import Call
from dvt.drivers.jdbc.sessions import Session
from dvt.drivers.jdbc.types import kind

_POLL_SECONDS = 0.1
_STOP_INTERVAL = 0.3
"""Seconds between two requests to stop a query: one may come before it has begun."""
_STOP_SECONDS = 5.0
"""Seconds after which a stopped query that has not ended is left to the process."""
_NUMBER = struct.Struct("<i")
_VALUE_HINT = "correct the value, or read the table through a view that casts or leaves out such values"


class Answer:
    """A query under way on a session, whose batches are read once."""

    def __init__(
        self,
        session: Session,
        sql: str,
        *,
        columns: Sequence[ExtractedColumn],
        tables: Sequence[TableRef],
        limit: int | None,
        doing: str,
    ) -> None:
        self._session = session
        self._columns = columns
        self._tables = tables
        self._doing = doing
        self._kinds = [kind(extracted.column, session.product) for extracted in columns]
        self.error: DvtError | None = None
        """Why the answer ended early; None if it did not."""
        self.is_stopped = False
        self._is_read = False
        """Whether its end mark has been read: what is left of the query is its reply."""
        self._path = session.pipe()
        # Opened first, and not blocking: the process opens the other end when the query begins.
        self._fd = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)
        self._stream: BinaryIO | None = None
        self._cancelling: list[Call] = []
        self._cancelled_at = 0.0
        self._call = session.query(sql, self._path, limit or 0, self._kinds)

    def reader(self) -> Any:
        """Return Arrow's reader of the batches. What it raises is kept in `error`."""
        arrow = _arrow()
        types = [_type(arrow, kind) for kind in self._kinds]
        schema = arrow.schema(
            [(extracted.name, type_) for extracted, type_ in zip(self._columns, types, strict=True)]
        )
        return arrow.RecordBatchReader.from_batches(schema, self._batches(arrow, schema, types))

    def stop(self) -> None:
        """Stop the query, from another thread; may be called again and again until it has ended."""
        self.is_stopped = True
        if time.monotonic() > self._cancelled_at + _STOP_INTERVAL:
            self._cancelled_at = time.monotonic()
            self._cancelling.append(self._session.cancel())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Free the session for another query."""
        if self._stream is not None:
            self._stream.close()
        else:
            os.close(self._fd)
        Path(self._path).unlink()
        # Of one that was read, a request to cancel would find the next query, or the driver closing this one.
        if not self._call.wait(_STOP_SECONDS if self._is_read else 0):
            self._cancelling.append(self._session.cancel())
            self._call.wait(_STOP_SECONDS)
        for cancelling in self._cancelling:  # else it might find the session's next query
            cancelling.wait(_STOP_SECONDS)

    def _wait_for_writer(self) -> None:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN | select.POLLHUP)
        while not poll.poll(_POLL_SECONDS * 1000) and not self._call.wait(0):
            pass
        os.set_blocking(self._fd, True)

    def _batches(self, arrow: Any, schema: Any, types: Sequence[Any]) -> Iterator[Any]:
        try:
            self._wait_for_writer()
            self._stream = os.fdopen(self._fd, "rb", buffering=0)
            while (rows := self._read_number()) >= 0:
                arrays = [self._read_array(arrow, type_, rows) for type_ in types]
                yield arrow.RecordBatch.from_arrays(arrays, schema=schema)
            self._is_read = True
        except EOFError:
            self.error = self._why()
            raise self.error from None

    def _why(self) -> DvtError:
        """Return why the answer ended before its end mark."""
        self._call.wait(_STOP_SECONDS)
        reply = self._call.reply
        if self.is_stopped:
            return cancelled(self._doing)
        if reply is not None and reply[0] == "value":
            return self._value_lost(int(reply[1] or 0), reply[2] or "")
        return self._session.failed(self._call, self._doing) or cancelled(self._doing)

    def _value_lost(self, number: int, problem: str) -> DvtError:
        extracted = self._columns[number]
        column = extracted.column
        return ValueLost(
            f"{self._tables[extracted.table]}, column {column.name} ({column.native})", problem, _VALUE_HINT
        )

    def _read_array(self, arrow: Any, type_: Any, rows: int) -> Any:
        nulls = self._read_number()
        valid = self._read_buffer(arrow)
        others = [self._read_buffer(arrow) for _ in range(type_.num_buffers - 1)]
        buffers = [valid if nulls else None, *others]
        return arrow.Array.from_buffers(type_, rows, buffers, null_count=nulls)

    def _read_number(self) -> int:
        data = bytearray(_NUMBER.size)
        self._fill(memoryview(data))
        (number,) = _NUMBER.unpack(data)
        return int(number)

    def _read_buffer(self, arrow: Any) -> Any:
        buffer = arrow.allocate_buffer(self._read_number())
        self._fill(memoryview(buffer))
        return buffer

    def _fill(self, view: memoryview) -> None:
        stream: Any = self._stream
        filled = 0
        while filled < len(view):
            count = stream.readinto(view[filled:])
            if not count:
                raise EOFError
            filled += count


def _arrow() -> Any:
    try:
        import pyarrow as pa
    except ImportError as error:
        raise DriverMissing(
            "pyarrow, which reading over JDBC needs,", "pip install 'dvt-engine[jdbc]'"
        ) from error
    return pa


def _type(arrow: Any, kind_: str) -> Any:
    """Return Arrow's type of a kind."""
    if kind_.startswith("n"):
        precision, scale = kind_[1:].split(",")
        return arrow.decimal128(int(precision), int(scale))
    types = {
        "b": arrow.int8(),
        "i": arrow.int64(),
        "f": arrow.float32(),
        "d": arrow.float64(),
        "x": arrow.binary(),
        "D": arrow.date32(),
        "t": arrow.time64("us"),
        "m": arrow.timestamp("us"),
        "M": arrow.timestamp("ns"),
        "z": arrow.timestamp("us", tz="UTC"),
    }
    return types.get(kind_[0], arrow.string())
