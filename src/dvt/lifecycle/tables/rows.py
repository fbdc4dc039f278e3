"""Rows with all that refers to them: read, written down, deleted, and put back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from sqlalchemy import Connection, text

from dvt.config.lifecycle_tables import SqlTable
from dvt.core.retention import Result
from dvt.lifecycle.back_up.sources import NotRestored
from dvt.lifecycle.files import Stays
from dvt.lifecycle.tables.backup_lines import Bundle, Row, as_json
from dvt.lifecycle.tables.dialect import Columns, Locks, Name, Reference, Spelling, Value, parameter
from dvt.lifecycle.tables.shape import Shape

_T = TypeVar("_T", bound=Value)
_AT_ONCE = 200
"""Keys in one statement."""


def key_text(values: Sequence[Value]) -> str:
    """Return a key's values as the last part of an item's key."""
    return ",".join(quote(_plain(value), safe="") for value in values)


def key_values(key: str) -> tuple[str, ...]:
    """Return the values, as texts, of the last part of an item's key."""
    return tuple(unquote(part) for part in key.rpartition("/")[2].split(","))


def identity_of(rows: Iterable[Row]) -> str:
    """Return another text as soon as a value of these rows is another one."""
    lines = sorted(json.dumps([as_json(value) for value in row]) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def selected(columns: Columns, alias: str = "") -> str:
    """Return the columns of a SELECT that reads a table's values exactly."""
    return ", ".join(spelling.read(_of(columns, name, alias)) for name, spelling in columns.spellings.items())


def collect(
    connection: Connection,
    table: SqlTable,
    shape: Shape,
    keys: Sequence[Sequence[str]],
    *,
    lock: bool = False,
) -> list[Bundle | Stays]:
    """Return, for each of some keys, the rows with it, and all rows that refer to them.

    Stays for a key whose rows others refer to that would be changed. `lock`: nobody changes the rows, or adds
    others that refer to them, until the transaction ends.
    """
    locks = shape.main.dialect.locks(connection) if lock else Locks()
    owners: dict[Name, _Owned] = {name: {} for name in shape.tables}
    where = f"({parameter(table.where)}) AND " if table.where else ""
    wanted = {tuple(key): {number} for number, key in enumerate(keys)}
    items = _Search(columns=shape.main, names=shape.key, where=where, locking=locks.items, exact=True)
    items.add(connection, wanted, owners[shape.main.name])
    for name, columns in shape.tables.items():
        for of in (one for one in shape.references if one.child == name):
            below = _Search(
                columns=columns, names=of.columns, spellings=_spellings(shape, of), locking=locks.below
            )
            below.add(connection, _referred(shape, owners[of.parent], of), owners[name])
    stays = _hindered(connection, shape, owners, locks.barriers)
    bundles: list[dict[Name, list[Row]]] = [{name: [] for name in shape.tables} for _ in keys]
    for name, rows in owners.items():
        for row in sorted(rows, key=_sortable):
            for number in rows[row]:
                bundles[number][name].append(row)
    return [stays.get(number) or bundle for number, bundle in enumerate(bundles)]


_Owned = dict[Row, set[int]]
"""Row → the numbers of the items that it belongs to."""
_Values = tuple[str, ...]
"""Values of columns by which rows are found, as texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """Rows of a table that are found by values of some columns."""

    columns: Columns
    names: Sequence[str]
    spellings: Sequence[Spelling] = ()
    """The values' own, where they are not those of the columns."""
    where: str = ""
    locking: str = ""
    exact: bool = False
    """Whether the very same values are meant, and not those that the database holds to be equal."""

    def add(self, connection: Connection, wanted: Mapping[_Values, set[int]], found: _Owned) -> None:
        """Add the rows in which the columns have wanted values, with the items that these are of."""
        places = [list(self.columns.spellings).index(name) for name in self.names]
        for some in _chunks(sorted(wanted)):
            rows = self._rows(connection, some)
            if all(_texts(row, places) in wanted for row in rows):
                for row in rows:
                    found.setdefault(row, set()).update(wanted[_texts(row, places)])
                continue
            for key in some:  # equal values have other texts there: 1 and 1.00, or padded ones
                for row in self._rows(connection, [key]):
                    found.setdefault(row, set()).update(wanted[key])

    def _rows(self, connection: Connection, keys: Sequence[_Values]) -> list[Row]:
        matching, values = matches(self.columns, self.names, keys, spellings=self.spellings, exact=self.exact)
        return _read(connection, self.columns, self.where + matching, values, self.locking)


def _referred(shape: Shape, rows: _Owned, of: Reference) -> dict[_Values, set[int]]:
    """Return the values that rows have which refer to these rows, with the items that these belong to."""
    parent = list(shape.tables[of.parent].spellings)
    places = [parent.index(name) for name in of.to]
    referred: dict[_Values, set[int]] = {}
    for row, numbers in rows.items():
        if all(row[place] is not None for place in places):
            referred.setdefault(_texts(row, places), set()).update(numbers)
    return referred


def _hindered(
    connection: Connection, shape: Shape, owners: Mapping[Name, _Owned], locking: str
) -> dict[int, Stays]:
    """Return the items that rows refer to which are none of theirs, and would be changed."""
    stays: dict[int, Stays] = {}
    for of in shape.barriers:
        spellings = _spellings(shape, of)
        columns = shape.tables.get(of.child) or Columns(
            name=of.child,
            dialect=shape.main.dialect,
            spellings=dict(zip(of.columns, spellings, strict=True)),
            key=(),
            generated=frozenset(),
        )
        found: _Owned = {}
        search = _Search(columns=columns, names=of.columns, spellings=spellings, locking=locking)
        search.add(connection, _referred(shape, owners[of.parent], of), found)
        for row, numbers in found.items():
            for number in numbers - owners.get(of.child, {}).get(row, set()):
                why = f"rows of {of.child[1]} refer to it and would be changed: `with` lets them go, too"
                stays[number] = Stays(Result.CHANGED, why)
    return stays


def _spellings(shape: Shape, of: Reference) -> list[Spelling]:
    """Return the spellings of the columns that a reference refers to."""
    return [shape.tables[of.parent].spellings[name] for name in of.to]


def _texts(row: Row, places: Sequence[int]) -> _Values:
    return tuple(_plain(row[place]) for place in places)


def matches(
    columns: Columns,
    names: Sequence[str],
    keys: Sequence[Sequence[Value]],
    alias: str = "",
    *,
    spellings: Sequence[Spelling] = (),
    exact: bool = False,
) -> tuple[str, dict[str, Value]]:
    """Return a condition that is true of the rows in which some columns have one of these lists of values.

    `spellings`: the values' own, where they are not the columns'. `exact`: equal values that are others are
    not meant, such as `a` for `A` where the column's collation holds them to be equal.
    """
    of = spellings or [columns.spellings[name] for name in names]
    values: dict[str, Value] = {}
    either = []
    for number, key in enumerate(keys):
        parts = []
        for place, (name, value) in enumerate(zip(names, key, strict=True)):
            parameter_name = f"v{number}_{place}"
            values[parameter_name] = value
            column, given = _of(columns, name, alias), of[place].given(parameter_name, value)
            parts.append(f"{column} = {given}")
            if exact and (exactly := of[place].exact) is not None:
                parts.append(f"{exactly(column)} = {exactly(given)}")
        either.append(f"({' AND '.join(parts)})")
    return f"({' OR '.join(either)})", values


def delete(connection: Connection, shape: Shape, bundles: Sequence[Bundle]) -> None:
    """Delete the rows of items, those that refer to others first; Stays unless each of them was there."""
    for name, columns in reversed(list(shape.tables.items())):
        keys = {_key_of(columns, row) for bundle in bundles for row in bundle[name]}
        for some in _chunks(sorted(keys, key=_sortable)):
            matching, values = matches(columns, columns.key, some)
            done = connection.execute(text(f"DELETE FROM {columns.sql} WHERE {matching}"), values)
            if done.rowcount != len(some):
                raise Stays(Result.CHANGED, f"rows of {name[1]} have changed since they were backed up")


def put_back(connection: Connection, columns: Columns, row: Mapping[str, Value]) -> bool:
    """Insert a row unless the very same is there, and return whether it was missing.

    NotRestored if another row has its key, or the table has lost a column.
    """
    missing = row.keys() - columns.spellings.keys()
    if missing:
        raise NotRestored(f"{columns.name[1]} has no column {', '.join(sorted(missing))} any more")
    matching, values = matches(columns, columns.key, [[row[name] for name in columns.key]])
    present = _read(connection, columns, matching, values)
    if present:
        there = dict(zip(columns.spellings, present[0], strict=True))
        if all(there[name] == value for name, value in row.items()):
            return False
        raise NotRestored(f"another row of {columns.name[1]} has its key")
    written = [name for name in row if name not in columns.generated]
    names = ", ".join(map(columns.dialect.quoted, written))
    given = ", ".join(
        columns.spellings[name].given(f"w{place}", row[name]) for place, name in enumerate(written)
    )
    connection.execute(
        text(f"INSERT INTO {columns.sql} ({names}){columns.dialect.overriding} VALUES ({given})"),
        {f"w{place}": row[name] for place, name in enumerate(written)},
    )
    _require_same(
        columns, {name: row[name] for name in written}, _read(connection, columns, matching, values)
    )
    return True


def _require_same(columns: Columns, row: Mapping[str, Value], found: Sequence[Row]) -> None:
    """NotRestored unless the row that was just put back is there with all its values."""
    there = dict(zip(columns.spellings, found[0], strict=True)) if found else {}
    other = [name for name, value in row.items() if name not in there or there[name] != value]
    if other:
        raise NotRestored(f"{columns.name[1]} does not take {', '.join(other)} as they were")


def _read(
    connection: Connection,
    columns: Columns,
    where: str,
    values: Mapping[str, Value],
    locking: str = "",
) -> list[Row]:
    sql = f"SELECT {selected(columns)} FROM {columns.sql} WHERE {where}{locking}"
    rows: Iterator[Any] = iter(connection.execute(text(sql), values))
    return [tuple(row) for row in rows]


def _of(columns: Columns, name: str, alias: str) -> str:
    """Return a column in SQL."""
    return (f"{alias}." if alias else "") + columns.dialect.quoted(name)


def _key_of(columns: Columns, row: Row) -> tuple[Value, ...]:
    names = list(columns.spellings)
    return tuple(row[names.index(name)] for name in columns.key)


def _chunks(keys: Sequence[tuple[_T, ...]]) -> Iterator[Sequence[tuple[_T, ...]]]:
    for begin in range(0, len(keys), _AT_ONCE):
        yield keys[begin : begin + _AT_ONCE]


def _sortable(row: Row) -> str:
    return json.dumps([as_json(value) for value in row])


def _plain(value: Value) -> str:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)
