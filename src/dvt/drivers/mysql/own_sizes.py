"""Sizes of a model's outputs as the server itself gives them: a temporary table tells.

What the engine computes has the sizes of the engine's types: `decimal(38,2)`, `longtext`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from dvt.core.errors import QueryFailed
from dvt.core.plan import LoadColumn
from dvt.drivers.mysql.answers import described_columns
from dvt.drivers.mysql.side_connection import SideConnection

_DOING = "asking for types of outputs"
_TIMEOUT = 2
"""Seconds that it may take: MariaDB computes a subquery of constants to describe it."""
_FAMILIES: Mapping[str, re.Pattern[str]] = {
    "decimal": re.compile(r"decimal\(\d+,\d+\)"),
    "integer": re.compile(r"(?:tiny|small|medium|big)?int(?:\(\d+\))?"),
    "text": re.compile(r"(?:var)?char\(\d+\)|(?:tiny|medium|long)?text"),
}
"""Types that differ in their sizes alone, by family: a value of one is one of the other, or too large."""


def with_own_sizes(
    side: SideConnection, columns: Sequence[LoadColumn], sql: str, copies: Sequence[tuple[str, str]]
) -> tuple[LoadColumn, ...]:
    """Return a model's outputs with the sizes that the server gives them; as they are where it cannot tell.

    Args:
        side: a new connection.
        columns: the outputs, in the order of the SELECT.
        sql: the model's SELECT, over copies.
        copies: name and definition of each, as the target would have them.
    """
    flavour = side.flavour
    if not flavour.is_mariadb:  # MySQL reads a temporary table only once in a query
        return tuple(columns)
    try:
        side.rows(flavour.session, doing=_DOING)
        for name, definition in copies:
            side.rows(f"CREATE TEMPORARY TABLE {name} {definition}", doing=_DOING)
        described = described_columns(side, sql, _TIMEOUT)
    except QueryFailed:  # the user may make no such tables, or the server has no collation of these texts
        return tuple(columns)
    if len(described) != len(columns):
        return tuple(columns)
    return tuple(
        _sized(column, native, collation)
        for column, (_, native, collation) in zip(columns, described, strict=True)
    )


def _sized(column: LoadColumn, native: str, collation: str | None) -> LoadColumn:
    before = next((name for name, types in _FAMILIES.items() if types.match(column.native)), None)
    if before is None or column.loses or not _FAMILIES[before].fullmatch(native):
        return column
    return replace(column, native=f"{native} COLLATE {collation}" if collation else native)
