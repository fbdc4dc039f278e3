"""Estimates from the server's own optimizer, by EXPLAIN."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dvt.connectors.mysql.ranges import most_ranges, split
from dvt.connectors.mysql.server import Server
from dvt.core.errors import QueryFailed
from dvt.core.estimates import KEPT_BY_A_CONDITION, Estimate, of_rows
from dvt.core.queries import SourceQuery, Split
from dvt.drivers.mysql import SideConnection, table

_ROWS, _FILTERED = -3, -2
"""Positions of `rows` and `filtered` (percent) in a row of EXPLAIN, counted from the end."""
_SCANS = frozenset({"ALL", "index"})
"""Types of access that read every row."""
_TIMEOUT = 2
"""Seconds that MariaDB may take for an estimate; without one the query is of unknown size."""
_UNFILTERED = 100.0
"""Value of `filtered` where no condition is estimated: without histograms and indexes, the server cannot."""


def estimated(side: SideConnection, queries: Sequence[SourceQuery], schema: str) -> list[Estimate | None]:
    """Return what the server expects of each query; None for one that it refuses."""
    return [_estimated(side, query, schema) for query in queries]


def splits_of(side: SideConnection, queries: Sequence[SourceQuery], server: Server) -> list[Split | None]:
    """Return into how many ranges each query would be split if all were extracted at once."""
    if server.settings.consistent_reads != "lock":
        why = "each of several would see a state of its own; with `consistent_reads: lock` they see one"
        return [Split(why=why) for _ in queries]
    known = [query.answered({need.name: None for need in query.needs}) for query in queries]
    most = most_ranges(known, server.width)
    return [_split(side, query, server, number) for query, number in zip(known, most, strict=True)]


def _split(side: SideConnection, query: SourceQuery, server: Server, most: int) -> Split | None:
    try:
        return split(side, query, server.settings.schema_, most)
    except QueryFailed:
        return None


def _estimated(side: SideConnection, query: SourceQuery, schema: str) -> Estimate | None:
    # MariaDB and old MySQL show `filtered` only when asked; MySQL 8 knows no EXTENDED any more. MariaDB
    # computes a view of constants to explain it, however long that takes.
    explain = "EXPLAIN" if side.flavour.explains_in_full else "EXPLAIN EXTENDED"
    explain = f"SET STATEMENT max_statement_time = {_TIMEOUT} FOR {explain}" if side.is_mariadb else explain
    sql = query.sql([table(ref, schema) for ref in query.tables])
    try:
        steps = side.rows(f"{explain} {sql}", doing="estimating")
    except QueryFailed:
        return None
    own = [step for step in steps if step[0] == steps[0][0]]
    rows = math.prod(float(step[_ROWS] or 0) * float(step[_FILTERED] or 0) / 100 for step in own)
    if all(float(step[_FILTERED] or 0) == _UNFILTERED and _SCANS.intersection(step) for step in own):
        rows *= KEPT_BY_A_CONDITION ** len(query.where)
    # It knows nothing of groups; an aggregate of all rows has as many rows for it as they are.
    return of_rows(query, rows if query.rows is None or not query.model else min(rows, query.rows))
