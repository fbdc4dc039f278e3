"""Estimates from the catalog's numbers of rows, and from plans of queries with conditions.

EXPLAIN compiles a query and does not run it; it needs no running warehouse. It tells how many of a table's
partitions are left by its conditions, and nothing of rows.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from dvt.connectors.snowflake.server import Server
from dvt.core.estimates import Estimate, from_description, of_rows
from dvt.core.queries import SourceQuery
from dvt.drivers.snowflake import Session, as_dvt_errors, client_errors, is_refusal


def estimated(server: Server, queries: Sequence[SourceQuery]) -> list[Estimate | None]:
    """Return what Snowflake tells of each query; None for one that it refuses or knows nothing of."""
    if not any(_is_planned(query) for query in queries):
        return [_of_rows(query) for query in queries]
    with server.session() as session, as_dvt_errors(name=server.name, doing="estimating"):
        return [
            _planned(server, session, query) if _is_planned(query) else _of_rows(query) for query in queries
        ]


def _is_planned(query: SourceQuery) -> bool:
    """Return whether a plan may tell more: a query has conditions on one table whose size is known."""
    return len(query.tables) == 1 and query.group_by is None and bool(query.where) and bool(query.rows)


def _of_rows(query: SourceQuery, most: float | None = None) -> Estimate | None:
    guess = from_description(query)
    limits = [limit for limit in (most, query.limit) if limit is not None]
    return of_rows(query, min([guess.rows, *limits])) if guess is not None and limits else guess


def _planned(server: Server, session: Session, query: SourceQuery) -> Estimate | None:
    sql = query.sql([server.relation(table) for table in query.tables])
    try:
        rows = session.rows(f"EXPLAIN USING JSON {sql}")
    except client_errors() as error:
        if not is_refusal(error):
            raise
        return None  # extracting it will say what is wrong
    return _of_rows(query, _part(rows) * (query.rows or 0))


def _part(rows: Sequence[tuple[Any, ...]]) -> float:
    """Return the part of a table's partitions that a plan reads; all of them where it does not say."""
    statistics: dict[str, Any] = json.loads(str(rows[0][0])).get("GlobalStats") or {} if rows else {}
    total, assigned = statistics.get("partitionsTotal"), statistics.get("partitionsAssigned")
    return min(int(assigned) / int(total), 1.0) if total and assigned is not None else 1.0
