"""What the server's information_schema knows of tables and their columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dvt.core.errors import TableNotFound
from dvt.core.names import TableRef
from dvt.core.tables import Column, Table
from dvt.drivers.mysql.connect import SideConnection
from dvt.drivers.mysql.types import Described, as_read, column

_DOING = "describing its tables"
_SHOWN = 200
"""Names of tables that a hint chooses from."""

_TABLES = """
SELECT table_name, table_type, table_rows, data_length FROM information_schema.tables
WHERE table_schema = %s AND table_name IN ({names})
"""
_COLUMNS = """
SELECT table_name, column_name, column_type, data_type, numeric_precision, numeric_scale,
       collation_name
FROM information_schema.columns
WHERE table_schema = %s AND table_name IN ({names}) AND extra NOT LIKE '%%INVISIBLE%%'
ORDER BY table_name, ordinal_position
"""
_KINDS = """
SELECT column_name, data_type, datetime_precision FROM information_schema.columns
WHERE table_schema = %s AND table_name = %s
"""
_CHECKS = """
SELECT table_name, check_clause FROM information_schema.check_constraints
WHERE constraint_schema = %s AND table_name IN ({names}) AND check_clause LIKE 'json_valid(%%'
"""


def describe(side: SideConnection, refs: Sequence[TableRef], schema: str) -> Mapping[TableRef, Table]:
    """The tables as they are now; `schema` is the output's own."""
    by_schema: dict[str, list[TableRef]] = {}
    for ref in refs:
        by_schema.setdefault(ref.schema or schema, []).append(ref)
    found: dict[TableRef, Table] = {}
    for name, wanted in by_schema.items():
        found.update(_in_schema(side, name, wanted))
    return found


def kinds(side: SideConnection, schema: str, name: str) -> Mapping[str, tuple[str, int | None]]:
    """A table's columns: each type's one word, and the digits of a second's fraction that it keeps."""
    found = side.rows(_KINDS, [schema, name], doing=_DOING)
    return {
        column: (_text(kind).lower(), None if digits is None else int(digits))
        for column, kind, digits in found
    }


def _in_schema(side: SideConnection, schema: str, refs: Sequence[TableRef]) -> Mapping[TableRef, Table]:
    names = sorted({ref.identifier for ref in refs})
    tables = _asked(side, _TABLES, schema, names)
    exact = _names_are_exact(side)
    real = {ref: _spelled(ref.identifier, (row[0] for row in tables), exact=exact) for ref in refs}
    for ref, name in real.items():
        if name is None:
            raise TableNotFound(str(ref), ref.connection, _known(side, schema))
    kept = {row[0]: row for row in tables}
    columns = _columns(side, schema, names)
    return {ref: _table(ref, kept[name], columns.get(name, ())) for ref, name in real.items() if name}


def _table(ref: TableRef, row: tuple[Any, ...], columns: Sequence[Column]) -> Table:
    _, kind, rows, size = row
    return Table(
        ref=ref,
        columns=tuple(as_read(one, ref) for one in columns),
        rows=None if rows is None else int(rows),
        bytes=None if size is None else int(size),
        scannable=kind in {"BASE TABLE", "SYSTEM VERSIONED"},
    )


def _columns(side: SideConnection, schema: str, names: Sequence[str]) -> Mapping[str, Sequence[Column]]:
    json = _json_columns(side, schema, names)
    found: dict[str, list[Column]] = {}
    for row in _asked(side, _COLUMNS, schema, names):
        table, name, native, kind, precision, scale, collation = row
        is_json = f"{table}.json_valid(`{name}`)" in json
        described = Described(
            name=name,
            native="json" if is_json else _text(native),
            kind="json" if is_json else _text(kind).lower(),
            precision=None if precision is None else int(precision),
            scale=None if scale is None else int(scale),
            collation=collation,
        )
        found.setdefault(table, []).append(column(described))
    return found


def _json_columns(side: SideConnection, schema: str, names: Sequence[str]) -> frozenset[str]:
    """MariaDB's JSON is LONGTEXT with this check; MySQL has a type of its own, and no such table."""
    if not side.is_mariadb:
        return frozenset()
    return frozenset(f"{table}.{clause}" for table, clause in _asked(side, _CHECKS, schema, names))


def _asked(side: SideConnection, sql: str, schema: str, names: Sequence[str]) -> list[tuple[Any, ...]]:
    places = ", ".join(["%s"] * len(names))
    return side.rows(sql.format(names=places), [schema, *names], doing=_DOING)


def _names_are_exact(side: SideConnection) -> bool:
    ((folded,),) = side.rows("SELECT @@lower_case_table_names", doing=_DOING)
    return int(folded) == 0


def _spelled(name: str, known: Iterable[str], *, exact: bool) -> str | None:
    """`name` as the server spells it: on servers that fold names, in any case."""
    spellings = {one if exact else one.lower(): one for one in known}
    return spellings.get(name if exact else name.lower())


def _known(side: SideConnection, schema: str) -> list[str]:
    sql = f"SELECT table_name FROM information_schema.tables WHERE table_schema = %s LIMIT {_SHOWN}"
    return [name for (name,) in side.rows(sql, [schema], doing=_DOING)]


def _text(value: str | bytes) -> str:
    """MySQL 8 sends some columns of its catalog as bytes."""
    return value.decode() if isinstance(value, bytes) else value
