"""The tables and views of an SQLite file, with the stage types of their columns."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace

from dvt.connectors.sqlite.types import declared, undeclared, unpack
from dvt.core.errors import QueryFailed, TableNotFound
from dvt.core.names import TableRef
from dvt.core.tables import Column, Table
from dvt.core.types import BIGINT, VARCHAR, StageType
from dvt.drivers.sqlite import Reader, quoted

_HIDDEN = 1
"""Value of `hidden`, in table_xinfo, for a column of a virtual table that SELECT * leaves out."""
_UNKNOWN_COLLATION = re.compile(r"no such collation sequence: (\S+)")
"""Matches SQLite's message about a collation that it does not have by itself."""
_STRICT = re.compile(r"\)[^)]*\bSTRICT\b[^)]*$", re.IGNORECASE)
"""Matches the DDL of a table that is STRICT."""


def describe(reader: Reader, ref: TableRef) -> Table:
    """Describe the table as it is now; an undeclared column gets the type of the values that it holds."""
    sql = "SELECT name, type, sql FROM main.sqlite_master WHERE type IN ('table', 'view')"
    existing = {str(name).lower(): (str(name), kind, ddl or "") for name, kind, ddl in reader.rows(sql)}
    if ref.identifier.lower() not in existing:
        raise TableNotFound(str(ref), ref.connection, [name for name, _, _ in existing.values()])
    name, kind, ddl = existing[ref.identifier.lower()]
    column_rows = [
        row for row in reader.rows(f"PRAGMA main.table_xinfo({quoted(name)})") if row[6] != _HIDDEN
    ]
    natives = {str(row[1]): str(row[2] or "") for row in column_rows}
    alias = _rowid_alias(reader, name, column_rows) if kind == "table" else None
    stages = _stage_types(reader, name, natives)
    collations = _collations(reader, name, [column for column in natives if stages[column] == VARCHAR])
    strict = kind == "table" and bool(_STRICT.search(ddl))
    return Table(
        ref=ref,
        columns=tuple(
            replace(
                _column(ref, column, _native(native, is_key=column == alias, strict=strict), stages[column]),
                collation=collations.get(column),
            )
            for column, native in natives.items()
        ),
        key=tuple(str(row[1]) for row in sorted(column_rows, key=lambda row: row[5]) if row[5]),
        rows=_rows(reader, name) if kind == "table" else None,
        scannable=kind == "table",
    )


def _column(ref: TableRef, name: str, native: str, stage: StageType) -> Column:
    return Column(
        name=name,
        native=native,
        stage=stage,
        # The connector adds the rows whose values might not fit to whatever a filter keeps.
        exact=stage == BIGINT,
        unpack=unpack(stage, f"{ref}, column {name}"),
    )


def _native(type_: str, *, is_key: bool, strict: bool) -> str:
    if is_key:
        return "INTEGER PRIMARY KEY"
    return f"{type_} STRICT" if strict and type_.upper() != "ANY" else type_


def _stage_types(reader: Reader, table: str, natives: dict[str, str]) -> dict[str, StageType]:
    stages = {name: declared(native) for name, native in natives.items()}
    untyped = [name for name, stage in stages.items() if stage is None]
    value_types: dict[str, set[str]] = {name: set() for name in untyped}
    if untyped:
        typeofs = ", ".join(f"typeof({quoted(name)})" for name in untyped)
        for row in reader.rows(f"SELECT DISTINCT {typeofs} FROM main.{quoted(table)}"):
            for name, value_type in zip(untyped, row, strict=True):
                value_types[name].add(value_type)
    return {name: stage or undeclared(value_types[name]) for name, stage in stages.items()}


def _collations(reader: Reader, table: str, names: list[str]) -> dict[str, str]:
    """Return by column the collations that are not BINARY: SQLite's program for a comparison names them.

    It names them for a view's columns, too. One that only the user's program has defined is found by the
    error of SQLite, which does not know it.
    """
    collations: dict[str, str] = {}
    for name in names:
        try:
            # The + keeps SQLite from using an index, for which the program would not say it so.
            comparison = f"EXPLAIN SELECT 1 FROM main.{quoted(table)} WHERE +{quoted(name)} = 'a'"
            rows = reader.rows(comparison)
        except QueryFailed as error:
            unknown = _UNKNOWN_COLLATION.search(error.message)
            if unknown:
                collations[name] = f"sqlite {unknown[1].lower()}"
            continue
        used = {str(row[5]).rpartition("-")[0].lower() for row in rows if row[1] in {"Eq", "Ne"} and row[5]}
        other = sorted(used - {"", "binary"})
        if other:
            collations[name] = f"sqlite {other[0]}"
    return collations


def _rowid_alias(reader: Reader, table: str, column_rows: list[tuple[object, ...]]) -> str | None:
    """Return the column, if any, that is the rowid: SQLite allows only integers in it."""
    keys = [row for row in column_rows if row[5]]
    if len(keys) != 1 or str(keys[0][2]).upper() != "INTEGER":
        return None
    # Any other primary key has an index of its own, even an INTEGER one (DESC, WITHOUT ROWID).
    indexes = reader.rows(f"PRAGMA main.index_list({quoted(table)})")
    return None if any(row[3] == "pk" for row in indexes) else str(keys[0][1])


def _rows(reader: Reader, table: str) -> int | None:
    """Return the span of the rowids, which costs nothing; without rowids, what ANALYZE has counted."""
    try:
        ((span,),) = reader.rows(f"SELECT max(rowid) - min(rowid) + 1 FROM main.{quoted(table)}")
    except QueryFailed:
        return _analysed_rows(reader, table)
    return int(span or 0)


def _analysed_rows(reader: Reader, table: str) -> int | None:
    """Return the rows that ANALYZE has counted, None if it has not run."""
    with suppress(QueryFailed):
        for (stat,) in reader.rows("SELECT stat FROM main.sqlite_stat1 WHERE tbl = ?", table):
            return int(str(stat).partition(" ")[0])
    return None
