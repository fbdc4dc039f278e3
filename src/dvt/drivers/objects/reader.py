"""Reads an object from its first byte to its last, over as many connections as that takes."""

from __future__ import annotations

import io
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

_MOST_FAILURES = 5
"""Connections that may break one after the other, without a byte between, before reading fails."""
_LONGEST_WAIT = 8.0
"""Seconds before a new connection is tried, at most."""
_BUFFER = 2**18
"""Bytes that are asked of a connection at once."""


class Body(Protocol):
    """The rest of an object, as one connection gives it."""

    def readinto(self, buffer: Any, /) -> int | None:
        """Read some bytes into a buffer; return how many, 0 at the end."""

    def close(self) -> None:
        """Let go of the connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectSource:
    """How to read an object, and how to tell that what was read is the object."""

    size: int
    open_at: Callable[[int], Body]
    """Open the same object, and no later one of its name, from this byte on; DvtError."""
    checksum: Callable[[], Checksum] | None
    """Makes what computes the checksum of what is read, where the store knows the object's."""
    expected: bytes
    """The object's checksum."""
    broken: tuple[type[Exception], ...]
    """What reading a body raises when its connection has broken."""
    failure: Callable[[Exception], Exception]
    """Makes dvt's error of a connection that broke once too often."""
    damage: Callable[[str], Exception]
    """Makes dvt's error of an object that is not what was put."""


class Checksum(Protocol):
    """Computes a checksum, as the classes of hashlib do."""

    def update(self, data: Any, /) -> object:
        """Add bytes."""

    def digest(self) -> bytes:
        """Return the checksum of all bytes so far."""


def open_object(source: ObjectSource, body: Body | None = None) -> BinaryIO:
    """Open an object; `body` is its first connection, where there is one already.

    Who has read its last byte has read what was put: else the last read is an error.
    """
    return io.BufferedReader(_Reader(source, body), _BUFFER)


class _Reader(io.RawIOBase):
    """The object's bytes, in order."""

    def __init__(self, source: ObjectSource, body: Body | None) -> None:
        self._source = source
        self._body = body
        self._position = 0
        self._checksum = source.checksum() if source.checksum else None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")[: self._source.size - self._position]
        if not view:
            return 0
        count = self._read(view)
        if self._checksum:
            self._checksum.update(view[:count])
        self._position += count
        if self._position == self._source.size:
            self._hang_up()
            self._check()
        return count

    def close(self) -> None:
        self._hang_up()
        super().close()

    def _read(self, view: memoryview) -> int:
        broken: tuple[type[Exception], ...] = (*self._source.broken, EOFError)
        for failures in range(1, _MOST_FAILURES + 2):
            try:
                if self._body is None:
                    self._body = self._source.open_at(self._position)
                if count := self._body.readinto(view):
                    return count
                _ended_early(self._source.size - self._position)
            except broken as error:
                self._hang_up()
                if failures > _MOST_FAILURES:
                    raise self._source.failure(error) from error
                wait(failures)
        raise AssertionError

    def _check(self) -> None:
        if self._checksum and self._checksum.digest() != self._source.expected:
            raise self._source.damage("what arrived has another checksum than what was put")

    def _hang_up(self) -> None:
        body, self._body = self._body, None
        if body is not None:
            body.close()


def wait(failures: int) -> None:
    """Wait before something that has failed so often is tried again: longer each time, and never the same."""
    time.sleep(random.uniform(0.5, 1) * min(0.1 * 2**failures, _LONGEST_WAIT))  # noqa: S311  no secret


def _ended_early(missing: int) -> None:
    msg = f"the connection ended {missing} bytes early"
    raise EOFError(msg)
