"""What is written of Arrow's columns for a prepared INSERT: of slices, exactly their own rows."""

from __future__ import annotations

import random
import struct
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from dvt.drivers.jdbc.inserting import _parts

_CASES = {
    "i": (pa.int64(), 8, lambda chance: chance.randrange(-(2**63), 2**63)),
    "d": (pa.float64(), 8, lambda chance: chance.random() * 10 ** chance.randrange(-300, 300)),
    "n": (pa.decimal128(38, 2), 16, lambda chance: Decimal(chance.randrange(-(10**20), 10**20)) / 100),
    "s": (pa.string(), 0, lambda chance: "é😀a"[: chance.randrange(4)] * chance.randrange(9)),
    "x": (pa.binary(), 0, lambda chance: chance.randbytes(chance.randrange(20))),
}
"""Kind → Arrow's type, bytes of a value, and what makes a value."""


@pytest.mark.parametrize("kind", _CASES)
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0], ids=["no nulls", "some nulls", "all null"])
def test_every_slice_is_written_with_its_own_rows(kind: str, share: float):
    type_, width, make = _CASES[kind]
    chance = random.Random(f"{kind}{share}")
    values = [None if chance.random() < share else make(chance) for _ in range(100)]
    column = pa.array(values, type_)
    for first, last in [(0, 100), (0, 1), (7, 9), (8, 64), (9, 100), (63, 65), (99, 100)]:
        data = b"".join(bytes(part) for part in _parts(column.slice(first, last - first), width))
        assert _read(data, type_, width, last - first) == values[first:last]


def _read(data: bytes, type_: Any, width: int, rows: int) -> list[Any]:
    """Read a column as the Java process does."""
    nulls, shift = struct.unpack_from("<ii", data)
    buffers, at = [], 8
    while at < len(data):
        (length,) = struct.unpack_from("<i", data, at)
        buffers.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    valid, *others = buffers
    if width:
        assert len(others[0]) == rows * width
        plain = pa.Array.from_buffers(type_, rows, [None, pa.py_buffer(others[0])])
    else:
        ends = struct.unpack(f"<{rows + 1}i", others[0])
        assert len(others[1]) == ends[-1] - ends[0]
        offsets = struct.pack(f"<{rows + 1}i", *(end - ends[0] for end in ends))
        plain = pa.Array.from_buffers(type_, rows, [None, pa.py_buffer(offsets), pa.py_buffer(others[1])])
    found = [nulls > 0 and not valid[(row + shift) >> 3] >> ((row + shift) & 7) & 1 for row in range(rows)]
    assert sum(found) == nulls
    return [None if is_null else value.as_py() for is_null, value in zip(found, plain, strict=True)]
