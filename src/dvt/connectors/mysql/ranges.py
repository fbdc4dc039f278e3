"""Splits the scan of a large InnoDB table into ranges of its primary key, which together are the whole table.

Which rows a range has is never asked of statistics, only how wide it should be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dvt.core.estimates import shown
from dvt.core.queries import SourceQuery, Split
from dvt.drivers.duckdb.sql import escape_braces
from dvt.drivers.mysql import SideConnection, quoted, table

_DOING = "looking for ranges of a key"
_MIN_BYTES = 64 * 2**20
"""Bytes of the smallest table that is worth a second statement."""
_KEY = """
SELECT s.column_name, t.data_length, t.table_rows FROM information_schema.statistics s
JOIN information_schema.tables t ON t.table_schema = s.table_schema AND t.table_name = s.table_name
JOIN information_schema.columns c ON c.table_schema = s.table_schema AND c.table_name = s.table_name
  AND c.column_name = s.column_name
WHERE s.table_schema = %s AND s.table_name = %s AND s.index_name = 'PRIMARY' AND s.seq_in_index = 1
  AND t.engine = 'InnoDB' AND c.data_type IN ('tinyint', 'smallint', 'mediumint', 'int', 'bigint')
"""
"""SQL: the first column of a table's primary key, if it is a whole number; the table's bytes and rows."""
_WIDTH, _ROWS = 10, -2
"""Columns of EXPLAIN's answer, and the position of `rows`; MySQL from 5.7 on has a column more behind it."""
_TRIES = 64
"""How often the server is asked where a range should end: each time, half of the keys are ruled out."""
_NEAR = 0.04
"""Part of a table by which a range may be wider or narrower than the others."""


@dataclass(frozen=True, slots=True)
class _Key:
    """The key of a table that is worth several statements."""

    name: str
    table: str
    low: int
    high: int
    rows: int
    """The server's estimate of all rows."""


def most_ranges(queries: Sequence[SourceQuery], width: int) -> list[int]:
    """Return into how many ranges each query may be split if all are extracted at once.

    More than may run at once would begin late, and the lock be held as long.
    """
    alike = Counter(query.tables for query in queries)
    return [
        min(width // len(queries), query.extraction.max_parallel // alike[query.tables]) for query in queries
    ]


def ranges(side: SideConnection, query: SourceQuery, schema: str, parts: int) -> Sequence[str]:
    """Return conditions that each row of the table meets one of; only the empty one if that pays not."""
    found = _key(side, query, schema, parts)
    return [""] if isinstance(found, str) else _ranges(side, found, parts)


def split(side: SideConnection, query: SourceQuery, schema: str, parts: int) -> Split:
    """Return into how many ranges `ranges` would split a query."""
    found = _key(side, query, schema, parts)
    if isinstance(found, str):
        return Split(why=found)
    number = len(_ranges(side, found, parts))
    if number > 1:
        return Split(ranges=number, by=f"its key {found.name}")
    return Split(why=f"about all of its rows have one value of its key {found.name}")


def _ranges(side: SideConnection, key: _Key, parts: int) -> Sequence[str]:
    def below(end: int) -> int:
        # InnoDB never expects more than half of a table in a range.
        lower, higher = (_rows(side, key.table, f"{key.name} {sign} {end}") for sign in ("<", ">="))
        return lower if lower <= higher else key.rows - higher

    ends = _ends(below, key.low, key.high, key.rows, parts)
    return [escape_braces(condition) for condition in _conditions(key.name, ends)]


def _key(side: SideConnection, query: SourceQuery, schema: str, parts: int) -> _Key | str:
    """Return the key by whose ranges a query is split; or, for people, why it is not split."""
    if not query.scan or query.model:
        return "only the plain rows of one table are read in ranges"
    if parts <= 1:
        return "there is one connection for it (max_connections, max_parallel)"
    (ref,) = query.tables
    found = side.rows(_KEY, [ref.schema or schema, ref.identifier], doing=_DOING)
    if not found:
        return "it is no table of InnoDB with a primary key that begins with a whole number"
    size = int(found[0][1] or 0)
    if size < _MIN_BYTES:
        return f"the table is small ({shown(None, size)})"
    key, name = quoted(str(found[0][0])), table(ref, schema)
    ((low, high),) = side.rows(f"SELECT MIN({key}), MAX({key}) FROM {name}", doing=_DOING)
    whole = side.rows(f"EXPLAIN {query.sql([name])}", doing=_DOING)
    if low is None or "ALL" not in whole[0]:  # with an index, each part would repeat its work
        return "the server reads it by an index"
    return _Key(key, name, int(low), int(high), int(found[0][2]))


def _conditions(key: str, ends: Sequence[int]) -> list[str]:
    """Return the conditions of the ranges between `ends`; the first and the last range have no other end."""
    if not ends:
        return [""]
    between = [f"{key} >= {low} AND {key} < {high}" for low, high in pairwise(ends)]
    return [f"{key} < {ends[0]}", *between, f"{key} >= {ends[-1]}"]


def _ends(below: Callable[[int], int], low: int, high: int, total: int, parts: int) -> list[int]:
    """Return where ranges of about as many rows each end, in their order.

    `below` returns an estimate of the number of rows whose key is lower.
    """
    ends: list[int] = []
    for part in range(1, parts):
        start = ends[-1] if ends else low
        end = _end(below, start, high, total * part / parts, total * _NEAR)
        if end > start:
            ends.append(end)
    return ends


def _end(below: Callable[[int], int], first: int, last: int, wanted: float, near: float) -> int:
    """Return a key below which about so many rows are."""
    middle = first
    for _ in range(_TRIES):
        middle = (first + last) // 2
        rows = below(middle)
        if abs(rows - wanted) <= near or first >= last - 1:
            break
        first, last = (middle, last) if rows < wanted else (first, middle)
    return middle


def _rows(side: SideConnection, name: str, condition: str) -> int:
    """Return the server's estimate of the rows that meet a condition on the key."""
    sql = f"EXPLAIN SELECT 1 FROM {name} FORCE INDEX (PRIMARY) WHERE {condition}"
    (plan,) = side.rows(sql, doing=_DOING)
    return int(plan[_ROWS if len(plan) == _WIDTH else _ROWS - 1] or 0)
