"""Answers that a run takes from an earlier one instead of extracting them, all or in part."""

from __future__ import annotations

from dataclasses import dataclass

from dvt.core.ports.staging import Dataset


@dataclass(frozen=True, slots=True)
class Taken:
    """An answer, all or most of which an earlier run has left."""

    dataset: Dataset
    note: str
    """Whose it is, or what has changed since, for people."""
    moved: Moving | None = None
    """What was extracted for it; None: nothing."""


@dataclass(frozen=True, slots=True)
class Moving:
    """Rows and bytes that have moved."""

    rows: int
    bytes: int
