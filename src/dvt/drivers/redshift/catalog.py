"""Reads tables from the catalog, by the same three views that dbt-redshift asks.

Tables and bound views are in `information_schema`; views WITH NO SCHEMA BINDING and external tables are not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from dvt.core.errors import TableNotFound
from dvt.core.names import TableRef
from dvt.core.tables import Column, Table
from dvt.drivers.redshift.connect import Session
from dvt.drivers.redshift.names import literal
from dvt.drivers.redshift.types import map_column

_TABLES = """
SELECT table_schema, table_name, column_name, data_type,
    coalesce(numeric_precision, character_maximum_length), numeric_scale
FROM information_schema.columns
WHERE table_schema IN ({schemas}) AND table_name IN ({names})
ORDER BY ordinal_position
"""
_UNBOUND = """
SELECT view_schema, view_name, col_name, col_type, NULL, NULL
FROM pg_get_late_binding_view_cols()
    cols(view_schema name, view_name name, col_name name, col_type varchar, ordinal_position int)
WHERE view_schema IN ({schemas}) AND view_name IN ({names})
ORDER BY ordinal_position
"""
_EXTERNAL = """
SELECT schemaname, tablename, columnname, external_type, NULL, NULL
FROM svv_external_columns
WHERE schemaname IN ({schemas}) AND tablename IN ({names})
ORDER BY columnnum
"""
_CATALOGS = (_TABLES, _UNBOUND, _EXTERNAL)
"""SQL: schema, table, column, type and its sizes. Each is asked for what those before it do not have."""
_NAMES = """
SELECT table_name FROM information_schema.tables WHERE table_schema = {schema} ORDER BY table_name LIMIT 500
"""
"""SQL: the names of a schema's tables, for 'did you mean'; at most 500."""
_SIZED = ("numeric", "character", "character varying")
"""Types of which the catalog's sizes are part."""

Key = tuple[str, str]
"""Schema and name."""


def describe(
    session: Session, tables: Sequence[TableRef], *, name: str, settings: Any
) -> Mapping[TableRef, Table]:
    """Describe the tables as they are at present; TableNotFound names the first missing one."""
    columns: dict[Key, list[Column]] = {}
    keys = {ref: _keys(ref, settings.schema_) for ref in tables}
    for catalog in _CATALOGS:
        missing = [ref for ref in tables if not any(key in columns for key in keys[ref])]
        if missing:
            columns |= _columns(session, catalog, [key for ref in missing for key in keys[ref]])
    described: dict[TableRef, Table] = {}
    for ref in tables:
        found = next((columns[key] for key in keys[ref] if key in columns), None)
        elsewhere = ref.database is not None and ref.database.lower() != settings.dbname.lower()
        if found is None or elsewhere:
            names = [] if elsewhere else _names(session, ref.schema or settings.schema_)
            raise TableNotFound(str(ref), name, names)
        described[ref] = Table(ref=ref, columns=tuple(found), scannable=False)
    return described


def _keys(ref: TableRef, schema: str) -> tuple[Key, ...]:
    """Return a table's name as written, and as Redshift folds it."""
    exact = (ref.schema or schema, ref.identifier)
    return tuple(dict.fromkeys((exact, (exact[0].lower(), exact[1].lower()))))


def _columns(session: Session, catalog: str, keys: Sequence[Key]) -> dict[Key, list[Column]]:
    schemas = ", ".join(sorted({literal(schema) for schema, _ in keys}))
    names = ", ".join(sorted({literal(name) for _, name in keys}))
    described: dict[Key, list[Column]] = defaultdict(list)
    rows = session.rows(catalog.format(schemas=schemas, names=names))
    for schema, table, column, native, first, second in rows:
        sizes = tuple(int(size) for size in (first, second) if size is not None and native in _SIZED)
        described[str(schema), str(table)].append(map_column(str(column), str(native), sizes))
    return described


def _names(session: Session, schema: str) -> list[str]:
    return [str(name) for (name,) in session.rows(_NAMES.format(schema=literal(schema)))]
