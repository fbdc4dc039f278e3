"""Collations of a table's columns, which DuckDB tells nowhere but in its plan for a comparison."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import duckdb

from dvt.core.tables import Column
from dvt.core.types import VARCHAR

_FUNCTIONS = {"lower": "nocase", "strip_accents": "noaccent", "nfc_normalize": "nfc"}
"""Function that DuckDB calls for a collation → the collation; for one of ICU it calls icu_collate_<name>."""
PREFIX = "duckdb "
"""Begins the names of DuckDB's collations, which no other database has."""
_CALLS = re.compile(r"^\(((?:\w+\()+)")
"""Matches the functions that are called on the left side of a comparison."""


def with_collations(cursor: Any, table: str, columns: Sequence[Column]) -> tuple[Column, ...]:
    """Return the columns with their collations, a view's as well.

    Args:
        cursor: of the table's database.
        table: what stands in FROM for the table, without an alias.
        columns: all of the table's, in order.
    """
    # A plan shows a column that is named upper(s) as a call: none has its own name there.
    texts = [place for place, column in enumerate(columns) if column.stage == VARCHAR and not column.loses]
    if not texts:
        return tuple(columns)
    names = ", ".join(f"c{place}" for place in range(len(columns)))
    comparisons = ", ".join(f"c{place} = 'a'" for place in texts)
    compared = f"SELECT {comparisons} FROM {table} AS compared ({names})"
    try:
        (plan,) = cursor.execute(f"EXPLAIN (FORMAT json) {compared}").fetchall()
        listed = json.loads(plan[1])[0]["extra_info"]["Projections"]
    except (duckdb.Error, ValueError, KeyError, IndexError):  # a table that can be described is still read
        return tuple(columns)
    shown = [listed] if isinstance(listed, str) else listed
    collations = dict(zip(texts, map(_collation, shown), strict=False))
    return tuple(
        replace(column, collation=name, collate=f"COLLATE {name.removeprefix(PREFIX)}")
        if (name := collations.get(place)) is not None
        else column
        for place, column in enumerate(columns)
    )


def _collation(comparison: str) -> str | None:
    """Return the collation of a comparison in a plan; None for a plain one.

    >>> _collation("(lower(strip_accents(name)) = 'a')")
    'duckdb nocase.noaccent'
    >>> _collation("(name = 'a')")
    """
    calls = _CALLS.match(comparison)
    if calls is None:
        return None
    functions = calls[1].rstrip("(").split("(")
    names = [_FUNCTIONS.get(name, name.removeprefix("icu_collate_")) for name in functions]
    return f"{PREFIX}{'.'.join(names)}"
