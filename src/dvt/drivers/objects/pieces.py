"""Cuts a stream of unknown length into pieces."""

from __future__ import annotations

from typing import BinaryIO

_MOST_AT_ONCE = 2**22
"""Bytes that are asked of a stream at once."""


def read_piece(stream: BinaryIO, size: int) -> bytes:
    """Read so many bytes, or as many as there are left."""
    piece = bytearray()
    while len(piece) < size and (read := stream.read(min(size - len(piece), _MOST_AT_ONCE))):
        piece += read
    return bytes(piece)
