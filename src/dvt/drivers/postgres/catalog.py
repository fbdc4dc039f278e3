"""Reads tables from the server's catalog, any number in one query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from dvt.core.errors import TableNotFound
from dvt.core.names import TableRef
from dvt.core.tables import Column, Table
from dvt.drivers.postgres.errors import as_dvt_errors
from dvt.drivers.postgres.types import CatalogColumn, map_column

_COLUMNS = """
WITH RECURSIVE wanted AS (
    SELECT place, n.nspname, c.oid, c.relname, c.relkind, c.reltuples, coalesce(am.amname, '') AS storage
    FROM unnest(%(schemas)s::text[], %(names)s::text[]) WITH ORDINALITY AS w (schema, name, place)
    JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
    LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
), base AS (
    SELECT w.place, a.attnum, t.typname, t.typtype, t.typbasetype, t.oid, t.typelem,
        CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END AS typmod,
        greatest(a.attndims, t.typndims) AS dimensions
    FROM wanted w
    JOIN pg_catalog.pg_attribute a ON a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    UNION ALL
    SELECT b.place, b.attnum, t.typname, t.typtype, t.typbasetype, t.oid, t.typelem,
        CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE b.typmod END,
        greatest(b.dimensions, t.typndims)
    FROM base b
    JOIN pg_catalog.pg_type t ON t.oid = b.typbasetype
    WHERE b.typtype = 'd'
)
SELECT w.place::int, w.relkind::text, w.storage::text, w.reltuples::float8,
    CASE WHEN w.relkind IN ('r', 'm') THEN pg_catalog.pg_relation_size(w.oid) END::bigint,
    a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod),
    array_position(i.indkey::int2[], a.attnum)::int,
    b.typname::text, b.typtype::text, b.typmod, b.dimensions::int,
    ARRAY(
        SELECT e.enumlabel::text FROM pg_catalog.pg_enum e
        WHERE e.enumtypid IN (b.oid, b.typelem) ORDER BY e.enumsortorder
    ) AS labels,
    CASE co.collprovider
        WHEN 'd' THEN (
            SELECT to_jsonb(d)::text FROM pg_catalog.pg_database d WHERE d.datname = current_database()
        )
        ELSE to_jsonb(co)::text
    END
FROM wanted w
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_index i ON i.indrelid = w.oid AND i.indisprimary
LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation
LEFT JOIN base b ON b.place = w.place AND b.attnum = a.attnum AND b.typtype <> 'd'
ORDER BY w.place, a.attnum
"""
"""SQL: a row per column of the tables, domains resolved to their base types."""
_TABLE_NAMES = """
SELECT c.relname::text FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY c.relname LIMIT 500
"""
"""SQL: the names of a schema's tables, for 'did you mean'; at most 500."""


def describe(
    cursor: Any, tables: Sequence[TableRef], *, name: str, dbname: str, schema: str
) -> Mapping[TableRef, Table]:
    """Describe the tables as they are at present; TableNotFound names the first missing one.

    `schema` is the output's, for tables without one.
    """
    with as_dvt_errors(name=name, doing="looking at tables"):
        parameters = {
            "schemas": [ref.schema or schema for ref in tables],
            "names": [ref.identifier for ref in tables],
        }
        cursor.execute(_COLUMNS, parameters)
        rows = cursor.fetchall()
        described = {
            tables[place - 1]: _table(tables[place - 1], list(columns))
            for place, columns in groupby(rows, key=lambda row: row[0])
        }
        for ref in tables:
            in_other_database = ref.database is not None and ref.database != dbname
            if ref not in described or in_other_database:
                cursor.execute(_TABLE_NAMES, (ref.schema or schema,))
                names = [] if in_other_database else [row[0] for row in cursor.fetchall()]
                raise TableNotFound(str(ref), name, names)
    return described


def columns_of(cursor: Any, schema: str, name: str) -> tuple[Column, ...]:
    """Describe the columns of one relation; none if it is not there."""
    cursor.execute(_COLUMNS, {"schemas": [schema], "names": [name]})
    return tuple(_columns(cursor.fetchall()))


def _table(ref: TableRef, rows: Sequence[Any]) -> Table:
    _, relkind, storage, tuples, size, *_ = rows[0]
    return Table(
        ref=ref,
        columns=tuple(_columns(rows)),
        key=_key(rows),
        rows=int(tuples) if tuples >= 0 and relkind in "rmp" else None,
        bytes=size,
        # Only heap tables have ctids, by which ranges can be cut.
        scannable=relkind in "rm" and storage == "heap",
    )


def _key(rows: Iterable[Any]) -> tuple[str, ...]:
    """Return the columns of the primary key, in its order."""
    places = [(place, attribute) for *_, attribute, _, place, _, _, _, _, _, _ in rows if place is not None]
    return tuple(attribute for _, attribute in sorted(places))


def _columns(rows: Iterable[Any]) -> Iterator[Column]:
    for *_, attribute, native, _, kind, category, typmod, dimensions, labels, collation in rows:
        if attribute is not None:
            yield map_column(
                CatalogColumn(
                    name=attribute,
                    native=native,
                    kind=kind,
                    category=category,
                    typmod=typmod,
                    dimensions=dimensions,
                    labels=tuple(labels),
                    collation=collation or "",
                )
            )
