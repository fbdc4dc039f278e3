"""The interface to the files of seeds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from dvt.core.ports.staging import Dataset, Sink
from dvt.core.seeds import SeedFacts, SeedFile, SeedType


class OpenSeed(Protocol):
    """A seed's file, cut into rows and cells."""

    def inspect(self, given: Collection[str], sample: int) -> SeedFacts:
        """Look at every cell; columns in `given` are texts. `sample` is the number of rows to show."""

    def stage(self, types: Sequence[SeedType], sink: Sink) -> Dataset:
        """Stage all rows, each cell as its column's type; SeedCellWrong names the one that is not.

        The columns are named by `surrogate`, in the order of the file.
        """


class SeedReader(Protocol):
    """Reads the files of seeds. Thread-safe."""

    def open(self, seed: SeedFile) -> AbstractContextManager[OpenSeed]:
        """Open a file; SeedUnreadable says where it cannot be cut into rows and cells."""

    def cancel(self) -> None:
        """Stop what is under way."""


def surrogate(place: int) -> str:
    """Return the name in staging of the column at a place of the file, counted from 0."""
    return f"c{place}"
