"""Checksums of objects, as stores compute them."""

from __future__ import annotations

import zlib
from typing import Any


class Crc32:
    """CRC-32, with the methods of hashlib's classes."""

    def __init__(self, data: bytes = b"") -> None:
        self._value = zlib.crc32(data)

    def update(self, data: Any, /) -> None:
        """Add bytes."""
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        """Return the checksum of all bytes so far: four, the most significant one first."""
        return self._value.to_bytes(4, "big")
