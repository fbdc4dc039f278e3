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
    SELECT place, n.nspname, c.oid, c.relname, c.relkind, c.reltuples, coalesce(am.amname, '') AS storage,
        -- Its rows are those of its children, too, which its indexes do not hold.
        c.relkind = 'r' AND EXISTS (
            SELECT FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid
        ) AS is_parent
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
), unique_index AS (
    SELECT w.place, i.indisprimary, ic.relname, i.indisprimary OR (
            i.indisvalid AND i.indisready AND i.indislive AND i.indimmediate
            AND i.indpred IS NULL AND i.indexprs IS NULL
        ) AS is_whole,
        -- Without the columns that it only includes.
        (i.indkey::int2[])[0:coalesce((to_jsonb(i) ->> 'indnkeyatts')::int, i.indnatts) - 1] AS attnums
    FROM wanted w
    JOIN pg_catalog.pg_index i ON i.indrelid = w.oid AND i.indisunique AND NOT w.is_parent
    JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
), smallest AS (
    SELECT DISTINCT ON (x.place) x.place, x.attnums
    FROM unique_index x JOIN wanted w ON w.place = x.place
    WHERE x.is_whole AND NOT x.indisprimary AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = w.oid AND a.attnum = ANY (x.attnums) AND (NOT a.attnotnull OR EXISTS (
            SELECT FROM pg_catalog.pg_constraint c
            WHERE c.conrelid = w.oid AND c.contype = 'n' AND NOT c.convalidated AND a.attnum = ANY (c.conkey)
        ))
    )
    ORDER BY x.place, cardinality(x.attnums), x.relname
)
SELECT w.place::int, w.relkind::text, w.storage::text, w.reltuples::float8,
    CASE WHEN w.relkind IN ('r', 'm') THEN pg_catalog.pg_relation_size(w.oid) END::bigint,
    a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod),
    array_position(k.attnums, a.attnum)::int, array_position(s.attnums, a.attnum)::int,
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
LEFT JOIN unique_index k ON k.place = w.place AND k.indisprimary
LEFT JOIN smallest s ON s.place = w.place
LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation
LEFT JOIN base b ON b.place = w.place AND b.attnum = a.attnum AND b.typtype <> 'd'
ORDER BY w.place, a.attnum
"""
"""SQL: a row per column of the tables, domains resolved to their base types."""
_ATTRIBUTE, _KEY, _UNIQUE = 5, 7, 8
"""Places in such a row: of the column's name, of its place in the primary key, of that in `smallest`."""
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
        key=_ordered((row[_KEY], row[_ATTRIBUTE]) for row in rows),
        unique=_ordered((row[_UNIQUE], row[_ATTRIBUTE]) for row in rows),
        rows=int(tuples) if tuples >= 0 and relkind in "rmp" else None,
        bytes=size,
        # Only heap tables have ctids, by which ranges can be cut.
        scannable=relkind in "rm" and storage == "heap",
    )


def _ordered(places: Iterable[tuple[int | None, str]]) -> tuple[str, ...]:
    """Return the names of an index's columns, in its order, from the place of each, or None."""
    return tuple(name for _, name in sorted((place, name) for place, name in places if place is not None))


def _columns(rows: Iterable[Any]) -> Iterator[Column]:
    for *_, attribute, native, _, _, kind, category, typmod, dimensions, labels, collation in rows:
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
