"""Decimals that DuckDB rounds without being asked: where several get one type of at most 38 digits.

CASE, COALESCE, GREATEST, IN and set operations over DECIMAL(38,2) and DECIMAL(12,4) have DECIMAL(38,2).
A database with more digits keeps all of them there.
"""

from __future__ import annotations

import json
import re
from typing import Any

from dvt.core.types import MAX_DIGITS
from dvt.drivers.duckdb.sql import literal

_CAST = re.compile(rb"(?:try_)?cast\s*\(", re.IGNORECASE)
_DECIMAL = re.compile(rb"\bAS\s+DECIMAL\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)\s*\Z", re.IGNORECASE)
_SIZE = re.compile(r'"width":\s*(\d+),\s*"scale":\s*(\d+)')
"""Matches the size of a decimal in a serialized plan."""

Size = tuple[int, int]
"""Precision and scale of a DECIMAL."""


def narrowed(cursor: Any, select: str) -> tuple[str, ...]:
    """Return the casts that round decimals and that the SELECT does not write, as `DECIMAL(12,4) to …`."""
    (answer,) = cursor.execute(f"SELECT json_serialize_plan({literal(select)}, optimize := false)").fetchone()
    if not _may_round(answer):
        return ()
    casts: list[tuple[Size, Size, int]] = []

    def note(node: dict[str, Any]) -> dict[str, Any]:  # called for each of thousands of nodes
        if node.get("expression_class") == "BOUND_CAST" and (cast := _decimal_cast(node)):
            casts.append(cast)
        return node

    plan = json.loads(answer, object_hook=note)
    if plan["error"]:
        return (f"decimals to types that are not known ({plan['error_message']})",)
    text = select.encode()
    return tuple(
        dict.fromkeys(
            f"DECIMAL({before[0]},{before[1]}) to DECIMAL({after[0]},{after[1]})"
            for before, after, location in casts
            if _rounds(before, after) and _written(text, location) != after
        )
    )


def _may_round(plan: str) -> bool:
    """True if a serialized plan is an error, or has a decimal that another in it does not fit into."""
    sizes = {(int(precision), int(scale)) for precision, scale in _SIZE.findall(plan)}
    return not plan.startswith('{"error":false') or any(
        _rounds(before, after) for before in sizes for after in sizes
    )


def _rounds(before: Size, after: Size) -> bool:
    return after[0] == MAX_DIGITS and after[1] < before[1]


def _decimal_cast(node: dict[str, Any]) -> tuple[Size, Size, int] | None:
    """Return the sizes before and after a cast of a decimal to another, and its offset in the text."""
    before, after = _size(node["child"].get("return_type")), _size(node.get("return_type"))
    return (before, after, int(node["query_location"])) if before and after else None


def _size(type_: Any) -> Size | None:
    if not isinstance(type_, dict) or type_.get("id") != "DECIMAL" or not type_.get("type_info"):
        return None
    return int(type_["type_info"]["width"]), int(type_["type_info"]["scale"])


def _written(text: bytes, start: int) -> Size | None:
    """Return the size that a CAST at an offset of the text asks for; None if there is no such CAST."""
    match = _CAST.match(text, start) if start < len(text) else None
    if match is None:
        return None
    depth, end = 1, match.end()
    while depth and end < len(text):
        depth += (text[end : end + 1] == b"(") - (text[end : end + 1] == b")")
        end += 1
    target = _DECIMAL.search(text[match.end() : end - 1])
    return (int(target.group(1)), int(target.group(2))) if target else None
