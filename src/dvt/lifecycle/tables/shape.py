"""What a table's rows consist of: its columns, its key, and which rows of other tables refer to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, inspect, text

from dvt.config.lifecycle_tables import Join, SqlTable
from dvt.core.errors import RowsMisdescribed
from dvt.lifecycle.tables.database import quoted

Name = tuple[str, str]
"""Schema and table; the schema is empty on SQLite."""
_LOSES = frozenset({"SET NULL", "SET DEFAULT"})
"""What a foreign key does to rows that refer to deleted ones, other than keeping these or going with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """A table's columns."""

    name: Name
    types: Mapping[str, str]
    """Column → its type as the database spells it, in their order."""
    key: tuple[str, ...]
    """The primary key."""
    generated: frozenset[str]
    """Those that nobody writes."""

    @property
    def sql(self) -> str:
        """The table's name in SQL."""
        return quoted(*self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """That rows of one table refer to rows of another."""

    child: Name
    parent: Name
    columns: tuple[str, ...]
    """The child's."""
    to: tuple[str, ...]
    """The parent's."""
    on_delete: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A table, and the tables whose rows go with its rows."""

    main: Columns
    tables: Mapping[Name, Columns]
    """The table and those whose rows go with its rows, each after those that it refers to."""
    references: tuple[Reference, ...]
    """By which rows are found that go, too, in the order of the tables."""
    barriers: tuple[Reference, ...]
    """By which no other row may refer: it would be changed, and nobody would know of it."""
    key: tuple[str, ...]
    times: tuple[str, ...]


def shape_of(connection: Connection, table: SqlTable) -> Shape:
    """Look a table up, and what refers to it; RowsMisdescribed if it is not as lifecycle.yml says."""
    is_sqlite = connection.dialect.name == "sqlite"
    main = _columns(connection, table, _found(connection, table, table.table))
    references = list(_sqlite_references(connection) if is_sqlite else _postgres_references(connection))
    declared = [
        _declared(connection, table, main.name, join)
        for join in table.also
        if not table.may_lack or _is_there(connection, table, join.table)
    ]
    declared_names = {reference.child for reference in declared}
    usable, barriers = _split(main.name, [*declared, *references], declared_names)
    order = _order(main.name, usable)
    tables = {name: _columns(connection, table, name) for name in order}
    keyless = [".".join(filter(None, name)) for name, of in tables.items() if not of.key]
    if keyless:
        raise RowsMisdescribed(
            table.name, f"{', '.join(keyless)} has no primary key, so that its rows cannot be told apart"
        )
    return Shape(
        main=main,
        tables=tables,
        references=tuple(sorted(usable, key=lambda of: order.index(of.child))),
        barriers=tuple(barriers),
        key=_present(table, main, table.key or main.key, "key"),
        times=_times(table, main),
    )


def _times(table: SqlTable, main: Columns) -> tuple[str, ...]:
    if not table.may_lack:
        return _present(table, main, table.time, "time")
    times = tuple(column for column in table.time if column in main.types)
    return times or _present(table, main, table.time, "time")


def _present(table: SqlTable, main: Columns, columns: Sequence[str], what: str) -> tuple[str, ...]:
    missing = [column for column in columns if column not in main.types]
    if missing:
        raise RowsMisdescribed(table.name, f"{what}: {table.table} has no column {', '.join(missing)}")
    return tuple(columns)


def _found(connection: Connection, table: SqlTable, name: str) -> Name:
    """Return schema and name of a table; RowsMisdescribed if there is none."""
    if connection.dialect.name == "sqlite":
        there = connection.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'table' AND name = :name"), {"name": name}
        ).scalar()
        found = None if there is None else ("", str(there))
    else:
        given = quoted(table.schema or "", name).replace("\\:", ":")
        row = connection.execute(
            text(
                "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE c.oid = to_regclass(:name) AND c.relkind IN ('r', 'p')"
            ),
            {"name": given},
        ).one_or_none()
        found = None if row is None else (str(row[0]), str(row[1]))
    if found is None:
        schema = f" in schema {table.schema}" if table.schema else ""
        raise RowsMisdescribed(table.name, f"there is no table {name}{schema}")
    return found


def _is_there(connection: Connection, table: SqlTable, name: str) -> bool:
    try:
        _found(connection, table, name)
    except RowsMisdescribed:
        return False
    return True


def _columns(connection: Connection, table: SqlTable, name: Name) -> Columns:
    inspector = inspect(connection)
    schema = name[0] or None
    columns = inspector.get_columns(name[1], schema=schema)
    types = {str(column["name"]): str(column["type"]) for column in columns}
    if connection.dialect.name != "sqlite":
        rows = connection.execute(
            text(
                "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
                "WHERE attrelid = to_regclass(:name) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
            ),
            {"name": quoted(*name).replace("\\:", ":")},
        )
        types = {str(column): str(type_) for column, type_ in rows}
    if not types:
        raise RowsMisdescribed(table.name, f"nothing is known of {'.'.join(filter(None, name))}")
    key = inspector.get_pk_constraint(name[1], schema=schema)["constrained_columns"]
    return Columns(
        name=name,
        types=types,
        key=tuple(map(str, key)),
        generated=frozenset(str(column["name"]) for column in columns if column.get("computed")),
    )


def _declared(connection: Connection, table: SqlTable, main: Name, join: Join) -> Reference:
    child = _found(connection, table, join.table)
    return Reference(child=child, parent=main, columns=tuple(join.by), to=tuple(join.by.values()))


def _split(
    main: Name, references: Sequence[Reference], declared: set[Name]
) -> tuple[list[Reference], list[Reference]]:
    """Return the references by which rows go with rows of a table, and those by which none may refer."""
    usable: list[Reference] = []
    barriers: list[Reference] = []
    above: dict[Name, set[Name]] = {main: set()}
    """Table → all tables that it refers to, directly or not, as far as their rows go."""
    queue = [main]
    while queue:
        parent = queue.pop(0)
        for of in (one for one in references if one.parent == parent):
            goes_round = of.child == parent or of.child in above[parent]
            if goes_round or (of.on_delete in _LOSES and of.child not in declared):
                barriers.append(of)
                continue
            usable.append(of)
            grown = above.setdefault(of.child, set()) | above[parent] | {parent}
            if grown != above[of.child]:
                above[of.child] = grown
                queue.append(of.child)
    return list(dict.fromkeys(usable)), list(dict.fromkeys(barriers))


def _order(main: Name, references: Sequence[Reference]) -> list[Name]:
    """Return the tables, each after all that it refers to."""
    order = [main]
    left = {of.child for of in references}
    while left:
        ready = sorted(
            name for name in left if all(of.parent in order for of in references if of.child == name)
        )
        if not ready:  # they refer to each other, whichever of them goes first
            ready = sorted(left)[:1]
        order += ready
        left -= set(ready)
    return order


def _sqlite_references(connection: Connection) -> Iterator[Reference]:
    tables = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))
    for name in [str(row[0]) for row in tables]:
        found: dict[int, list[tuple[str, str, str | None, str]]] = {}
        for row in connection.execute(text(f"PRAGMA foreign_key_list({quoted(name)})")):
            found.setdefault(row[0], []).append((row[2], row[3], row[4], row[6]))
        for parts in found.values():
            parent = parts[0][0]
            to = [part[2] for part in parts]
            if None in to:
                to = list(inspect(connection).get_pk_constraint(parent)["constrained_columns"])
            yield Reference(
                child=("", name),
                parent=("", parent),
                columns=tuple(part[1] for part in parts),
                to=tuple(map(str, to)),
                on_delete=parts[0][3].upper(),
            )


_ON_DELETE = {"n": "SET NULL", "d": "SET DEFAULT", "c": "CASCADE", "r": "RESTRICT"}
_COLUMNS = """(
    SELECT array_agg(a.attname::text ORDER BY k.place) FROM unnest({key}) WITH ORDINALITY AS k(number, place)
    JOIN pg_attribute a ON a.attrelid = {table} AND a.attnum = k.number
)"""
_FOREIGN_KEYS = f"""
SELECT cn.nspname, cc.relname, pn.nspname, pc.relname, con.confdeltype::text,
  {_COLUMNS.format(key="con.conkey", table="con.conrelid")},
  {_COLUMNS.format(key="con.confkey", table="con.confrelid")}
FROM pg_constraint con
JOIN pg_class cc ON cc.oid = con.conrelid JOIN pg_namespace cn ON cn.oid = cc.relnamespace
JOIN pg_class pc ON pc.oid = con.confrelid JOIN pg_namespace pn ON pn.oid = pc.relnamespace
WHERE con.contype = 'f' AND con.conparentid = 0
ORDER BY cn.nspname, cc.relname, con.conname
"""


def _postgres_references(connection: Connection) -> Iterator[Reference]:
    for row in connection.execute(text(_FOREIGN_KEYS.replace("::", "\\:\\:"))):
        yield Reference(
            child=(row[0], row[1]),
            parent=(row[2], row[3]),
            columns=tuple(row[5]),
            to=tuple(row[6]),
            on_delete=_ON_DELETE.get(row[4], ""),
        )
