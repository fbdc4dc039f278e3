"""Merging of queries of several nodes to one table: one extraction, of all their columns and rows.

A merged query has the union of the columns and the OR of the conditions, or no condition. It serves every
node whose query went into it, because a node's transform keeps all its own predicates (docs/adr/0004).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dvt.core.estimates import UNLIMITED, Estimate, ExtractLimits, row_width
from dvt.core.queries import ExtractedColumn, SourceQuery, Sql, joined

_MAX_ALTERNATIVES = 24
"""Number of different conditions that are joined by OR; for more, all rows are extracted."""
_WHOLE = 0.7
"""Part of a table's rows from which on all of them are extracted, without any condition."""
_READING = 0.15
"""Cost of reading a row in its database, for the first time or again, by that of moving it."""


@dataclass(frozen=True, slots=True)
class MergedQuery:
    """A query that is sent, and the queries that it serves; a query of one node serves itself."""

    sent: SourceQuery
    parts: tuple[SourceQuery, ...]

    @classmethod
    def of(cls, query: SourceQuery) -> MergedQuery:
        """Return a query that was not merged with others."""
        return cls(query, (query,))

    def covers(self, query: SourceQuery) -> bool:
        """True if the answer holds all that `query` asks for.

        It holds all rows of each part, whatever conditions the parts have.
        """
        return any(replace(self.sent, where=part.where).covers(query) for part in self.parts)


@dataclass(frozen=True, slots=True)
class TableSize:
    """Rows and widths of a table that several queries read; where nothing is known, only ratios count."""

    rows: float
    widths: Mapping[str, float]
    """Surrogate of each column → bytes of an average value."""
    kept: Mapping[str, float]
    """Key of each query → part of the rows that meets its conditions."""

    @classmethod
    def estimated(
        cls,
        columns: Mapping[str, Estimate | None],
        queries: Mapping[str, Estimate | None],
        of: Sequence[SourceQuery],
    ) -> TableSize:
        """Make sizes from estimates of each column alone, of all rows, and of each query."""
        types = {extracted.name: extracted.column.stage for query in of for extracted in query.columns}
        rows = float(max((estimate.rows for estimate in columns.values() if estimate), default=0) or 1)
        widths = {
            name: estimate.bytes / estimate.rows if estimate and estimate.rows else row_width([types[name]])
            for name, estimate in columns.items()
        }
        estimates = {query.key: queries[query.key] for query in of}
        kept = {
            query.key: 1.0
            if not query.where
            else min(1.0, estimate.rows / rows)
            if (estimate := estimates[query.key])
            else 1 / 3
            for query in of
        }
        return cls(rows, widths, kept)

    def part(self, queries: Sequence[SourceQuery]) -> float:
        """Return the part of the rows that the merged query extracts; 1 if it has no condition."""
        alternatives = {frozenset(query.where): self.kept[query.key] for query in queries}
        if len(alternatives) > _MAX_ALTERNATIVES:
            return 1.0
        part = 1 - math.prod(1 - kept for kept in alternatives.values())
        return 1.0 if len(queries) > 1 and part >= _WHOLE else part

    def moved(self, queries: Sequence[SourceQuery]) -> Estimate:
        """Return what the merged query is expected to answer."""
        rows = self.rows * self.part(queries)
        return Estimate(round(rows), round(rows * self._width(queries)))

    def cost(self, queries: Sequence[SourceQuery]) -> float:
        """Return the bytes that the merged query moves, and a part of those that its database reads."""
        reading = _READING * sum(self.widths.values())
        return self.rows * (self.part(queries) * self._width(queries) + reading)

    def _width(self, queries: Sequence[SourceQuery]) -> float:
        names = {extracted.name for query in queries for extracted in query.columns}
        return sum(self.widths[name] for name in sorted(names))


def can_merge(query: SourceQuery) -> bool:
    """True for a query that reads rows of one state of its tables, whose conditions are all known."""
    return query.group_by is None and not query.this and not query.needs and not query.model


def same_table(query: SourceQuery) -> object:
    """Return a key that is equal for queries which can be merged."""
    return query.connection, query.tables, query.source, query.bucket, query.extraction


def merge(
    queries: Sequence[SourceQuery], size: TableSize, limits: ExtractLimits = UNLIMITED
) -> list[MergedQuery]:
    """Group queries to one table so that the groups cost least, and merge each group.

    The dearest query comes first; each further query joins the group that it adds least to, if that is less
    than it costs alone and if the group stays within the limits.
    """
    groups: list[list[SourceQuery]] = []
    for query in sorted(queries, key=lambda query: (-size.cost([query]), query.key)):
        added = [size.cost([*group, query]) - size.cost(group) for group in groups]
        best = min(range(len(groups)), key=added.__getitem__, default=None)
        if (
            best is not None
            and added[best] <= size.cost([query])
            and _agree(groups[best], query)
            and _is_within(limits, size.moved([*groups[best], query]))
        ):
            groups[best].append(query)
        else:
            groups.append([query])
    return [MergedQuery(_merged(group, whole=size.part(group) >= 1), tuple(group)) for group in groups]


def _is_within(limits: ExtractLimits, moved: Estimate) -> bool:
    return not limits.broken_by(moved.rows, moved.bytes)


def _agree(group: Sequence[SourceQuery], query: SourceQuery) -> bool:
    """True if columns of one name are the same column, read in the same way."""
    return all(
        columns.get(name, column) == column
        for other in group
        for columns in [_columns(other)]
        for name, column in _columns(query).items()
    )


def _columns(query: SourceQuery) -> Mapping[str, tuple[str, ExtractedColumn]]:
    """Return the columns by surrogate, each with the SQL that selects it."""
    return {column.name: (text, column) for text, column in zip(query.select, query.columns, strict=True)}


def _merged(queries: Sequence[SourceQuery], *, whole: bool) -> SourceQuery:
    first, *others = queries
    if not others:
        return first
    columns = {name: column for query in queries for name, column in _columns(query).items()}
    return replace(
        first,
        select=tuple(text for text, _ in columns.values()),
        columns=tuple(column for _, column in columns.values()),
        where=() if whole else _where(queries),
        scan=all(query.scan for query in queries),
        not_pushed=(),
    )


def _where(queries: Sequence[SourceQuery]) -> tuple[Sql, ...]:
    """Return the conditions that all queries have, and the OR of what else each of them has."""
    common = [sql for sql in queries[0].where if all(sql in query.where for query in queries)]
    rests = [tuple(sql for sql in query.where if sql not in common) for query in queries]
    if not all(rests):
        return tuple(common)
    alternatives: list[Sql] = [_joined_by(" AND ", rest) for rest in dict.fromkeys(rests)]
    return (*common, _joined_by(" OR ", alternatives))


def _joined_by(word: str, conditions: Sequence[Sql]) -> Sql:
    """Join conditions, each in brackets."""
    texts = [joined("(", condition, ")") for condition in conditions]
    return joined(*[part for text in texts for part in (word, text)][1:])
