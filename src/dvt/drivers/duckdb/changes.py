"""Finds which rows of a kept dataset have changed, and writes the dataset as the table is now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import duckdb

from dvt.core.ports.staging import Added, Dataset, Sink
from dvt.core.surrogates import COUNT, DELETED_FILE, DELETED_ROW, HASH
from dvt.drivers.duckdb.sql import encoded, literal, quoted, set_time_zone
from dvt.drivers.duckdb.staging import deleted_positions, scan, scan_with_positions, write

_CHANGES = "dvt_changes"
"""Name of a temporary table: for each row that differs, its position in the kept dataset and its present key.

A new row has no position, and a row that is deleted has no key.
"""
_UNMATCHED = "dvt_unmatched"
"""Name of another, for rows that only one side has."""
_TIMES = "dvt_times"
"""Name of the column with how many rows have a hash."""
_POSITION = f"{DELETED_FILE}, {DELETED_ROW}"
_AT_ONCE = 2_000_000
"""Rows that are compared at once: what a comparison holds in memory is some 150 MB for so many."""
_MAX_DELETED = 0.25
"""Part of the kept rows that may be marked as deleted. With more of them all is written anew."""
_MAX_FILES = 64
"""Files that a dataset may have. With more of them all is written anew."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows differ from those that were kept."""

    new: int
    changed: int
    deleted: int = 0

    def __str__(self) -> str:
        """For people: `12 new, 1,204 changed, 3 deleted`; `unchanged` if there are none."""
        parts = {"new": self.new, "changed": self.changed, "deleted": self.deleted}
        return ", ".join(f"{count:,} {word}" for word, count in parts.items() if count) or "unchanged"


class KeptRows:
    """A kept dataset, compared with what its table has now. Its cursor has temporary tables."""

    def __init__(self, cursor: Any, old: Dataset, key: Sequence[str]) -> None:
        """`key`: names of the columns that tell rows apart.

        What the files have beside the dataset's columns is left out: changed rows come without it.
        """
        self._cursor = cursor
        self._old = replace(old, others=())
        self._key = [quoted(name) for name in key]
        set_time_zone(cursor, "UTC")

    def close(self) -> None:
        """Drop the temporary tables."""
        for table in (_CHANGES, _UNMATCHED):
            with suppress(duckdb.Error):
                self._cursor.execute(f"DROP TABLE IF EXISTS {table}")
        self._cursor.close()

    def is_unique(self, rows: Dataset) -> bool:
        """Return whether the key is that of one row alone, and has no NULL."""
        keys = ", ".join(self._key)
        nulls = " OR ".join(f"{name} IS NULL" for name in self._key)
        for part in self._parts(rows):
            some = f"SELECT {keys} FROM ({scan(rows)}) WHERE {part}"
            twice = f"SELECT {keys} FROM ({some}) GROUP BY {keys} HAVING count(*) > 1 OR {nulls} LIMIT 1"
            if self._cursor.execute(twice).fetchone() is not None:
                return False
        return True

    def compare(self, now: Dataset) -> Counts:
        """Find the changes, given the key and the hash of each row."""
        self._begin(", ".join([*self._key, HASH]), now)
        for part in self._parts(self._old, now):
            self._cursor.execute(
                f"INSERT INTO {_CHANGES} SELECT {_POSITION}, {self._names('n', HASH)}"
                f" FROM ({self._of(self._old, HASH)} WHERE {part}) AS o"
                f" FULL JOIN (SELECT {self._names('', HASH)} FROM ({scan(now)}) WHERE {part}) AS n"
                f" ON {self._same('o', 'n')} WHERE (o.{HASH} = n.{HASH}) IS NOT TRUE"
            )
        return self._counts()

    def batches(self, size: int) -> Iterator[list[tuple[str, ...]]]:
        """Yield the keys of new and changed rows, as texts, in lists of this length."""
        texts = ", ".join(f"CAST({name} AS VARCHAR)" for name in self._key)
        present = f"SELECT {texts} FROM {_CHANGES} WHERE {self._key[0]} IS NOT NULL"
        keys = self._cursor.execute(present).fetchall()
        for start in range(0, len(keys), size):
            yield keys[start : start + size]

    def are_changed(self, rows: Sequence[Dataset]) -> bool:
        """Return whether these are the new and changed rows as they were compared: all, and no others."""
        fetched = self._union(rows, self._names("", HASH))
        present = f"SELECT {self._names('', HASH)} FROM {_CHANGES} WHERE {self._key[0]} IS NOT NULL"
        same = f"{self._same('a', 'b')} AND a.{HASH} = b.{HASH}"
        differing = [
            f"SELECT 1 FROM ({one}) AS a ANTI JOIN ({other}) AS b ON {same} LIMIT 1"
            for one, other in ((fetched, present), (present, fetched))
        ]
        counts = f"SELECT (SELECT count(*) FROM ({fetched})) = (SELECT count(*) FROM ({present}))"
        is_as_many = bool(self._row(counts)[0])
        return is_as_many and all(self._cursor.execute(sql).fetchone() is None for sql in differing)

    def highest(self, column: str, overlap: timedelta | int) -> tuple[str, str] | None:
        """Return the highest value of a column and that less an overlap, as texts; None without any value."""
        seconds = overlap.total_seconds() if isinstance(overlap, timedelta) else 0
        less = f"to_microseconds({int(seconds * 1e6)})" if isinstance(overlap, timedelta) else str(overlap)
        name = quoted(column)
        values = f"SELECT max({name}) AS v FROM ({scan(self._old)})"
        lowest = "v" if not overlap else f"v - {less}"
        type_ = next(kept.type for kept in self._old.columns if kept.name == column)
        found = self._row(
            f"SELECT CAST(v AS VARCHAR), CAST(CAST({lowest} AS {type_}) AS VARCHAR) FROM ({values})"
        )
        return None if found[0] is None else (str(found[0]), str(found[1]))

    def is_reached(self, rows: Dataset, column: str, highest: str) -> bool:
        """Return whether one of the rows has a value of the column as high as one that was kept."""
        (is_reached,) = self._row(
            f"SELECT max({quoted(column)}) >= {self._typed(column, highest)} FROM ({scan(rows)})"
        )
        return bool(is_reached)

    def count_told_by(self, rows: Dataset) -> int:
        """Return the number of rows that the table has, which each of the rows tells."""
        (count,) = self._row(f"SELECT max({COUNT}) FROM ({scan(rows)})")
        return int(count)

    def replaced_by(self, rows: Dataset, column: str, highest: str) -> Counts:
        """Take rows as what has changed; nothing counts as deleted yet.

        Those with a value of the column up to the highest that was kept may be the same as before.
        """
        self._begin(", ".join(self._key), rows)
        self._cursor.execute(
            f"INSERT INTO {_CHANGES} SELECT {_POSITION}, {self._names('n')} FROM ({scan(rows)}) AS n"
            f" LEFT JOIN ({self._of(self._old)}) AS o ON {self._same('n', 'o')}"
        )
        counts = self._counts()
        return Counts(counts.new, counts.changed - self._unchanged(rows, column, highest))

    def without_gone(self, now: Dataset) -> int | None:
        """Find which rows are no more, given all keys; None if these are not the keys that are known."""
        names = ", ".join(self._key)
        self._cursor.execute(f"CREATE OR REPLACE TEMP TABLE {_UNMATCHED} AS FROM {_CHANGES} LIMIT 0")
        for part in self._parts(self._old, now):
            self._cursor.execute(
                f"INSERT INTO {_UNMATCHED} SELECT {_POSITION}, {self._names('n')}"
                f" FROM ({self._of(self._old)} WHERE {part}) AS o"
                f" FULL JOIN (SELECT {names} FROM ({scan(now)}) WHERE {part}) AS n ON {self._same('o', 'n')}"
                f" WHERE {DELETED_ROW} IS NULL OR n.{self._key[0]} IS NULL"
            )
        unknown = (
            f"SELECT {names} FROM {{}} WHERE {DELETED_ROW} IS NULL"
            f" EXCEPT SELECT {names} FROM {{}} WHERE {DELETED_ROW} IS NULL LIMIT 1"
        )
        both = f"SELECT {_POSITION} FROM {_CHANGES} INTERSECT SELECT {_POSITION} FROM {_UNMATCHED}"
        contradictions = (
            unknown.format(_CHANGES, _UNMATCHED),
            unknown.format(_UNMATCHED, _CHANGES),
            f"SELECT 1 FROM ({both}) WHERE {DELETED_ROW} IS NOT NULL LIMIT 1",
        )
        if any(self._cursor.execute(sql).fetchone() for sql in contradictions):
            return None
        gone = f"FROM {_UNMATCHED} WHERE {DELETED_ROW} IS NOT NULL"
        (count,) = self._row(f"INSERT INTO {_CHANGES} {gone}")
        return int(count)

    def merge(self, rows: Sequence[Dataset], added: Added, sink: Sink) -> Dataset:
        """Write the rows that are new or have changed, and which of the kept ones are deleted.

        They become a version of the kept dataset, in `added`, unless too little is left of it: then all rows
        become another dataset, in `sink`.
        """
        (replaced,) = self._row(f"SELECT count(*) FROM {_CHANGES} WHERE {DELETED_ROW} IS NOT NULL")
        kept = self._old.rows - int(replaced)
        columns = self._old.columns
        values = ", ".join(f"{encoded(quoted(c.name), c.type)} AS {quoted(c.name)}" for c in columns)
        names = ", ".join(quoted(column.name) for column in columns)
        changed = self._union(rows, names)
        if self._is_to_be_written_anew(kept):
            old = f"SELECT {names} FROM ({scan_with_positions(self._old)})"
            old += f" ANTI JOIN {_CHANGES} USING ({_POSITION})"
            select = " UNION ALL ".join(part for part in (old, changed) if part)
            return sink.commit(
                columns, write(self._cursor, f"SELECT {values} FROM ({select})", sink, columns)
            )
        deletes = self._write_deletes(added) if replaced else self._old.deletes
        count = write(self._cursor, f"SELECT {values} FROM ({changed})", added, columns) if changed else 0
        return added.version(self._old, kept + count, deletes)

    def _is_to_be_written_anew(self, kept: int) -> bool:
        files, deletes = self._old.keys, self._old.deletes
        if not files or len(files) >= _MAX_FILES:
            return True
        (deleted,) = self._row(f"SELECT count(*) FROM ({deleted_positions(self._old)})") if deletes else (0,)
        return self._old.rows - kept + int(deleted) > _MAX_DELETED * (self._old.rows + int(deleted))

    def _write_deletes(self, added: Added) -> str:
        """Write the positions of all rows of the kept files that are deleted; return the file's key."""
        deleted = f"SELECT {_POSITION} FROM {_CHANGES} WHERE {DELETED_ROW} IS NOT NULL"
        if self._old.deletes:
            deleted += f" UNION ALL {deleted_positions(self._old)}"
        key = added.part()
        write(self._cursor, deleted, added, key=key)
        return key

    def _begin(self, columns: str, rows: Dataset) -> None:
        """Make the temporary table; its columns are a position and those of `rows`."""
        self._cursor.execute(
            f"CREATE OR REPLACE TEMP TABLE {_CHANGES} AS SELECT"
            f" CAST(NULL AS BIGINT) AS {DELETED_FILE}, CAST(NULL AS BIGINT) AS {DELETED_ROW}, {columns}"
            f" FROM ({scan(rows)}) LIMIT 0"
        )

    def _parts(self, *datasets: Dataset) -> list[str]:
        """Return conditions that cut datasets, by the keys of their rows, into parts to compare at once."""
        count = -(-max(dataset.rows for dataset in datasets) // _AT_ONCE)
        if count <= 1:
            return ["true"]
        return [f"hash({', '.join(self._key)}) % {count} = {number}" for number in range(count)]

    def _counts(self) -> Counts:
        new, deleted, both = self._row(
            f"SELECT count(*) FILTER ({DELETED_ROW} IS NULL), count(*) FILTER ({self._key[0]} IS NULL),"
            f" count(*) FILTER ({DELETED_ROW} IS NOT NULL AND {self._key[0]} IS NOT NULL) FROM {_CHANGES}"
        )
        return Counts(int(new), int(both), int(deleted))

    def _unchanged(self, rows: Dataset, column: str, highest: str) -> int:
        """Return how many of the rows, of those up to the highest value that was kept, are as before.

        Texts are compared, since equal values may not be the same: 0.0 and -0.0, 1 month and 30 days.
        """
        names = [quoted(kept.name) for kept in self._old.columns]
        is_old = f"({quoted(column)} <= {self._typed(column, highest)}) IS NOT FALSE"
        again = f"SELECT {', '.join(names)} FROM ({scan(rows)}) WHERE {is_old}"
        (count,) = self._row(f"SELECT count(*) FROM ({again})")
        if not count:
            return 0
        texts = ", ".join(f"CAST({name} AS VARCHAR)" for name in names)
        kept = f"SELECT {', '.join(names)} FROM ({scan(self._old)}) AS o"
        before = f"{kept} SEMI JOIN ({again}) AS a ON {self._same('o', 'a')}"
        same = f"(SELECT {texts} FROM ({again})) INTERSECT ALL (SELECT {texts} FROM ({before}))"
        (unchanged,) = self._row(f"SELECT count(*) FROM ({same})")
        return int(unchanged)

    def _row(self, sql: str) -> tuple[Any, ...]:
        row: tuple[Any, ...] = self._cursor.execute(sql).fetchone()
        return row

    def _typed(self, column: str, text: str) -> str:
        """Return SQL of a value of a column's type."""
        type_ = next(kept.type for kept in self._old.columns if kept.name == column)
        return f"CAST({literal(text)} AS {type_})"

    def _of(self, dataset: Dataset, *others: str) -> str:
        """Return a SELECT of keys, and of other columns, with the rows' positions."""
        return f"SELECT {self._names('', *others)}, {_POSITION} FROM ({scan_with_positions(dataset)})"

    def _names(self, table: str, *others: str) -> str:
        return ", ".join(f"{table}.{name}" if table else name for name in (*self._key, *others))

    def _same(self, one: str, other: str) -> str:
        return " AND ".join(f"{one}.{name} = {other}.{name}" for name in self._key)

    @staticmethod
    def _union(datasets: Sequence[Dataset], columns: str) -> str:
        return " UNION ALL ".join(f"SELECT {columns} FROM ({scan(dataset)})" for dataset in datasets)


class UnkeyedRows(KeptRows):
    """A kept dataset of a table without a key: rows are the same if their hashes are.

    For each hash, the numbers of rows that have it are compared. Where they differ, all rows of that hash are
    deleted and extracted again.
    """

    def __init__(self, cursor: Any, old: Dataset) -> None:
        super().__init__(cursor, old, [HASH])

    def compare(self, now: Dataset) -> Counts:
        """See KeptRows. A row that has changed counts as one that is deleted and one that is new."""
        self._begin(f"{HASH}, CAST(0 AS BIGINT) AS {_TIMES}", now)
        new = deleted = 0
        for part in self._parts(self._old, now):
            counts = (
                f"SELECT {HASH}, count(*) AS {_TIMES} FROM ({scan(rows)}) WHERE {part} GROUP BY 1"
                for rows in (self._old, now)
            )
            before, after = (f"coalesce({table}.{_TIMES}, 0)" for table in ("o", "n"))
            self._cursor.execute(
                f"CREATE OR REPLACE TEMP TABLE {_UNMATCHED} AS SELECT coalesce(o.{HASH}, n.{HASH}) AS {HASH},"
                f" {before} AS before, {after} AS after FROM ({next(counts)}) AS o"
                f" FULL JOIN ({next(counts)}) AS n ON o.{HASH} = n.{HASH} WHERE {before} <> {after}"
            )
            self._cursor.execute(
                f"INSERT INTO {_CHANGES} SELECT {_POSITION}, NULL, 0 FROM ({self._of(self._old)}) AS o"
                f" SEMI JOIN {_UNMATCHED} AS d ON o.{HASH} IS NOT DISTINCT FROM d.{HASH} AND {part}"
            )
            self._cursor.execute(
                f"INSERT INTO {_CHANGES} SELECT NULL, NULL, {HASH}, after FROM {_UNMATCHED} WHERE after > 0"
            )
            more, fewer = self._row(
                f"SELECT coalesce(sum(greatest(after - before, 0)), 0)::BIGINT,"
                f" coalesce(sum(greatest(before - after, 0)), 0)::BIGINT FROM {_UNMATCHED}"
            )
            new, deleted = new + int(more), deleted + int(fewer)
        return Counts(new, 0, deleted)

    def are_changed(self, rows: Sequence[Dataset]) -> bool:
        """See KeptRows: as many rows of each hash as were counted."""
        fetched = f"SELECT {HASH}, count(*) AS {_TIMES} FROM ({self._union(rows, HASH)}) GROUP BY 1"
        counted = f"SELECT {HASH}, {_TIMES} FROM {_CHANGES} WHERE {DELETED_ROW} IS NULL"
        differing = f"(({fetched}) EXCEPT ({counted})) UNION ALL (({counted}) EXCEPT ({fetched}))"
        nulls = f"SELECT 1 FROM ({counted}) WHERE {HASH} IS NULL"
        return all(self._cursor.execute(f"{sql} LIMIT 1").fetchone() is None for sql in (differing, nulls))
