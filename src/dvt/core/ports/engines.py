"""The seam to compute engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from dvt.core.ports.staging import Dataset, Sink
from dvt.core.tables import StageColumn
from dvt.core.types import StageType

Value = tuple[StageType, str | None]
"""A type and the value's text, None for NULL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollationFunctions:
    """Names of the engine's functions that turn text into what a collation compares; empty: as it is."""

    equal: str = ""
    """Alike for texts that are equal."""
    order: str | None = ""
    """In the order of the texts, byte by byte; None when there is no such function."""
    like: str = ""
    """Character by character, in upper case where it is ASCII."""
    pattern: str = ""
    """`like` for a pattern and its escape character; a backslash escapes in the answer."""
    upper: str = ""
    """UPPER as the database has it."""
    lower: str = ""


class Engine(Protocol):
    """Where staged data meets: runs one SELECT over Parquet and stages the answer."""

    dialect: ClassVar[str]
    collations: ClassVar[Mapping[str, CollationFunctions]]
    """Collations that it can compare by (`collation: source`), by name."""

    def bind(
        self, sql: str, inputs: Mapping[str, Sequence[StageColumn]], functions: Sequence[str] = ()
    ) -> tuple[StageColumn, ...]:
        """The outputs `sql` would have, found on empty tables named as in `inputs`.

        `functions` are those of `collations` that it calls.
        """

    def run(
        self,
        sql: str,
        inputs: Mapping[str, Dataset],
        columns: Sequence[StageColumn],
        sink: Sink,
        functions: Sequence[str] = (),
    ) -> Dataset:
        """Every name in `inputs` is a table in `sql`; the answer is staged as `columns`.

        `functions` are as in `bind`.
        """

    def fetch(self, dataset: Dataset) -> tuple[Value, ...]:
        """A small dataset's first row, for literals."""

    def keys(self, dataset: Dataset, limit: int) -> tuple[Value, ...] | None:
        """The distinct values of a dataset's one column, without NULL; None for more than `limit`."""

    def evaluate(self, expressions: Sequence[str]) -> tuple[Value | None, ...]:
        """Values of constant expressions; None for one that fails. Session in UTC."""

    def cancel(self) -> None:
        """Stop every query under way."""

    def close(self) -> None:
        """Release memory and spilled files."""
