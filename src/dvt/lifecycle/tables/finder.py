"""Finds items in a table: the rows with one key are one item. Nothing is changed: the database sees to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, text

from dvt.config.lifecycle_tables import SqlTable
from dvt.core.errors import DvtError, RowsMisdescribed
from dvt.core.retention import Hold, HoldCode, Item, ItemKind, Moment, Status
from dvt.lifecycle.find.operations import moment_of
from dvt.lifecycle.tables.backup_lines import Row
from dvt.lifecycle.tables.database import Database
from dvt.lifecycle.tables.dialect import Columns, Value, parameter
from dvt.lifecycle.tables.rows import identity_of, key_text, key_values, matches, selected
from dvt.lifecycle.tables.shape import Shape, columns_of, require_comparable, shape_of

_PER_FETCH = 500
"""Rows that are in memory at once."""


class RowFinder:
    """Implements Finder for the rows of a table."""

    def __init__(self, table: SqlTable, database: Database) -> None:
        self._table, self._database = table, database
        self._problems: list[DvtError] = []

    @property
    def data_types(self) -> tuple[str, ...]:
        """See Finder."""
        return (self._table.name,)

    @property
    def roots(self) -> tuple[str, ...]:
        """See Finder. The table is part of it, and the condition: what a plan is limited to is seen in it."""
        where = f" where {self._table.where}" if self._table.where else ""
        return (f"{self._database.label}/{self._table.table}{where}",)

    @property
    def problems(self) -> Sequence[DvtError]:
        """See Finder."""
        return tuple(self._problems)

    def find(self, now: Moment) -> Iterator[Item]:  # noqa: ARG002  rows have their own times
        """See Finder. A database that does not answer is noted in `problems`."""
        self._problems = []
        try:
            with self._database.reading() as connection:
                yield from self._items(connection, ())
        except DvtError as error:
            self._problems.append(error)

    def look(self, items: Sequence[Item], now: Moment) -> Sequence[Item | None]:  # noqa: ARG002
        """See Finder."""
        self._problems = []
        keys = [key_values(item.key) for item in items]
        try:
            with self._database.reading() as connection:
                present = {item.key: item for item in self._items(connection, keys)}
        except DvtError as error:
            self._problems.append(error)
            hold = Hold(HoldCode.UNREADABLE, error.message)
            return [replace(item, holds=(hold,)) for item in items]
        return [present.get(item.key) for item in items]

    def _items(self, connection: Connection, keys: Sequence[Sequence[str]]) -> Iterator[Item]:
        shape = shape_of(connection, self._database.dialect, self._table)
        reading = _Reading.of(self._table, shape, connection)
        sql, values = reading.statement(keys)
        rows = connection.execution_options(stream_results=True, yield_per=_PER_FETCH).execute(
            text(sql), values
        )
        places = [list(shape.main.spellings).index(name) for name in shape.key]
        found: Iterator[Any] = iter(rows)
        read: Iterator[Row] = (tuple(row) for row in found)
        for key, group in groupby(read, key=lambda row: tuple(row[place] for place in places)):
            yield reading.item(self._database.label, key, list(group))


@dataclass(frozen=True, slots=True)
class _Reading:
    """How the rows of a table are read, and what is taken from them."""

    table: SqlTable
    shape: Shape
    other: Columns | None
    """The other table, which has the status."""
    extra: tuple[str, ...]
    """Columns of it that are read, too: the status, and those of groups."""

    @classmethod
    def of(cls, table: SqlTable, shape: Shape, connection: Connection) -> _Reading:
        """Return it; RowsMisdescribed if a column that is named is nowhere."""
        own = shape.main.spellings
        wanted = tuple(dict.fromkeys([*([table.status] if table.status else []), *table.group]))
        other: Columns | None = None
        extra: tuple[str, ...] = ()
        if table.status_in is not None:
            other = columns_of(connection, shape.main.dialect, table, table.status_in.table)
            lacking = table.status_in.by.keys() - other.spellings.keys()
            lacking |= set(table.status_in.by.values()) - own.keys()
            extra = tuple(name for name in wanted if name in other.spellings and name not in own)
            extra += (table.status,) if table.status in other.spellings and table.status not in extra else ()
        else:
            lacking = set()
        lacking |= {name for name in wanted if name not in own and name not in extra}
        if lacking:
            raise RowsMisdescribed(table.name, f"there is no column {', '.join(sorted(lacking))}")
        if other is not None and table.status_in is not None:
            by = table.status_in.by
            require_comparable(table, other, tuple(by), shape.main, tuple(by.values()))
        return cls(table, shape, other, extra)

    def statement(self, keys: Sequence[Sequence[str]]) -> tuple[str, Mapping[str, Value]]:
        """Return the SELECT that reads the rows of these keys, of all if there are none, ordered by key."""
        main, quoted = self.shape.main, self.shape.main.dialect.quoted
        columns, joined = [selected(main, "m")], ""
        if self.other is not None and self.table.status_in is not None:
            columns += [self.other.spellings[name].read(f"s.{quoted(name)}") for name in self.extra]
            by = self.table.status_in.by
            on = " AND ".join(f"s.{quoted(of)} = m.{quoted(to)}" for of, to in by.items())
            joined = f" LEFT JOIN {self.other.sql} s ON {on}"
        conditions = [f"m.{quoted(name)} IS NOT NULL" for name in self.shape.key]
        values: dict[str, Value] = {}
        if keys:
            matching, values = matches(main, self.shape.key, keys, "m", exact=True)
            conditions.append(matching)
        sql = f"SELECT {', '.join(columns)} FROM {self._source()}{joined} WHERE {' AND '.join(conditions)}"
        return f"{sql} ORDER BY {', '.join(self._order())}", values

    def _order(self) -> Iterator[str]:
        """Yield by what rows are ordered, so that those with one key follow each other."""
        main, is_unique = self.shape.main, self.shape.key == self.shape.main.key
        for name in self.shape.key:
            column, exact = f"m.{main.dialect.quoted(name)}", main.spellings[name].exact
            yield column
            if exact is not None and not is_unique:
                yield exact(column)

    def _source(self) -> str:
        """Return the table, or what is left of it; its condition is of its own columns alone."""
        main = self.shape.main
        if not self.table.where:
            return f"{main.sql} m"
        columns = ", ".join(map(main.dialect.quoted, main.spellings))
        return f"(SELECT {columns} FROM {main.sql} WHERE {parameter(self.table.where)}) m"

    def item(self, label: str, key: Sequence[Value], rows: Sequence[Row]) -> Item:
        """Return the rows with one key as an item."""
        width = len(self.shape.main.spellings)
        own = list(dict.fromkeys(row[:width] for row in rows))
        moments = [self._moment(row) for row in rows]
        known = [moment for moment in moments if moment is not None]
        return Item(
            data_type=self.table.name,
            kind=ItemKind.ROWS,
            key=f"{label}/{self.table.table}/{key_text(key)}",
            root=label,
            identity=identity_of(own),
            group="/".join(str(self._value(rows[0], name) or "") for name in self.table.group).strip("/"),
            bytes=sum(len(str(value)) for row in own for value in row if value is not None),
            files=len(own),
            status=self._status(rows),
            recorded=max(known) if len(known) == len(moments) else None,
        )

    def _value(self, row: Row, name: str) -> Value:
        if name in self.extra:
            return row[len(self.shape.main.spellings) + self.extra.index(name)]
        return row[list(self.shape.main.spellings).index(name)]

    def _moment(self, row: Row) -> Moment | None:
        endings = {name: self.shape.main.spellings[name].ending for name in self.shape.times}
        moments = [as_moment(self._value(row, name), ending) for name, ending in endings.items()]
        return max((moment for moment in moments if moment is not None), default=None)

    def _status(self, rows: Iterable[Row]) -> Status | None:
        """Return how the work ended: of several rows, the least finished says it. None where nothing does."""
        if not self.table.status:
            return None
        values = {self._value(row, self.table.status) for row in rows}
        texts = {str(value) for value in values if value is not None}
        if texts & self.table.running:
            return Status.RUNNING
        if None in values:
            # A row without one in the other table has outlived what it belonged to.
            return None if self.table.status_in is not None and not texts else Status.UNKNOWN
        return Status.COMPLETED if texts <= self.table.success else Status.FAILED


def as_moment(value: Any, ending: str = "") -> Moment | None:
    """Return the moment that a value is: a time in ISO 8601, the latest that it can mean, or seconds.

    `ending`: what the text lacks to be a time.
    """
    if isinstance(value, int | float):
        return round(value * 1_000_000) * 1000 if abs(value) < _LATEST else None
    if not isinstance(value, str):
        return None
    try:
        return moment_of(value + ending) if ending else as_moment(float(value))
    except ValueError:
        return moment_of(value)


_LATEST = 2**33
"""Seconds since 1970 that a number may be at most, in the year 2242: others are of another unit."""
