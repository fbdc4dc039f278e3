"""Reads tables and their columns from the server's information_schema."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from dvt.core.errors import TableNotFound
from dvt.core.names import TableRef
from dvt.core.tables import Column, Table
from dvt.drivers.mysql.side_connection import SideConnection
from dvt.drivers.mysql.types import CatalogColumn, as_read, map_column

_DOING = "describing its tables"
_MAX_SUGGESTIONS = 200
"""Number of tables that a 'did you mean' hint chooses from."""

_TABLES = """
SELECT table_name, table_type, engine, table_rows, data_length FROM information_schema.tables
WHERE table_schema = %s AND table_name IN ({names})
"""
"""SQL: a row per table."""
_COLUMNS = """
SELECT table_name, column_name, column_type, data_type, numeric_precision, numeric_scale,
       collation_name
FROM information_schema.columns
WHERE table_schema = %s AND table_name IN ({names}) AND extra NOT LIKE '%%INVISIBLE%%'
ORDER BY table_name, ordinal_position
"""
"""SQL: a row per column of the tables."""
_UNIQUE_INDEXES = """
SELECT table_name, index_name, column_name, sub_part, nullable FROM information_schema.statistics
WHERE table_schema = %s AND table_name IN ({names}) AND non_unique = 0
ORDER BY table_name, index_name, seq_in_index
"""
"""SQL: a row per column of the tables' unique indexes."""
_PRIMARY = "PRIMARY"
"""Name of each primary key's index, and of no other."""
_UNCHECKED_ENGINES = frozenset({"MRG_MYISAM", "FEDERATED", "SPIDER", "CONNECT"})
"""Engines of tables whose rows other tables hold, so that no index sees to it that they differ."""
_COLUMN_KINDS = """
SELECT column_name, data_type, datetime_precision FROM information_schema.columns
WHERE table_schema = %s AND table_name = %s
"""
"""SQL: a row per column of a stage table."""
_CHECKS = """
SELECT table_name, check_clause FROM information_schema.check_constraints
WHERE constraint_schema = %s AND table_name IN ({names}) AND check_clause LIKE 'json_valid(%%'
"""
"""SQL: the checks by which MariaDB's JSON columns are recognised."""


class _IndexedColumn(NamedTuple):
    """A column of a unique index."""

    name: str | None
    """None for an expression."""
    prefix: int | None
    """Length of the part of its values that is indexed; None for all."""
    nullable: str

    def counts(self, names: Collection[str]) -> bool:
        """True if it has one of these names, all of its values are indexed, and none of them is NULL."""
        return self.name in names and self.prefix is None and self.nullable != "YES"


def describe(side: SideConnection, refs: Sequence[TableRef], schema: str) -> Mapping[TableRef, Table]:
    """Describe the tables as they are at present; `schema` is the output's, for names without one."""
    by_schema: dict[str, list[TableRef]] = {}
    for ref in refs:
        by_schema.setdefault(ref.schema or schema, []).append(ref)
    tables: dict[TableRef, Table] = {}
    for name, schema_refs in by_schema.items():
        tables.update(_in_schema(side, name, schema_refs))
    return tables


def column_kinds(side: SideConnection, schema: str, name: str) -> Mapping[str, tuple[str, int | None]]:
    """Return for each column of a table its `data_type`, and how many digits of a second it keeps."""
    rows = side.rows(_COLUMN_KINDS, [schema, name], doing=_DOING)
    return {
        column: (_text(kind).lower(), None if digits is None else int(digits))
        for column, kind, digits in rows
    }


def _in_schema(side: SideConnection, schema: str, refs: Sequence[TableRef]) -> Mapping[TableRef, Table]:
    names = sorted({ref.identifier for ref in refs})
    rows = {row[0]: row for row in _select(side, _TABLES, schema, names)}
    exact = _names_are_exact(side)
    spellings = {ref: _server_spelling(ref.identifier, rows, exact=exact) for ref in refs}
    for ref, name in spellings.items():
        if name is None:
            raise TableNotFound(str(ref), ref.connection, _table_names(side, schema))
    columns = _columns(side, schema, names)
    indexes: dict[str, dict[str, list[_IndexedColumn]]] = {}
    for table, index, *column in _select(side, _UNIQUE_INDEXES, schema, names):
        indexes.setdefault(table, {}).setdefault(index, []).append(_IndexedColumn(*column))
    return {
        ref: _table(ref, rows[name], columns.get(name, ()), indexes.get(name, {}))
        for ref, name in spellings.items()
        if name
    }


def _table(
    ref: TableRef,
    row: tuple[Any, ...],
    columns: Sequence[Column],
    indexes: Mapping[str, Sequence[_IndexedColumn]],
) -> Table:
    _, kind, engine, rows, size = row
    names = {column.name for column in columns}
    keys = {
        index: tuple(str(column.name) for column in indexed)
        for index, indexed in indexes.items()
        if str(engine).upper() not in _UNCHECKED_ENGINES and all(column.counts(names) for column in indexed)
    }
    others = [(len(key), index, key) for index, key in keys.items() if index != _PRIMARY]
    return Table(
        ref=ref,
        columns=tuple(as_read(column, ref) for column in columns),
        key=keys.get(_PRIMARY, ()),
        unique=min(others)[-1] if others else (),
        rows=None if rows is None else int(rows),
        bytes=None if size is None else int(size),
        scannable=kind in {"BASE TABLE", "SYSTEM VERSIONED"},
    )


def _columns(side: SideConnection, schema: str, names: Sequence[str]) -> Mapping[str, Sequence[Column]]:
    json_checks = _json_checks(side, schema, names)
    columns: dict[str, list[Column]] = {}
    for row in _select(side, _COLUMNS, schema, names):
        table, name, native, kind, precision, scale, collation = row
        is_json = f"{table}.json_valid(`{name}`)" in json_checks
        catalog_column = CatalogColumn(
            name=name,
            native="json" if is_json else _text(native),
            kind="json" if is_json else _text(kind).lower(),
            precision=None if precision is None else int(precision),
            scale=None if scale is None else int(scale),
            collation=collation,
        )
        columns.setdefault(table, []).append(map_column(catalog_column))
    return columns


def _json_checks(side: SideConnection, schema: str, names: Sequence[str]) -> frozenset[str]:
    """Return the `json_valid` checks of the tables, as "table.clause"; empty on MySQL.

    MariaDB's JSON is LONGTEXT with such a check. MySQL has a JSON type, and no `table_name`
    in check_constraints.
    """
    if not side.is_mariadb:
        return frozenset()
    return frozenset(f"{table}.{clause}" for table, clause in _select(side, _CHECKS, schema, names))


def _select(side: SideConnection, sql: str, schema: str, names: Sequence[str]) -> list[tuple[Any, ...]]:
    placeholders = ", ".join(["%s"] * len(names))
    return side.rows(sql.format(names=placeholders), [schema, *names], doing=_DOING)


def _names_are_exact(side: SideConnection) -> bool:
    ((lower_case_table_names,),) = side.rows("SELECT @@lower_case_table_names", doing=_DOING)
    return int(lower_case_table_names) == 0


def _server_spelling(name: str, table_names: Iterable[str], *, exact: bool) -> str | None:
    """Return `name` as the server spells it, None without such a table; `exact`: case matters."""
    spellings = {table if exact else table.lower(): table for table in table_names}
    return spellings.get(name if exact else name.lower())


def _table_names(side: SideConnection, schema: str) -> list[str]:
    sql = f"SELECT table_name FROM information_schema.tables WHERE table_schema = %s LIMIT {_MAX_SUGGESTIONS}"
    return [name for (name,) in side.rows(sql, [schema], doing=_DOING)]


def _text(value: str | bytes) -> str:
    """Decode a value of the catalog: MySQL 8 sends some of its columns as bytes."""
    return value.decode() if isinstance(value, bytes) else value
