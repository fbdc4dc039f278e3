"""Costs of places, all in one unit: the work of a byte that is extracted and staged.

The factors are fitted to `benchmarks/places.py`, in CPU seconds of all servers and dvt: extracting a megabyte
takes about 10 ms. That a network is slower than a loopback makes both places that move less look dearer than
they are, by as much as the network is slow: the target, which moves less, is then taken too rarely.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

COPIED = 6
"""Cost of a byte that is copied to a target: extracted, staged, loaded row by row, indexed and analysed."""
_COPY = 1_000_000
"""Cost of a copy beside that of its rows: a table is made, analysed, locked and dropped."""
_COMPUTED = 0.3
"""Cost of a byte of a database's own tables that it reads for a model: it joins and groups rows one by one,
where the engine works on columns."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """A table of the target that it reads again for each row of others."""

    rows: int
    """Rows of the largest of these others: how often it is read at worst."""
    bytes: int
    """Bytes that a reading takes."""


def at_target(copied: Iterable[int], own: int, repeated: Iterable[Repeated] = ()) -> int:
    """Return the cost of computing at the target.

    Args:
        copied: bytes of each copy.
        own: bytes that the model reads of the target's own tables.
        repeated: tables that are read more than once.

    Example:
        >>> at_target([200_000], own=300_000_000)  # 3 s of work, where an engine would take 300 MB
        92200000
    """
    copies = sum(COPIED * bytes_ + _COPY for bytes_ in copied)
    return copies + round(_COMPUTED * (own + sum(again.rows * again.bytes for again in repeated)))


def at_source(answer: int, own: int) -> int:
    """Return the cost of computing at the source: the bytes of the answer, and those that the model reads."""
    return answer + round(_COMPUTED * own)
