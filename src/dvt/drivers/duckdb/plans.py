"""Reads how many rows DuckDB expects of a query, from the plan that EXPLAIN shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_ROWS = "Estimated Cardinality"
"""Key of a node's estimate."""


def explained(cursor: Any, select: str) -> str:
    """Return the plan of a SELECT as JSON; nothing is read but catalogs and files' footers.

    A PIVOT whose columns follow its data has no plan: the text is empty.
    """
    rows = cursor.execute(f"EXPLAIN (FORMAT json) {select}").fetchall()
    return str(rows[0][1]) if rows else ""


def expected_rows(plan: str) -> int | None:
    """Return the rows that a plan expects; None if it does not say."""
    try:
        (root,) = json.loads(plan)
        return _of_node(root)
    except (ValueError, KeyError, TypeError):
        return None


def _of_node(node: Mapping[str, Any]) -> int | None:
    """Return the estimate of the first node, from the top, that has one."""
    details = node["extra_info"]
    if _ROWS in details:
        return int(details[_ROWS])
    if str(node["name"]).strip() == "EMPTY_RESULT":
        return 0
    if str(node["name"]).strip() == "UNGROUPED_AGGREGATE":
        return 1
    children: list[Mapping[str, Any]] = node.get("children") or []
    return _of_node(children[0]) if len(children) == 1 else None
