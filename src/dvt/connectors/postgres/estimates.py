"""Estimates from the server's own planner, by EXPLAIN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg2

from dvt.connectors.postgres.ranges import split
from dvt.core.estimates import Estimate
from dvt.core.queries import SourceQuery, Split
from dvt.drivers.postgres import PostgresSettings, as_dvt_errors, relation, transaction_statements

_REFUSALS = (
    psycopg2.DataError,
    psycopg2.InternalError,
    psycopg2.NotSupportedError,
    psycopg2.ProgrammingError,
)
"""Errors of a query, not of the connection: extracting it will say what is wrong."""


def estimated(
    name: str, cursor: Any, queries: Sequence[SourceQuery], settings: PostgresSettings
) -> list[Estimate | None]:
    """Return what the server expects of each query, in the session in which it would run."""
    with as_dvt_errors(name=name, doing="estimating"):
        cursor.execute("BEGIN TRANSACTION READ ONLY")
        for statement in transaction_statements(settings):
            cursor.execute(statement)
        return [_estimated(cursor, query, settings.schema_) for query in queries]


def splits_of(
    name: str, cursor: Any, queries: Sequence[SourceQuery], settings: PostgresSettings, width: int
) -> list[Split | None]:
    """Return into how many pieces each query would be split, by no more than `width` connections."""
    with as_dvt_errors(name=name, doing="looking for ranges of tables"):
        cursor.execute("BEGIN TRANSACTION READ ONLY")
        for statement in transaction_statements(settings):
            cursor.execute(statement)
        return [_split(cursor, query, settings.schema_, width) for query in queries]


def _split(cursor: Any, query: SourceQuery, schema: str, width: int) -> Split | None:
    """Return into how many pieces a query would be split; None for one that the server refuses."""
    known = query.answered({need.name: None for need in query.needs})
    cursor.execute("SAVEPOINT dvt")
    try:
        return split(cursor, known, schema, min(width, query.extraction.max_parallel))
    except _REFUSALS:
        cursor.execute("ROLLBACK TO SAVEPOINT dvt")
        return None


def _estimated(cursor: Any, query: SourceQuery, schema: str) -> Estimate | None:
    """Return what the server expects of a query; None for one that it refuses."""
    sql = query.sql([relation(table, schema) for table in query.tables])
    cursor.execute("SAVEPOINT dvt")
    try:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        plan = cursor.fetchone()[0][0]["Plan"]
    except _REFUSALS:
        cursor.execute("ROLLBACK TO SAVEPOINT dvt")
        return None
    rows = int(plan["Plan Rows"])
    return Estimate(rows, rows * int(plan["Plan Width"]))
