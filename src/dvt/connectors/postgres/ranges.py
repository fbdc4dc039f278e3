"""Splits the scan of a large table into ranges of pages, which together are the whole table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dvt.core.queries import SourceQuery
from dvt.drivers.postgres import relation

_MIN_PAGES = 4096
"""Pages (32 MB) of the smallest table that is worth a second connection, and of the smallest piece."""
_PIECES_PER_CONNECTION = 4
"""Pieces per connection: several, so that the last piece to end is short."""
_MAX_PAGES = 65536
"""Pages (512 MB) of the largest piece."""
_RANGE_SCAN_VERSION = 140000
"""Server version since which a range of ctid is read without reading the pages before it."""
_SIZE = """
SELECT pg_catalog.pg_relation_size(%(table)s::regclass) / current_setting('block_size')::bigint,
    has_table_privilege(%(table)s::regclass, 'SELECT')
"""
"""SQL: the table's pages, and whether the user may read ctid, for which grants on columns do not suffice."""


def pieces(cursor: Any, query: SourceQuery, schema: str, workers: int) -> list[str]:
    """Split the query into several, each for a range of the table's pages, where that pays.

    `cursor` sees the snapshot that the pieces are read in.
    """
    tables = [relation(table, schema) for table in query.tables]
    whole = query.sql(tables)
    if not query.scan or workers <= 1 or cursor.connection.server_version < _RANGE_SCAN_VERSION:
        return [whole]
    (table,) = tables
    cursor.execute(_SIZE, {"table": table})
    pages, readable = cursor.fetchone()
    if pages < _MIN_PAGES or not readable or not _is_seq_scan(cursor, whole):
        return [whole]
    step = min(max(-(-pages // (workers * _PIECES_PER_CONNECTION)), _MIN_PAGES), _MAX_PAGES)
    return [_piece(query, start, start + step, pages).sql(tables) for start in range(0, pages, step)]


def _is_seq_scan(cursor: Any, sql: str) -> bool:
    """True if the server would scan sequentially: with an index, pieces would repeat its work."""
    cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
    plan = cursor.fetchone()[0][0]["Plan"]
    while plan["Node Type"] in {"Gather", "Gather Merge"}:
        plan = plan["Plans"][0]
    return bool(plan["Node Type"] == "Seq Scan")


def _piece(query: SourceQuery, start: int, end: int, pages: int) -> SourceQuery:
    """Return one piece; the last one has no end, since a table that was rewritten meanwhile may be longer."""
    conditions = [f"ctid >= '({start},0)'::tid"]
    if end < pages:
        conditions.append(f"ctid < '({end},0)'::tid")
    return replace(query, where=(*conditions, *query.where))
