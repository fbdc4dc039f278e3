"""What a table's rows consist of: its columns, its key, and which rows of other tables refer to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from dvt.config.lifecycle_tables import Join, SqlTable
from dvt.core.errors import RowsMisdescribed
from dvt.lifecycle.tables.dialect import Columns, Dialect, Name, Reference

_LOSES = frozenset({"SET NULL", "SET DEFAULT"})
"""What a foreign key does to rows that refer to deleted ones, other than keeping these or going with them."""


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


def shape_of(connection: Connection, dialect: Dialect, table: SqlTable) -> Shape:
    """Look a table up, and what refers to it; RowsMisdescribed if it is not as lifecycle.yml says."""
    main = columns_of(connection, dialect, table, table.table)
    references = list(dialect.references(connection))
    declared = [
        _declared(connection, dialect, table, main.name, join)
        for join in table.also
        if not table.may_lack or _is_there(connection, dialect, table, join.table)
    ]
    declared_names = {reference.child for reference in declared}
    usable, barriers = _split(main.name, [*declared, *references], declared_names)
    order = _order(main.name, usable)
    dialect.require_all_references(connection, order, references)
    tables = {name: main if name == main.name else dialect.columns(connection, name) for name in order}
    for of in usable:
        require_comparable(table, tables[of.child], of.columns, tables[of.parent], of.to)
    keyless = [of.label for of in tables.values() if not of.key]
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


def columns_of(connection: Connection, dialect: Dialect, table: SqlTable, name: str) -> Columns:
    """Return the columns of a table that lifecycle.yml names; RowsMisdescribed if there is none."""
    return dialect.columns(connection, _found(connection, dialect, table, name))


def require_comparable(
    table: SqlTable, child: Columns, columns: Sequence[str], parent: Columns, to: Sequence[str]
) -> None:
    """RowsMisdescribed if columns that should be equal are texts on one side alone: `1x` may equal 1 then."""
    for of, other in zip(columns, to, strict=True):
        if (child.spellings[of].exact is None) != (parent.spellings[other].exact is None):
            sides = f"{child.name[1]}.{of} and {parent.name[1]}.{other}"
            raise RowsMisdescribed(table.name, f"by: {sides} are of different kinds, a text and none")


def _times(table: SqlTable, main: Columns) -> tuple[str, ...]:
    if not table.may_lack:
        return _present(table, main, table.time, "time")
    times = tuple(column for column in table.time if column in main.spellings)
    return times or _present(table, main, table.time, "time")


def _present(table: SqlTable, main: Columns, columns: Sequence[str], what: str) -> tuple[str, ...]:
    missing = [column for column in columns if column not in main.spellings]
    if missing:
        raise RowsMisdescribed(table.name, f"{what}: {table.table} has no column {', '.join(missing)}")
    return tuple(columns)


def _found(connection: Connection, dialect: Dialect, table: SqlTable, name: str) -> Name:
    """Return schema and name of a table; RowsMisdescribed if there is none."""
    found = dialect.find(connection, table.schema, name)
    if found is None:
        schema = f" in schema {table.schema}" if table.schema else ""
        raise RowsMisdescribed(table.name, f"there is no table {name}{schema}")
    return found


def _is_there(connection: Connection, dialect: Dialect, table: SqlTable, name: str) -> bool:
    try:
        _found(connection, dialect, table, name)
    except RowsMisdescribed:
        return False
    return True


def _declared(connection: Connection, dialect: Dialect, table: SqlTable, main: Name, join: Join) -> Reference:
    child = _found(connection, dialect, table, join.table)
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
