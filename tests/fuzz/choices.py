"""Recorded random choices: a query is made again from them, and made smaller by making them fewer."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

_ATTEMPTS = 400
"""Number of smaller sequences that `shrunk` tries at most."""


class Choices(random.Random):
    """Random numbers that are recorded; with `replay` these come first, and zeros after them."""

    def __init__(self, seed: object = None, replay: Sequence[float] | None = None) -> None:
        super().__init__(str(seed))
        self.drawn: list[float] = []
        self._replay = replay

    def random(self) -> float:
        """Draw the next number; all other methods of Random draw by this one."""
        if self._replay is None:
            number = super().random()
        else:
            number = self._replay[len(self.drawn)] if len(self.drawn) < len(self._replay) else 0.0
        self.drawn.append(number)
        return number


def shrunk(drawn: Sequence[float], still_fails: Callable[[Sequence[float]], int | None]) -> list[float]:
    """Return a sequence that still fails and that is as small as the attempts allow.

    Args:
        drawn: choices that fail.
        still_fails: returns the size of what the choices make, None if that does not fail.
    """
    best = list(drawn)
    size = still_fails(best)
    attempts, improved = 0, True
    while improved and size is not None:
        improved = False
        for candidate in _smaller(best):
            attempts += 1
            if attempts > _ATTEMPTS:
                return best
            found = still_fails(candidate)
            if found is not None and found < size:
                best, size, improved = candidate, found, True
                break
    return best


def _smaller(drawn: Sequence[float]) -> Iterator[list[float]]:
    length = 1 << (len(drawn).bit_length() - 1) if drawn else 0
    while length:
        for start in range(0, len(drawn), length):
            yield [*drawn[:start], *drawn[start + length :]]
            if any(drawn[start : start + length]):
                yield [*drawn[:start], *[0.0] * length, *drawn[start + length :]][: len(drawn)]
        length //= 2
