"""Places where a model can be computed, and the words of `compute` that name them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Place(StrEnum):
    """Where a model's SQL runs."""

    NATIVE = "native"
    """On its target, which has all that it reads."""
    SOURCE = "source"
    """On the one other database that has all that it reads: only the answer moves."""
    TARGET = "target"
    """On its target, over copies of what it reads on other databases."""
    ENGINE = "engine"
    """In a compute engine, over extracts of all that it reads."""


AUTO = "auto"
"""The value of `compute` that leaves the place to dvt."""
RESERVED = frozenset({AUTO, str(Place.TARGET), str(Place.SOURCE)})
"""Values of `compute` that name no entry of computes.yml; all others name an engine."""


@dataclass(frozen=True, slots=True)
class Option:
    """A place where a model might be computed, and what that would cost."""

    place: Place
    problem: str = ""
    """Why it cannot be computed there, or is not proven to be right there; else empty."""
    rows: int | None = None
    """Rows that would be extracted; None where that is not known."""
    bytes: int | None = None
    cost: int | None = None
    """In bytes over the wire, and what else is as much work; None where it is not known."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The place where a model is computed, and why."""

    place: Place
    why: str
    options: tuple[Option, ...] = ()
    """All places that were weighed."""
