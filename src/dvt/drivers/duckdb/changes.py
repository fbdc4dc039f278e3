"""Finds which rows of a kept dataset have changed, and writes the dataset as the table is now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import duckdb

from dvt.core.ports.staging import Dataset, Sink
from dvt.drivers.duckdb.sql import encoded, literal, quoted, set_time_zone
from dvt.drivers.duckdb.staging import scan, write

HASH = "dvt_hash"
"""Name of the column with the hash of a row."""
ROWS = "dvt_rows"
"""Name of the column with the number of rows that the table has."""
_CHANGED, _GONE = "dvt_changed", "dvt_gone"
"""Names of temporary tables: keys of rows that are new or have changed, and of those that are no more."""


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
        """`key`: names of the columns that tell rows apart."""
        self._cursor = cursor
        self._old = old.widened()
        self._key = [quoted(name) for name in key]
        set_time_zone(cursor, "UTC")

    def close(self) -> None:
        """Drop the temporary tables."""
        for table in (_CHANGED, _GONE):
            with suppress(duckdb.Error):
                self._cursor.execute(f"DROP TABLE IF EXISTS {table}")
        self._cursor.close()

    def is_unique(self, rows: Dataset) -> bool:
        """Return whether the key is that of one row alone, and has no NULL."""
        keys = ", ".join(self._key)
        nulls = " OR ".join(f"{name} IS NULL" for name in self._key)
        twice = f"SELECT {keys} FROM ({scan(rows)}) GROUP BY {keys} HAVING count(*) > 1 OR {nulls} LIMIT 1"
        return self._cursor.execute(twice).fetchone() is None

    def compare(self, now: Dataset) -> Counts:
        """Find the keys of changed and deleted rows, given the key and the hash of each row."""
        is_known = f"o.{self._key[0]} IS NOT NULL"
        keys = ", ".join(f"n.{name}" for name in self._key)
        self._cursor.execute(
            f"CREATE OR REPLACE TEMP TABLE {_CHANGED} AS SELECT {keys}, n.{HASH}, {is_known} AS dvt_known"
            f" FROM ({scan(now)}) AS n LEFT JOIN ({self._keys_of(self._old, HASH)}) AS o"
            f" ON {self._same('n', 'o')}"
            f" WHERE (n.{HASH} = o.{HASH}) IS NOT TRUE"
        )
        new, changed = self._known()
        deleted = self._find_gone(now) if self._old.rows + new != now.rows else 0
        return Counts(new, changed, deleted)

    def batches(self, size: int) -> Iterator[list[tuple[str, ...]]]:
        """Yield the keys of changed rows, as texts, in lists of this length."""
        texts = ", ".join(f"CAST({name} AS VARCHAR)" for name in self._key)
        keys = self._cursor.execute(f"SELECT {texts} FROM {_CHANGED}").fetchall()
        for start in range(0, len(keys), size):
            yield keys[start : start + size]

    def are_changed(self, rows: Sequence[Dataset]) -> bool:
        """Return whether these are the changed rows as they were compared: all, each once, and no others."""
        columns = ", ".join([*self._key, HASH])
        fetched = self._union(rows, columns)
        differing = (
            f"(FROM ({fetched}) EXCEPT ALL SELECT {columns} FROM {_CHANGED})"
            f" UNION ALL (SELECT {columns} FROM {_CHANGED} EXCEPT ALL FROM ({fetched}))"
        )
        nulls = f"SELECT 1 FROM {_CHANGED} WHERE {HASH} IS NULL LIMIT 1"
        return (
            self._cursor.execute(f"SELECT 1 FROM ({differing}) LIMIT 1").fetchone() is None
            and self._cursor.execute(nulls).fetchone() is None
        )

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

    def found(self, rows: Dataset, column: str, highest: str) -> int | None:
        """Return the number of rows that the table has, which each of the rows tells.

        None if none of them has a value of the column as high as one that was kept.
        """
        reached = f"max({quoted(column)}) >= {self._typed(column, highest)}"
        count, is_reached = self._row(f"SELECT max({ROWS}), {reached} FROM ({scan(rows)})")
        return int(count) if is_reached else None

    def replaced_by(self, rows: Dataset, column: str, highest: str) -> Counts:
        """Take rows as what has changed; nothing counts as deleted yet.

        Those with a value of the column up to the highest that was kept may be the same as before.
        """
        is_known = f"o.{self._key[0]} IS NOT NULL"
        old, now = self._keys_of(self._old), self._keys_of(rows)
        self._cursor.execute(
            f"CREATE OR REPLACE TEMP TABLE {_CHANGED} AS SELECT n.*, {is_known} AS dvt_known"
            f" FROM ({now}) AS n LEFT JOIN ({old}) AS o ON {self._same('n', 'o')}"
        )
        new, known = self._known()
        names = ", ".join(quoted(kept.name) for kept in self._old.columns)
        is_old = f"({quoted(column)} <= {self._typed(column, highest)}) IS NOT FALSE"
        again = f"SELECT {names} FROM ({scan(rows)}) WHERE {is_old}"
        kept = f"SELECT {names} FROM ({scan(self._old)}) AS o"
        before = f"{kept} SEMI JOIN ({again}) AS a ON {self._same('o', 'a')}"
        (unchanged,) = self._row(f"SELECT count(*) FROM (({again}) INTERSECT ALL ({before}))")
        return Counts(new, known - unchanged)

    def without_gone(self, now: Dataset) -> int | None:
        """Find which rows are no more, given all keys; None if there are keys of rows that are not known."""
        known = (
            f"SELECT * FROM ({self._keys_of(self._old)}) UNION SELECT {', '.join(self._key)} FROM {_CHANGED}"
        )
        unknown = f"FROM ({scan(now)}) AS n ANTI JOIN ({known}) AS k ON {self._same('n', 'k')} LIMIT 1"
        changed_and_gone = (
            f"FROM {_CHANGED} AS c ANTI JOIN ({scan(now)}) AS n ON {self._same('c', 'n')} LIMIT 1"
        )
        if any(self._cursor.execute(f"SELECT 1 {sql}").fetchone() for sql in (unknown, changed_and_gone)):
            return None
        return self._find_gone(now)

    def merge(self, rows: Sequence[Dataset], sink: Sink, *, deleted: bool) -> Dataset:
        """Write the kept rows that are still the same, and the changed ones; commit them."""
        columns = self._old.columns
        values = ", ".join(f"{encoded(quoted(c.name), c.type)} AS {quoted(c.name)}" for c in columns)
        names = ", ".join(quoted(column.name) for column in columns)
        old = f"SELECT {names} FROM ({scan(self._old)}) AS o"
        select = f"{old} ANTI JOIN {_CHANGED} AS c ON {self._same('o', 'c')}"
        if deleted:
            select = f"SELECT {names} FROM ({select}) AS o ANTI JOIN {_GONE} AS g ON {self._same('o', 'g')}"
        if rows:
            select = f"{select} UNION ALL {self._union(rows, names)}"
        count = write(self._cursor, f"SELECT {values} FROM ({select})", sink, columns)
        return sink.commit(columns, count)

    def _find_gone(self, now: Dataset) -> int:
        keys = ", ".join(self._key)
        self._cursor.execute(
            f"CREATE OR REPLACE TEMP TABLE {_GONE} AS SELECT {keys} FROM ({self._keys_of(self._old)}) AS o"
            f" ANTI JOIN ({scan(now)}) AS n ON {self._same('o', 'n')}"
        )
        (gone,) = self._row(f"SELECT count(*) FROM {_GONE}")
        return int(gone)

    def _known(self) -> tuple[int, int]:
        """Return how many of the changed rows are new, and how many were there before."""
        new, known = self._row(
            f"SELECT count(*) FILTER (NOT dvt_known), count(*) FILTER (dvt_known) FROM {_CHANGED}"
        )
        return int(new), int(known)

    def _row(self, sql: str) -> tuple[Any, ...]:
        row: tuple[Any, ...] = self._cursor.execute(sql).fetchone()
        return row

    def _typed(self, column: str, text: str) -> str:
        """Return SQL of a value of a column's type."""
        type_ = next(kept.type for kept in self._old.columns if kept.name == column)
        return f"CAST({literal(text)} AS {type_})"

    def _keys_of(self, dataset: Dataset, *others: str) -> str:
        names = ", ".join([*self._key, *others])
        return f"SELECT {names} FROM ({scan(dataset)})"

    def _same(self, one: str, other: str) -> str:
        return " AND ".join(f"{one}.{name} = {other}.{name}" for name in self._key)

    @staticmethod
    def _union(datasets: Sequence[Dataset], columns: str) -> str:
        return " UNION ALL ".join(f"SELECT {columns} FROM ({scan(dataset)})" for dataset in datasets)
