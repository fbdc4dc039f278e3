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
from dvt.drivers.duckdb.sql import quoted

_FUNCTIONS = {"lower": "nocase", "strip_accents": "noaccent", "nfc_normalize": "nfc"}
"""Function that DuckDB calls for a collation → the collation; for one of ICU it calls icu_collate_<name>."""
PREFIX = "duckdb "
"""Begins the names of DuckDB's collations, which no other database has."""
_CALLS = re.compile(r"^\(((?:\w+\()+)")
"""Matches the functions that are called on the left side of a comparison."""


def with_collations(cursor: Any, table: str, columns: Sequence[Column]) -> tuple[Column, ...]:
    """Return the columns with their collations, a view's as well; `table` is the table's quoted name."""
    texts = [column for column in columns if column.stage == VARCHAR and not column.loses]
    texts = [column for column in texts if "(" not in column.name]  # a plan shows such a name as a call
    comparisons = ", ".join(f"{quoted(column.name)} = 'a'" for column in texts)
    if not texts:
        return tuple(columns)
    try:
        (plan,) = cursor.execute(f"EXPLAIN (FORMAT json) SELECT {comparisons} FROM {table}").fetchall()
        listed = json.loads(plan[1])[0]["extra_info"]["Projections"]
    except (duckdb.Error, ValueError, KeyError, IndexError):  # a table that can be described is still read
        return tuple(columns)
    shown = [listed] if isinstance(listed, str) else listed
    collations = {
        column.name: name
        for column, text in zip(texts, shown, strict=False)
        if (name := _collation(text)) is not None
    }
    return tuple(
        replace(column, collation=name, collate=f"COLLATE {name.removeprefix(PREFIX)}")
        if (name := collations.get(column.name)) is not None
        else column
        for column in columns
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
