"""Rows with all that refers to them: read, written down, deleted, and put back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
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
    connection: Connection, table: SqlTable, shape: Shape, key: Sequence[str], *, lock: bool = False
) -> Bundle:
    """Return the rows with a key, and all rows that refer to them.

    `lock`: nobody changes them, or adds others that refer to them, until the transaction ends. Stays if other
    rows refer to them that would be changed.
    """
    matching, values = matches(shape.main, shape.key, [key])
    where = f"({condition(table.where)}) AND " if table.where else ""
    bundle: dict[Name, list[Row]] = {name: [] for name in shape.tables}
    bundle[shape.main.name] = _read(connection, shape.main, where + matching, values, lock=lock)
    for name, columns in shape.tables.items():
        incoming = [of for of in shape.references if of.child == name]
        found = {
            row
            for of in incoming
            for some in _referred(shape, bundle, of)
            for row in _read(connection, columns, *matches(columns, of.columns, some), lock=lock)
        }
        bundle[name] += found - set(bundle[name])
    for barrier in shape.barriers:
        _require_no_others(connection, shape, bundle, barrier)
    return {name: sorted(rows, key=_sortable) for name, rows in bundle.items()}


def matches(
    columns: Columns, names: Sequence[str], keys: Sequence[Sequence[Value]], alias: str = ""
) -> tuple[str, dict[str, Value]]:
    """Return a condition that is true of the rows in which some columns have one of these lists of values."""
    prefix = f"{alias}." if alias else ""
    values: dict[str, Value] = {}
    either = []
    for number, key in enumerate(keys):
        parts = []
        for place, (name, value) in enumerate(zip(names, key, strict=True)):
            parameter = f"v{number}_{place}"
            values[parameter] = value
            parts.append(f"{prefix}{quoted(name)} = {_given(columns, name, parameter)}")
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


def delete(connection: Connection, shape: Shape, bundle: Bundle) -> None:
    """Delete an item's rows, those that refer to others first; Stays unless each of them was there."""
    for name in reversed(list(bundle)):
        columns = shape.tables[name]
        for some in _chunks([_key_of(columns, row) for row in bundle[name]]):
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
    given = ", ".join(_given(columns, name, f"w{place}") for place, name in enumerate(written))
    overriding = " OVERRIDING SYSTEM VALUE" if columns.name[0] else ""
    connection.execute(
        text(f"INSERT INTO {columns.sql} ({', '.join(map(quoted, written))}){overriding} VALUES ({given})"),
        {f"w{place}": row[name] for place, name in enumerate(written)},
    )
    return True


def _referred(shape: Shape, bundle: Bundle, of: Reference) -> Iterator[Sequence[Row]]:
    """Yield the values that rows have which refer to an item's rows by a reference, some at once."""
    parent = list(shape.tables[of.parent].types)
    places = [parent.index(name) for name in of.to]
    keys = {tuple(row[place] for place in places) for row in bundle[of.parent]}
    yield from _chunks(sorted((key for key in keys if None not in key), key=_sortable))


def _require_no_others(connection: Connection, shape: Shape, bundle: Bundle, of: Reference) -> None:
    """Raise Stays if rows that are not the item's refer to it by a reference."""
    columns = shape.tables.get(of.child)
    plain = Columns(name=of.child, types=_types_of(shape, of), key=(), generated=frozenset())
    for some in _referred(shape, bundle, of):
        matching, values = matches(plain, of.columns, some)
        if columns is None:
            sql = f"SELECT count(*) FROM {quoted(*of.child)} WHERE {matching}"
            others = int(connection.execute(text(sql), values).scalar() or 0)
        else:
            others = len(set(_read(connection, columns, matching, values)) - set(bundle[of.child]))
        if others:
            why = (
                f"{others} rows of {of.child[1]} refer to it, and would be changed: `with` lets them go, too"
            )
            raise Stays(Result.CHANGED, why)


def _types_of(shape: Shape, of: Reference) -> dict[str, str]:
    """Return the types of a reference's columns, which are those that they refer to."""
    parent = shape.tables[of.parent]
    return {name: parent.types[to] for name, to in zip(of.columns, of.to, strict=True)}


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


def _given(columns: Columns, name: str, parameter: str) -> str:
    if not columns.name[0]:
        return f":{parameter}"
    return f"CAST(:{parameter} AS {columns.types[name].replace(':', chr(92) + ':')})"


def _key_of(columns: Columns, row: Row) -> tuple[Value, ...]:
    names = list(columns.types)
    return tuple(row[names.index(name)] for name in columns.key)


def _chunks(keys: Sequence[tuple[Value, ...]]) -> Iterator[Sequence[tuple[Value, ...]]]:
    for begin in range(0, len(keys), _AT_ONCE):
        yield keys[begin : begin + _AT_ONCE]


def _sortable(row: Row) -> str:
    return json.dumps([as_json(value) for value in row])


def _plain(value: Value) -> str:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)
