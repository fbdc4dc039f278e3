"""Rows with all that refers to them: read, written down, deleted, and put back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from sqlalchemy import Connection, text

from dvt.config.lifecycle_tables import SqlTable
from dvt.core.retention import Result
from dvt.lifecycle.back_up.sources import NotRestored
from dvt.lifecycle.files import Stays
from dvt.lifecycle.tables.database import Value, as_json, condition, of_json, quoted
from dvt.lifecycle.tables.shape import Columns, Name, Reference, Shape

Row = tuple[Value, ...]
"""Values of a table's columns, in their order."""
Bundle = Mapping[Name, Sequence[Row]]
"""Table → the rows of an item, sorted; in the order in which they can be put back."""
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
    prefix = f"{alias}." if alias else ""
    if columns.name[0]:
        return ", ".join(f"CAST({prefix}{quoted(name)} AS text)" for name in columns.types)
    return ", ".join(f"{prefix}{quoted(name)}" for name in columns.types)


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
    owners: dict[Name, _Owned] = {name: {} for name in shape.tables}
    where = f"({condition(table.where)}) AND " if table.where else ""
    wanted = {tuple(key): {number} for number, key in enumerate(keys)}
    _own(connection, shape.main, shape.key, wanted, owners[shape.main.name], where=where, lock=lock)
    for name, columns in shape.tables.items():
        for of in (one for one in shape.references if one.child == name):
            referred = _referred(shape, owners[of.parent], of)
            _own(connection, columns, of.columns, referred, owners[name], types=_types(shape, of), lock=lock)
    stays = _hindered(connection, shape, owners)
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


def _own(
    connection: Connection,
    columns: Columns,
    names: Sequence[str],
    wanted: Mapping[_Values, set[int]],
    found: _Owned,
    *,
    types: Sequence[str] = (),
    where: str = "",
    lock: bool = False,
) -> None:
    """Add the rows in which some columns have wanted values, with the items that these are of."""
    places = [list(columns.types).index(name) for name in names]
    for some in _chunks(sorted(wanted)):
        matching, values = matches(columns, names, some, types=types)
        rows = _read(connection, columns, where + matching, values, lock=lock)
        if all(_texts(row, places) in wanted for row in rows):
            for row in rows:
                found.setdefault(row, set()).update(wanted[_texts(row, places)])
            continue
        for key in some:  # equal values have other texts there: 1 and 1.00, or padded ones
            matching, values = matches(columns, names, [key], types=types)
            for row in _read(connection, columns, where + matching, values, lock=lock):
                found.setdefault(row, set()).update(wanted[key])


def _referred(shape: Shape, rows: _Owned, of: Reference) -> dict[_Values, set[int]]:
    """Return the values that rows have which refer to these rows, with the items that these belong to."""
    parent = list(shape.tables[of.parent].types)
    places = [parent.index(name) for name in of.to]
    referred: dict[_Values, set[int]] = {}
    for row, numbers in rows.items():
        if all(row[place] is not None for place in places):
            referred.setdefault(_texts(row, places), set()).update(numbers)
    return referred


def _hindered(connection: Connection, shape: Shape, owners: Mapping[Name, _Owned]) -> dict[int, Stays]:
    """Return the items that rows refer to which are none of theirs, and would be changed."""
    stays: dict[int, Stays] = {}
    for of in shape.barriers:
        parent = shape.tables[of.parent]
        types = {name: parent.types[to] for name, to in zip(of.columns, of.to, strict=True)}
        columns = shape.tables.get(of.child) or Columns(
            name=of.child, types=types, key=(), generated=frozenset()
        )
        found: _Owned = {}
        referred = _referred(shape, owners[of.parent], of)
        _own(connection, columns, of.columns, referred, found, types=_types(shape, of))
        for row, numbers in found.items():
            for number in numbers - owners.get(of.child, {}).get(row, set()):
                why = f"rows of {of.child[1]} refer to it and would be changed: `with` lets them go, too"
                stays[number] = Stays(Result.CHANGED, why)
    return stays


def _types(shape: Shape, of: Reference) -> list[str]:
    """Return the types of the columns that a reference refers to."""
    return [shape.tables[of.parent].types[name] for name in of.to]


def _texts(row: Row, places: Sequence[int]) -> _Values:
    return tuple(_plain(row[place]) for place in places)


def matches(
    columns: Columns,
    names: Sequence[str],
    keys: Sequence[Sequence[Value]],
    alias: str = "",
    types: Sequence[str] = (),
) -> tuple[str, dict[str, Value]]:
    """Return a condition that is true of the rows in which some columns have one of these lists of values.

    `types`: the values' own, where they are not the columns'.
    """
    prefix = f"{alias}." if alias else ""
    of = types or [columns.types[name] for name in names]
    values: dict[str, Value] = {}
    either = []
    for number, key in enumerate(keys):
        parts = []
        for place, (name, value) in enumerate(zip(names, key, strict=True)):
            parameter = f"v{number}_{place}"
            values[parameter] = value
            parts.append(f"{prefix}{quoted(name)} = {_given(columns, of[place], parameter)}")
        either.append(f"({' AND '.join(parts)})")
    return f"({' OR '.join(either)})", values


def lines_of(shape: Shape, bundle: Bundle) -> Iterator[bytes]:
    """Yield the lines of an item's backup: what is in it, then a row a line, in the order of putting back."""
    tables = [list(name) for name in bundle]
    yield json.dumps({"dvt": "rows", "format": 1, "tables": tables}).encode() + b"\n"
    for number, (name, rows) in enumerate(bundle.items()):
        names = list(shape.tables[name].types)
        for row in rows:
            values = {column: as_json(value) for column, value in zip(names, row, strict=True)}
            yield json.dumps({"table": number, "row": values}).encode() + b"\n"


def read_lines(content: bytes) -> Iterator[tuple[Name, dict[str, Value]]]:
    """Yield table and values of each row in a backup, in the order of putting back."""
    first, *lines = content.splitlines()
    head: dict[str, Any] = json.loads(first)
    tables = [(name[0], name[1]) for name in head["tables"]]
    for line in lines:
        said = json.loads(line)
        yield tables[said["table"]], {column: of_json(value) for column, value in said["row"].items()}


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
    missing = row.keys() - columns.types.keys()
    if missing:
        raise NotRestored(f"{columns.name[1]} has no column {', '.join(sorted(missing))} any more")
    matching, values = matches(columns, columns.key, [[row[name] for name in columns.key]])
    present = _read(connection, columns, matching, values)
    if present:
        there = dict(zip(columns.types, present[0], strict=True))
        if all(there[name] == value for name, value in row.items()):
            return False
        raise NotRestored(f"another row of {columns.name[1]} has its key")
    written = [name for name in row if name not in columns.generated]
    given = ", ".join(_given(columns, columns.types[name], f"w{place}") for place, name in enumerate(written))
    overriding = " OVERRIDING SYSTEM VALUE" if columns.name[0] else ""
    connection.execute(
        text(f"INSERT INTO {columns.sql} ({', '.join(map(quoted, written))}){overriding} VALUES ({given})"),
        {f"w{place}": row[name] for place, name in enumerate(written)},
    )
    return True


def _read(
    connection: Connection,
    columns: Columns,
    where: str,
    values: Mapping[str, Value],
    *,
    lock: bool = False,
) -> list[Row]:
    locking = " FOR UPDATE" if lock and columns.name[0] else ""
    sql = f"SELECT {selected(columns)} FROM {columns.sql} WHERE {where}{locking}"
    rows: Iterator[Any] = iter(connection.execute(text(sql), values))
    return [tuple(row) for row in rows]


def _given(columns: Columns, type_: str, parameter: str) -> str:
    if not columns.name[0]:
        return f":{parameter}"
    return f"CAST(:{parameter} AS {condition(type_)})"


def _key_of(columns: Columns, row: Row) -> tuple[Value, ...]:
    names = list(columns.types)
    return tuple(row[names.index(name)] for name in columns.key)


def _chunks(keys: Sequence[tuple[_T, ...]]) -> Iterator[Sequence[tuple[_T, ...]]]:
    for begin in range(0, len(keys), _AT_ONCE):
        yield keys[begin : begin + _AT_ONCE]


def _sortable(row: Row) -> str:
    return json.dumps([as_json(value) for value in row])


def _plain(value: Value) -> str:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)
