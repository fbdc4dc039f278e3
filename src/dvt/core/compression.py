"""How staged files are compressed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LEVELS: Mapping[str, tuple[int, int] | None] = {
    "zstd": (1, 22),
    "snappy": None,
    "gzip": None,
    "none": None,
}
"""Codec → its lowest and highest level; None for a codec without levels."""


@dataclass(frozen=True, slots=True)
class Compression:
    """A codec of Parquet, and its level."""

    codec: str
    level: int | None = None
    """None: the codec's own default."""

    @classmethod
    def parse(cls, text: str) -> Compression:
        """Read `zstd` or `zstd:3`; ValueError says what is wrong with the text.

        Example:
            >>> Compression.parse("zstd:3")
            Compression(codec='zstd', level=3)
        """
        codec, colon, level = text.strip().lower().partition(":")
        if codec not in LEVELS:
            msg = f"should be one of: {', '.join(LEVELS)}; a level may follow zstd, such as zstd:3"
            raise ValueError(msg)
        if not colon:
            return cls(codec)
        levels = LEVELS[codec]
        if levels is None:
            msg = f"{codec} has no levels"
            raise ValueError(msg)
        if not level.isdecimal() or not levels[0] <= int(level) <= levels[1]:
            msg = f"the level of {codec} should be a whole number from {levels[0]} to {levels[1]}"
            raise ValueError(msg)
        return cls(codec, int(level))


SNAPPY = Compression("snappy")
"""The compression of files on this machine, which takes the least time; tests and benchmarks have it, too."""
ZSTD = Compression("zstd", 1)
"""The compression of files that go over a network: a seventh smaller than with snappy, for little time."""
