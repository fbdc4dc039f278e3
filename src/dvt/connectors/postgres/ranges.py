"""Large tables in pieces: ranges of physical places, that together are the whole table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dvt.core.queries import SourceQuery
from dvt.drivers.postgres import relation

SMALL = 4096
"""Pages (32 MB) that are not worth a second connection."""
_PIECES = 4
"""For each connection, so that none is left with the longest one at the end."""
_LARGEST = 65536
_RANGE_SCANS = 140000
"""Servers since 14 read a range of places without reading what lies before it."""
_SIZE = """
SELECT pg_catalog.pg_relation_size(%(table)s::regclass) / current_setting('block_size')::bigint,
    has_table_privilege(%(table)s::regclass, 'SELECT')
"""
"""Pages, and whether more than single columns may be read: places are of no column."""


def pieces(cursor: Any, query: SourceQuery, schema: str, workers: int) -> list[str]:
    """The query as several, each of a range of the table's pages, where that pays; else as it is.

    `cursor` sees the snapshot that the pieces are read in.
    """
    tables = [relation(one, schema) for one in query.tables]
    whole = query.sql(tables)
    if not query.scan or workers <= 1 or cursor.connection.server_version < _RANGE_SCANS:
        return [whole]
    (table,) = tables
    cursor.execute(_SIZE, {"table": table})
    pages, may = cursor.fetchone()
    if pages < SMALL or not may or not _scanned(cursor, whole):
        return [whole]
    step = min(max(-(-pages // (workers * _PIECES)), SMALL), _LARGEST)
    return [_between(query, start, start + step, pages).sql(tables) for start in range(0, pages, step)]


def _scanned(cursor: Any, sql: str) -> bool:
    """Whether the server would read all of the table: through an index, pieces would repeat the work."""
    cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
    plan = cursor.fetchone()[0][0]["Plan"]
    while plan["Node Type"] in {"Gather", "Gather Merge"}:
        plan = plan["Plans"][0]
    return bool(plan["Node Type"] == "Seq Scan")


def _between(query: SourceQuery, start: int, end: int, pages: int) -> SourceQuery:
    """One piece; the last has no end, since a table that was rewritten meanwhile may be longer."""
    conditions = [f"ctid >= '({start},0)'::tid"]
    if end < pages:
        conditions.append(f"ctid < '({end},0)'::tid")
    return replace(query, where=(*conditions, *query.where))
