"""INSERTs of many rows each, made of Arrow's buffers: no row becomes an object of Python."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any


def inserts(reader: Any, head: str, tail: str, longest: int) -> Iterator[str]:
    """Yield statements with all rows of a reader of Arrow's, each in one piece.

    The reader has one column: the text of each row, with a comma behind it. `head` and `tail` are the SQL
    before and behind the rows. A statement has rows of `longest` bytes at most, or a single one.
    """
    parts: list[bytes] = []
    size = 0
    for batch in reader:
        (rows,) = batch.columns
        _, offsets, texts = rows.buffers()
        ends, data = memoryview(offsets).cast("i")[rows.offset :], memoryview(texts or b"")
        first, count = 0, len(rows)
        while first < count:
            last = min(bisect_right(ends, ends[first] + longest - size, first, count + 1) - 1, count)
            if last == first and not parts:
                last = first + 1
            if last > first:
                parts.append(bytes(data[ends[first] : ends[last]]))
                size += len(parts[-1])
                first = last
            if first < count:
                yield _statement(head, parts, tail)
                parts, size = [], 0
    if parts:
        yield _statement(head, parts, tail)


def _statement(head: str, parts: list[bytes], tail: str) -> str:
    return head + b"".join(parts)[:-1].decode() + tail
