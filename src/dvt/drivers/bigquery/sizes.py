"""Bytes of values, as BigQuery counts them."""

from __future__ import annotations

from collections.abc import Mapping

from dvt.core.tables import Table

_FIXED: Mapping[str, int] = {
    "BOOL": 1,
    **dict.fromkeys(("INT64", "FLOAT64", "DATE", "DATETIME", "TIME", "TIMESTAMP"), 8),
    **dict.fromkeys(("NUMERIC", "INTERVAL", "RANGE"), 16),
    "BIGNUMERIC": 32,
}
"""Type → logical bytes of each value; a NULL has none."""


def widths(table: Table) -> dict[str, float]:
    """Return the bytes of an average value of each column, by its name.

    BigQuery tells the bytes of the whole table. What the columns of fixed sizes leave of them is taken to be
    of texts and the like, in equal parts.

    Example:
        >>> from dvt.core.names import TableRef
        >>> from dvt.drivers.bigquery.types import map_column
        >>> columns = tuple(map_column(name, kind) for name, kind in (("n", "INT64"), ("word", "STRING")))
        >>> widths(Table(ref=TableRef(connection="wh", identifier="t"), columns=columns, rows=10, bytes=1060))
        {'n': 8.0, 'word': 98.0}
    """
    width = (table.bytes or 0) / max(table.rows or 0, 1)
    fixed = {column.name: _FIXED.get(column.native.partition("(")[0], 0) for column in table.columns}
    total = sum(fixed.values())
    sized = [name for name, bytes_ in fixed.items() if not bytes_]
    if not sized or width < total:
        share = width / total if total else 0.0
        return {name: bytes_ * share for name, bytes_ in fixed.items()}
    rest = (width - total) / len(sized)
    return {name: float(bytes_ or rest) for name, bytes_ in fixed.items()}
