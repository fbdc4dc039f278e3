"""Estimates of how much a source query will answer, before it is sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dvt.core.errors import ExtractTooLarge
from dvt.core.queries import SourceQuery
from dvt.core.types import Kind, StageType

_WIDTHS = {
    Kind.BOOLEAN: 1,
    Kind.TINYINT: 1,
    Kind.UTINYINT: 1,
    Kind.SMALLINT: 2,
    Kind.USMALLINT: 2,
    Kind.INTEGER: 4,
    Kind.UINTEGER: 4,
    Kind.FLOAT: 4,
    Kind.DATE: 4,
    Kind.HUGEINT: 16,
    Kind.UHUGEINT: 16,
    Kind.UUID: 16,
    Kind.INTERVAL: 16,
    Kind.VARCHAR: 24,
    Kind.ENUM: 12,
    Kind.BLOB: 64,
    Kind.JSON: 128,
    Kind.LIST: 64,
    Kind.ARRAY: 64,
    Kind.STRUCT: 64,
    Kind.MAP: 64,
}
"""Kind → bytes of an average value, where no statistics tell more."""
_OTHER_WIDTH = 8
"""Bytes of an average value of any other kind."""
_MEGABYTE = 1_000_000
KEPT_BY_A_CONDITION = 1 / 3
"""Part of the rows that a condition is taken to keep where the database does not estimate it."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """How much a query will answer."""

    rows: int
    bytes: int
    """Bytes of the values as they leave the source, not compressed."""


@dataclass(frozen=True, slots=True)
class ExtractLimits:
    """How much one query of a node may move; None: any amount."""

    rows: int | None = None
    bytes: int | None = None

    def broken_by(self, rows: int, bytes_: int | None) -> str:
        """Return the config that forbids to move so much, with its value; empty if none does."""
        if self.rows is not None and rows > self.rows:
            return f"max_extract_rows: {self.rows}"
        if self.bytes is not None and bytes_ is not None and bytes_ > self.bytes:
            return f"max_extract_bytes: {self.bytes}"
        return ""

    def check_estimate(self, query: SourceQuery, estimate: Estimate | None) -> None:
        """Raise ExtractTooLarge for a query that is expected to move too much."""
        config = self.broken_by(estimate.rows, estimate.bytes) if estimate else ""
        if estimate and config:
            amount = f"would move about {shown(estimate.rows, estimate.bytes)}"
            raise ExtractTooLarge(query.about, query.connection, amount, config)

    def check_moved(self, query: SourceQuery, rows: int | None, bytes_: int | None) -> None:
        """Raise ExtractTooLarge once a query has moved too much."""
        if config := self.broken_by(rows or 0, bytes_):
            amount = f"was stopped after {shown(rows, bytes_ or None)}, more than was expected"
            raise ExtractTooLarge(query.about, query.connection, amount, config)


UNLIMITED = ExtractLimits()
"""The limits of a node that sets none."""


def row_width(types: Iterable[StageType]) -> int:
    """Return the bytes of an average row with values of these types."""
    return sum(_WIDTHS.get(type_.kind, _OTHER_WIDTH) for type_ in types)


def of_rows(query: SourceQuery, rows: float) -> Estimate:
    """Return the estimate of an answer of so many rows."""
    count = max(0, round(rows))
    return Estimate(count, count * row_width(extracted.column.stage for extracted in query.columns))


def from_description(query: SourceQuery) -> Estimate | None:
    """Estimate from the number of rows that the tables' descriptions give; None where they give none."""
    if query.rows is None:
        return None
    if query.group_by is not None:
        return of_rows(query, 1) if not query.group_by else None
    return of_rows(query, query.rows * KEPT_BY_A_CONDITION ** len(query.where))


def shown(rows: int | None, bytes_: int | None) -> str:
    """Return a number of rows and of bytes for people.

    Example:
        >>> shown(1_200_000, 56_000_000), shown(1, 20), shown(3, None)
        ('1,200,000 rows, 56.0 MB', '1 row, 20 bytes', '3 rows')
    """
    parts = [] if rows is None else [f"{rows:,} row{'' if rows == 1 else 's'}"]
    if bytes_ is not None:
        parts.append(f"{bytes_ / 1e6:,.1f} MB" if bytes_ >= _MEGABYTE / 10 else f"{bytes_:,} bytes")
    return ", ".join(parts)
