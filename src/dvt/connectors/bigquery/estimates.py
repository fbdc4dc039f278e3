"""Estimates from what BigQuery tells of a table, and from dry runs of queries with conditions.

Neither is billed. A dry run tells the bytes that a query would read, which are fewer than those of its
columns where conditions leave out partitions.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from dvt.connectors.bigquery.server import Server
from dvt.connectors.bigquery.statements import with_wide_numbers
from dvt.core.estimates import Estimate, from_description
from dvt.core.queries import SourceQuery
from dvt.core.tables import Table
from dvt.drivers.bigquery import as_dvt_errors, refusals, relation, widths

_OTHER_WIDTH = 8.0
"""Bytes of a value that is no column's."""


def estimated(server: Server, queries: Sequence[SourceQuery]) -> list[Estimate | None]:
    """Return what BigQuery tells of each query; None for one that it refuses or knows nothing of."""
    asked = [query.tables[0] for query in queries if _is_of_a_table(query)]
    tables = {ref: described.table for ref, described in server.known(asked).items()}

    def look(query: SourceQuery) -> Estimate | None:
        if not _is_of_a_table(query):
            return from_description(query)
        return _of_table(server, query, tables[query.tables[0]])

    with ThreadPoolExecutor(server.limit, thread_name_prefix="dvt-bigquery") as pool:
        return list(pool.map(look, queries))


def _is_of_a_table(query: SourceQuery) -> bool:
    """Return whether a query reads rows of one table whose size is known, each at most once."""
    return len(query.tables) == 1 and query.group_by is None and query.rows is not None


def _of_table(server: Server, query: SourceQuery, table: Table) -> Estimate | None:
    """Estimate an answer by the bytes of its columns, and by the partitions that its conditions leave."""
    guess = from_description(query)
    if guess is None or not table.rows:
        return guess
    by_name = widths(table)
    width = sum(by_name.get(extracted.column.name, _OTHER_WIDTH) for extracted in query.columns)
    rows = float(guess.rows if query.limit is None else min(guess.rows, query.limit))
    if query.where:
        part = _part(server, query)
        if part is None:
            return None
        rows = min(rows, table.rows * part)
    return Estimate(round(rows), round(rows * width))


def _part(server: Server, query: SourceQuery) -> float | None:
    """Return the part of a table that BigQuery would read for a query's conditions; None: it refuses them.

    The conditions' own columns make it too high, if anything.
    """
    name = server.name
    with server.session() as session, as_dvt_errors(name=name, doing="estimating", where=query.about):
        names = [relation(table, session.project, server.settings.dataset) for table in query.tables]
        where = tuple(map(with_wide_numbers, query.where))
        try:
            narrowed = session.processed(replace(query, where=where).sql(names))
            whole = session.processed(replace(query, where=()).sql(names))
        except refusals():
            return None  # extracting it will say what is wrong
    return min(narrowed / whole, 1.0) if whole else 1.0
