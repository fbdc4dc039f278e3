"""Splits the scan of a large table into ranges of a column, which together are the whole table.

Each row meets one of the conditions, whatever the order of the database is: of `k < 5` and `k >= 5` a value
meets one, and NULLs have a range of their own. The counts by which ranges become alike decide only how wide
they are.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from dvt.connectors.jdbc.axes import Axis, axis
from dvt.core.errors import BadExtraction, ColumnNotFound
from dvt.core.extraction import Extraction
from dvt.core.queries import ExtractedColumn, SourceQuery, Split, TablePlace
from dvt.core.tables import Column, Table
from dvt.core.types import BIGINT
from dvt.drivers.jdbc import Product

MIN_ROWS = 200_000
"""Rows of the smallest table that is worth a second connection, unless its config sets `partitions`."""
_ROWS_PER_RANGE = 500_000
_FEWEST, _MOST = 4, 200
"""Number of ranges of a table, unless its config sets it."""
_PLACES, _MOST_PLACES = 64, 400
"""Places below which rows are counted at once, by one query: the fewest and the most."""
_ROUNDS = 8
"""Queries that count rows, at most: values that are far apart here and near each other there take all."""
_NEAR = 0.25
"""Part of a range by which it may be wider or narrower than the others."""

Ask = Callable[[Sequence[ExtractedColumn]], Sequence[object]]
"""Function that sends a query for aggregates of the table, and returns their values, as Arrow's scalars."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A column whose ranges are read by a query each."""

    column: Column
    axis: Axis
    partitions: int | None
    """How many ranges the table's config asks for."""


def needs_index(table: Table, product: Product) -> bool:
    """Return whether a table may be cut, but not by its key."""
    return table.scannable and _first(table, table.key[:1], product) is None


def cut(query: SourceQuery, table: Table, product: Product, indexed: Sequence[str] = ()) -> Cut | None:
    """Return the column that a query's table is cut by.

    It is that of its config, or else the first of its key, or else the first of those that are `indexed`,
    best first, whose values can be cut. None: it is read as a whole. BadExtraction and ColumnNotFound tell
    of a config that cannot be met.
    """
    extraction = query.extraction
    if not table.scannable:
        check_unsplit(query, "a view is read by one query", "name them for a table, or leave them out")
    named = _named(table, extraction, product)
    if not query.scan or query.model or query.source != (TablePlace(0),) or extraction.partitions == 1:
        return None
    column = named or _first(table, (*table.key[:1], *indexed), product)
    found = None if column is None else axis(column, product)
    if found is None and extraction.partitions:
        problem = "the table has no key and no index by whose ranges dvt would read it"
        raise BadExtraction(str(table.ref), "partitions", problem, "name a column by `partition_column`")
    return None if column is None or found is None else Cut(column, found, extraction.partitions)


def _first(table: Table, names: Sequence[str], product: Product) -> Column | None:
    """Return the first of some columns whose values can be cut into ranges."""
    columns = {column.name: column for column in table.columns}
    known = (columns[name] for name in names if name in columns)
    return next((column for column in known if axis(column, product) is not None), None)


def _named(table: Table, extraction: Extraction, product: Product) -> Column | None:
    """Return the column that a table's config names."""
    name = extraction.partition_column
    if not name:
        return None
    alike = [column for column in table.columns if column.name.casefold() == name.casefold()]
    exact = [column for column in alike if column.name == name] or alike
    if len(exact) != 1:
        names = [column.name for column in table.columns]
        raise ColumnNotFound(name, names, f", which partition_column of {table.ref} names")
    (column,) = exact
    if axis(column, product) is None:
        raise BadExtraction(
            f"{table.ref}, column {column.name} ({column.native})",
            "partition_column",
            "it cannot be cut into ranges",
            "name a column of whole numbers, decimals, dates or timestamps without a time zone",
        )
    return column


def split(cut: Cut, width: int) -> Split:
    """Return in which ranges a table that is cut is read; without a config, its rows are counted first."""
    size = "" if cut.partitions else f", if it has {MIN_ROWS:,} rows or more"
    return Split(ranges=cut.partitions, by=f"{cut.column.name}, {width} at a time{size}")


def check_unsplit(query: SourceQuery, problem: str, hint: str) -> None:
    """Raise BadExtraction for a config of ranges of what is read by one query."""
    extraction = query.extraction
    if extraction.partition_column or (extraction.partitions or 1) > 1:
        key = "partition_column" if extraction.partition_column else "partitions"
        raise BadExtraction(query.about, key, problem, hint)


def conditions(cut: Cut, name: str, ask: Ask) -> list[str]:
    """Return conditions that each row of the table meets one of; only the empty one if that pays not.

    `name` is the column's in SQL.
    """
    key = cut.column
    rows, filled, low, high = ask(
        (
            _counted("rows", "COUNT(*)"),
            _counted("filled", "COUNT({0})", key),
            ExtractedColumn(name="low", column=_aggregate(key, "MIN")),
            ExtractedColumn(name="high", column=_aggregate(key, "MAX")),
        )
    )
    total, values = _int(rows), _int(filled)
    parts = cut.partitions or _parts(total)
    if parts <= 1 or not values:
        return [""]

    def below(places: Sequence[int]) -> list[int]:
        counts = [
            _counted(f"p{number}", f"COUNT(CASE WHEN {{0}} < {cut.axis.write(place)} THEN 1 END)", key)
            for number, place in enumerate(places)
        ]
        return [_int(count) for count in ask(counts)]

    first, last = cut.axis.between(cut.axis.step(low), cut.axis.step(high))
    steps = ends(below, first, last, values, parts)
    return _conditions(name, [cut.axis.write(step) for step in steps], has_nulls=values < total)


def _conditions(name: str, literals: Sequence[str], *, has_nulls: bool) -> list[str]:
    if not literals:
        return [""]
    between = [f"{name} >= {low} AND {name} < {high}" for low, high in pairwise(literals)]
    first, last = f"{name} < {literals[0]}", f"{name} >= {literals[-1]}"
    if has_nulls:
        return [first, *between, last, f"{name} IS NULL"]
    # One that is NULL may come meanwhile.
    return [f"{first} OR {name} IS NULL", *between, last]


def ends(
    below: Callable[[Sequence[int]], list[int]], low: int, high: int, total: int, parts: int
) -> list[int]:
    """Return where ranges of about as many rows each end, in their order; none if counts contradict.

    `below` returns the numbers of rows whose values are lower than each of some steps.

    Example:
        >>> rows = [1, 2, 3, 4, 5, 6, 1000, 9_000_000]
        >>> ends(lambda steps: [sum(row < step for row in rows) for step in steps], 1, 9_000_000, 8, 4)
        [3, 5, 7]
    """
    known = {low: 0, high + 1: total}
    wanted = [total * part / parts for part in range(1, parts)]
    near = total / parts * _NEAR
    for _ in range(_ROUNDS):
        places = _places(known, wanted, near)
        if not places:
            break
        known |= zip(places, below(places), strict=True)
        steps = sorted(known)
        if any(known[step] > known[later] for step, later in pairwise(steps)):
            return []
    chosen = {min(known, key=lambda step: (abs(known[step] - rows), step)) for rows in wanted}
    return sorted(step for step in chosen if 0 < known[step] < total)


def _places(known: dict[int, int], wanted: Sequence[float], near: float) -> list[int]:
    """Return the steps to ask for next: those between which a range should end, and none is near."""
    steps = sorted(known)
    counts = [known[step] for step in steps]
    gaps: set[tuple[int, int]] = set()
    for rows in wanted:
        at = min(max(bisect_left(counts, rows), 1), len(steps) - 1)
        lower, upper = steps[at - 1], steps[at]
        is_near = min(abs(counts[at - 1] - rows), abs(counts[at] - rows)) <= near
        if upper - lower > 1 and not is_near:
            gaps.add((lower, upper))
    each = min(max(_PLACES, 2 * len(wanted)), _MOST_PLACES) // max(len(gaps), 1)
    found = {step for lower, upper in gaps for step in _within(lower, upper, each)}
    return sorted(found - set(steps))


def _within(lower: int, upper: int, number: int) -> set[int]:
    """Return about so many steps between two others: half of them evenly, the others ever nearer to the ends.

    Evenly alone, rows that are dense beside one value far away would take too many queries to find.

    Example:
        >>> sorted(_within(0, 10**6, 8))
        [100, 10000, 200000, 400000, 600000, 800000, 990000, 999900]
    """
    width, near_ends = upper - lower, number // 4
    evenly = number - 2 * near_ends
    steps = {lower + width * place // (evenly + 1) for place in range(1, evenly + 1)}
    for place in range(1, near_ends + 1):
        distance = round(width ** (place / (near_ends + 1)))
        steps |= {lower + distance, upper - distance}
    return steps | {0} if lower < 0 < upper else steps


def _parts(rows: int) -> int:
    return 1 if rows < MIN_ROWS else min(max(-(-rows // _ROWS_PER_RANGE), _FEWEST), _MOST)


def _aggregate(column: Column, function: str) -> Column:
    return replace(column, read=column.read.format(f"{function}({{0}})"))


def _counted(name: str, sql: str, column: Column | None = None) -> ExtractedColumn:
    of = "" if column is None else column.name
    return ExtractedColumn(name=name, column=Column(name=of, native="bigint", stage=BIGINT, read=sql))


def _int(value: object) -> int:
    return int(value.as_py())  # type: ignore[attr-defined]
