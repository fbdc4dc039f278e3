"""Splits the scan of a large table into ranges of pages, which together are the whole table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dvt.core.estimates import shown
from dvt.core.queries import SourceQuery, Split
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
    pg_catalog.pg_relation_size(%(table)s::regclass), has_table_privilege(%(table)s::regclass, 'SELECT')
"""
"""SQL: the table's pages and bytes, and whether the user may read ctid, for which grants on columns do not
suffice."""


def pieces(cursor: Any, query: SourceQuery, schema: str, workers: int) -> list[str]:
    """Split the query into several, each for a range of the table's pages, where that pays.

    `cursor` sees the snapshot that the pieces are read in.
    """
    tables = [relation(table, schema) for table in query.tables]
    pages = _pages(cursor, query, schema, workers)
    if isinstance(pages, str):
        return [query.sql(tables)]
    step = _step(pages, workers)
    return [_piece(query, start, start + step, pages).sql(tables) for start in range(0, pages, step)]


def split(cursor: Any, query: SourceQuery, schema: str, workers: int) -> Split:
    """Return into how many pieces `pieces` would split the query."""
    pages = _pages(cursor, query, schema, workers)
    if isinstance(pages, str):
        return Split(why=pages)
    ranges = len(range(0, pages, _step(pages, workers)))
    return Split(ranges=ranges, by=f"pages, {workers} at a time")


def _pages(cursor: Any, query: SourceQuery, schema: str, workers: int) -> int | str:
    """Return the pages to split; or, for people, why the query is not split."""
    refusal = _refusal(query, workers, cursor.connection.server_version)
    if refusal:
        return refusal
    (table,) = (relation(table, schema) for table in query.tables)
    cursor.execute(_SIZE, {"table": table})
    pages, size, readable = cursor.fetchone()
    if pages < _MIN_PAGES:
        return f"the table is small ({shown(None, size)})"
    if not readable:
        return (
            "the user may read some of its columns alone: GRANT SELECT on the table lets it be read in ranges"
        )
    if not _is_seq_scan(cursor, query.sql([table])):
        return "the server reads it by an index"
    return int(pages)


def _refusal(query: SourceQuery, workers: int, version: int) -> str:
    """Return why a query is not split, whatever its table has; empty if it may be."""
    if not query.scan:
        return "only the plain rows of one table are read in ranges"
    if workers <= 1:
        return "one connection reads it (max_connections, max_parallel)"
    if version < _RANGE_SCAN_VERSION:
        return "PostgreSQL reads ranges of pages from version 14 on"
    return ""


def _step(pages: int, workers: int) -> int:
    """Return the pages of a piece."""
    return min(max(-(-pages // (workers * _PIECES_PER_CONNECTION)), _MIN_PAGES), _MAX_PAGES)


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
