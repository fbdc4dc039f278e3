"""Places where a model can be computed, and the words of `compute` that name them."""

from __future__ import annotations

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
