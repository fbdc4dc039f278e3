"""Extraction of the rows of a kept table that have changed, and of those alone (docs/adr/0035)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from dvt.core.errors import BadExtraction, ColumnNotFound
from dvt.core.extraction import Incremental, Strategy
from dvt.core.ports.connectors import CanFindChanges, Job, Snapshot
from dvt.core.ports.staging import Added, Dataset, Sink
from dvt.core.queries import ExtractedColumn, SourceQuery, TablePlace
from dvt.core.surrogates import COUNT, HASH, free_name, surrogates
from dvt.core.tables import Column, Table
from dvt.core.types import BIGINT, INTEGERS, Kind
from dvt.drivers.duckdb import as_dvt_errors
from dvt.drivers.duckdb.changes import Counts, KeptRows, UnkeyedRows

_TIMES = frozenset({Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ})
"""Kinds of times that can be a watermark."""
_MAX_BATCHES = 50
"""Highest number of queries for changed rows: for more, all rows are extracted."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A kept dataset as the table is now."""

    dataset: Dataset | None
    """None: all rows have to be extracted."""
    note: str
    """What has changed, for people, or why all rows are needed."""
    rows: int = 0
    bytes: int = 0
    """What has moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedQuery:
    """A query for all rows of a table, with its key, and what tells that a row has changed."""

    query: SourceQuery
    sent: SourceQuery
    """The query with the columns below."""
    key: tuple[ExtractedColumn, ...]
    """Empty for a table without one, whose rows only their hashes tell apart."""
    mark: ExtractedColumn
    """The column with the hash, or the watermark."""
    is_unique: bool
    """True if the database sees to it that no two rows have the same key."""

    count: str
    """Name of the number of the table's rows, which none of its columns has."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the key's columns in the table."""
        return tuple(column.column.name for column in self.key)

    @classmethod
    def of(
        cls, query: SourceQuery, table: Table, incremental: Incremental, connector: CanFindChanges
    ) -> KeyedQuery | None:
        """Return the query with what is needed beside it; None for a watermark of a table without a key."""
        columns = {extracted.column.name: extracted for extracted in surrogates(table.columns)}
        columns |= {extracted.column.name: extracted for extracted in query.columns if extracted.column.name}

        def named(name: str) -> ExtractedColumn:
            if name not in columns:
                raise ColumnNotFound(name, columns, f", which the extraction of {table.ref} names")
            return columns[name]

        names = incremental.primary_key or table.key or table.unique
        hashed = [named(name).column for name in incremental.hash_columns] or list(table.columns)
        if not names and incremental.strategy is Strategy.WATERMARK:
            return None
        key = tuple(map(named, names))
        if incremental.strategy is Strategy.WATERMARK:
            mark = named(incremental.watermark)
            _check_watermark(mark.column, table, incremental)
        else:
            mark = ExtractedColumn(name=HASH, column=connector.row_hash(hashed))
        further = dict.fromkeys(column for column in (*key, mark) if column not in query.columns)
        sent = _with(query, tuple(further), connector)
        # What is NULL in staging alone is in no key of the database.
        is_unique = not incremental.primary_key and all(part.column.nulls_exact for part in key)
        count = free_name(COUNT, {column.name.lower() for column in table.columns})
        return cls(query=query, sent=sent, key=key, mark=mark, is_unique=is_unique, count=count)


def _check_watermark(column: Column, table: Table, incremental: Incremental) -> None:
    """Raise BadExtraction for a watermark that has no order, or an overlap of another kind than it."""
    kind, where = column.stage.kind, f"{table.ref}, column {column.name} ({column.native})"
    if kind in INTEGERS:
        if incremental.overlap and not isinstance(incremental.overlap, int):
            raise BadExtraction(where, "overlap", "is a time for a column of numbers", "write a whole number")
    elif kind not in _TIMES:
        problem = "is neither a whole number nor a date or timestamp"
        raise BadExtraction(where, "watermark", problem, "name another column, or use `strategy: hash`")
    elif incremental.overlap and isinstance(incremental.overlap, int):
        raise BadExtraction(
            where, "overlap", "is a number for a column of times", "write it as `10m` or `1h`"
        )


def _with(query: SourceQuery, columns: Sequence[ExtractedColumn], connector: CanFindChanges) -> SourceQuery:
    """Return a query with further columns."""
    select = (*query.select, *(connector.selected(column) for column in columns))
    return replace(query, select=select, columns=(*query.columns, *columns))


class _AllNeeded(Exception):
    """What was kept and what has changed do not fit together; the message says why."""


class ChangedRows:
    """Extracts what has changed of one table, in one snapshot, and merges it with what was kept."""

    def __init__(
        self,
        keyed: KeyedQuery,
        incremental: Incremental,
        connector: CanFindChanges,
        snapshot: Snapshot,
        *,
        scratch: Callable[[], Sink],
        added: Callable[[Dataset], Added],
    ) -> None:
        """`scratch` gives sinks for what is needed only here, `added` a place for a dataset's new version."""
        self._keyed = keyed
        self._incremental = incremental
        self._connector = connector
        self._snapshot = snapshot
        self._scratch = scratch
        self._added = added
        self._moved: list[Dataset] = []
        self._sinks: list[Sink] = []

    def merged(self, cursor: Any, old: Dataset, sink: Sink) -> Changed:
        """Return the old dataset as the table is now: itself, a version of it, or another in `sink`.

        Each query is one statement, of one state of the table; those of a database without snapshots may see
        several states. What they answer is compared: if it does not fit together, all rows are needed.
        """
        query = self._keyed.query
        doing = f"merging what has changed of {query.about}"
        errors = as_dvt_errors(connection=query.connection, doing=doing, where=query.about)
        with errors, closing(self._kept(cursor, old)) as kept:
            try:
                find = self._by_hash if self._incremental.strategy is Strategy.HASH else self._by_watermark
                changed = find(kept, old, sink)
            except _AllNeeded as why:
                changed = Changed(None, f"extracted in full: {why}")
            finally:
                for used in self._sinks:
                    used.discard()
        rows, size = sum(d.rows for d in self._moved), sum(d.bytes for d in self._moved)
        return replace(changed, rows=rows, bytes=size)

    def _kept(self, cursor: Any, old: Dataset) -> KeptRows:
        key = [column.name for column in self._keyed.key]
        return KeptRows(cursor, old, key) if key else UnkeyedRows(cursor, old)

    def _by_hash(self, kept: KeptRows, old: Dataset, sink: Sink) -> Changed:
        keyed = self._keyed
        (now,) = self._extract([self._only((*keyed.key, keyed.mark))])
        if not keyed.is_unique and not kept.is_unique(now):
            raise _AllNeeded("rows share a key")
        counts = kept.compare(now)
        if counts == Counts(0, 0):
            if old.rows != now.rows:  # rows that were kept share a key
                raise _AllNeeded("what was kept does not fit")
            return Changed(old, "unchanged: reused")
        batches = list(kept.batches(self._incremental.batch_size))
        if len(batches) > (_MAX_BATCHES if keyed.key else 1):  # no index finds rows by their hashes
            raise _AllNeeded(f"{counts}")
        columns = [column.column for column in keyed.key or (keyed.mark,)]
        queries = [
            replace(keyed.sent, where=(self._connector.is_among(columns, batch),), scan=False)
            for batch in batches
        ]
        rows = self._extract(queries)
        if batches and not kept.are_changed(rows):
            raise _AllNeeded("it was written meanwhile")
        merged = kept.merge(rows, self._added(old), sink)
        if merged.rows != now.rows:
            sink.discard()
            raise _AllNeeded("what was kept does not fit")
        return Changed(merged, str(counts))

    def _by_watermark(self, kept: KeptRows, old: Dataset, sink: Sink) -> Changed:
        keyed = self._keyed
        mark = keyed.mark.name
        bounds = kept.highest(mark, self._incremental.overlap)
        if bounds is None:
            raise _AllNeeded("no watermark was kept")
        highest, lowest = bounds
        query = self._counting(keyed.sent) if self._incremental.deletes else keyed.sent
        condition = self._connector.is_from(keyed.mark.column, lowest)
        (rows,) = self._extract([replace(query, where=(condition,), scan=False)])
        if not kept.is_reached(rows, mark, highest):
            raise _AllNeeded(f"no row is from {highest} or later any more")
        if not keyed.is_unique and not kept.is_unique(rows):
            raise _AllNeeded("rows share a key")
        counts = kept.replaced_by(rows, mark, highest)
        if self._incremental.deletes:
            counts = self._with_deleted(counts, kept, old.rows, kept.count_told_by(rows))
        if counts == Counts(0, 0):
            return Changed(old, "unchanged: reused")
        merged = kept.merge([rows], self._added(old), sink)
        return Changed(merged, str(counts))

    def _with_deleted(self, counts: Counts, kept: KeptRows, before: int, now: int) -> Counts:
        """Return the changes with the rows that are deleted, given how many the table had and has."""
        if before + counts.new > now:
            (keys,) = self._extract([self._only(self._keyed.key)])
            deleted = kept.without_gone(keys)
            if deleted is None:
                raise _AllNeeded("it was written meanwhile")
            counts = replace(counts, deleted=deleted)
        if before + counts.new - counts.deleted != now:
            raise _AllNeeded("rows have changed below the watermark")
        return counts

    def _only(self, columns: Sequence[ExtractedColumn]) -> SourceQuery:
        """Return the query for these columns of each row alone."""
        return _with(replace(self._keyed.query, select=(), columns=()), columns, self._connector)

    def _counting(self, query: SourceQuery) -> SourceQuery:
        """Return the query with the number of the table's rows beside each row, of the same moment."""
        name = self._keyed.count
        count = Column(name=name, native="bigint", stage=BIGINT, unpack="CAST({0} AS BIGINT)")
        source = (TablePlace(0), f", (SELECT count(*) AS {name} FROM ", TablePlace(0), ") AS dvt_counted")
        return replace(
            _with(query, [ExtractedColumn(name=COUNT, column=count)], self._connector), source=source
        )

    def _extract(self, queries: Sequence[SourceQuery]) -> list[Dataset]:
        """Extract in the snapshot, into sinks that are discarded afterwards."""
        jobs = [Job(query, self._scratch()) for query in queries]
        self._sinks += [job.sink for job in jobs]
        answers: dict[int, Dataset] = {}

        def finished(job: Job, dataset: Dataset) -> None:
            answers[jobs.index(job)] = dataset

        if jobs:
            self._snapshot.extract(jobs, finished)
        self._moved += answers.values()
        return [answers[number] for number in range(len(jobs))]
