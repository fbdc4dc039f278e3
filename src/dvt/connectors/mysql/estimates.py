"""Estimates from the server's own optimizer, by EXPLAIN."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dvt.core.errors import QueryFailed
from dvt.core.estimates import KEPT_BY_A_CONDITION, Estimate, of_rows
from dvt.core.queries import SourceQuery
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
