"""Splits the scan of a large table into ranges of pages, which together are the whole table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dvt.core.queries import SourceQuery
from dvt.drivers.postgres import relation

SMALL = 4096
"""Pages (32 MB): a smaller table is not worth a second connection, and no piece is smaller."""
_PIECES_PER_CONNECTION = 4
"""Pieces per connection, so that the last piece to end is short."""
_MAX_PAGES = 65536
"""Pages (512 MB): no piece is larger."""
_RANGE_SCANS = 140000
"""Server version since which a range of ctid is read without reading the pages before it."""
_SIZE = """
SELECT pg_catalog.pg_relation_size(%(table)s::regclass) / current_setting('block_size')::bigint,
    has_table_privilege(%(table)s::regclass, 'SELECT')
"""
"""SQL: the table's pages, and whether its user may read ctid, for which grants on columns do not suffice."""


def pieces(cursor: Any, query: SourceQuery, schema: str, workers: int) -> list[str]:
    """Split the query into several, each for a range of the table's pages, where that pays.

    `cursor` sees the snapshot that the pieces are read in.
    """
    tables = [relation(table, schema) for table in query.tables]
    whole = query.sql(tables)
    if not query.scan or workers <= 1 or cursor.connection.server_version < _RANGE_SCANS:
        return [whole]
    (table,) = tables
    cursor.execute(_SIZE, {"table": table})
    pages, readable = cursor.fetchone()
    if pages < SMALL or not readable or not _scanned(cursor, whole):
        return [whole]
    step = min(max(-(-pages // (workers * _PIECES_PER_CONNECTION)), SMALL), _MAX_PAGES)
    return [_between(query, start, start + step, pages).sql(tables) for start in range(0, pages, step)]


def _scanned(cursor: Any, sql: str) -> bool:
    """Return True if the server would scan sequentially: with an index, pieces would repeat its work."""
    cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
    plan = cursor.fetchone()[0][0]["Plan"]
    while plan["Node Type"] in {"Gather", "Gather Merge"}:
        plan = plan["Plans"][0]
    return bool(plan["Node Type"] == "Seq Scan")


def _between(query: SourceQuery, start: int, end: int, pages: int) -> SourceQuery:
    """Return one piece; the last has no end, since a table that was rewritten meanwhile may be longer."""
    conditions = [f"ctid >= '({start},0)'::tid"]
    if end < pages:
        conditions.append(f"ctid < '({end},0)'::tid")
    return replace(query, where=(*conditions, *query.where))
