"""Sizes as files write them, such as `10GB`."""

from __future__ import annotations

import re

_GRAMMAR = re.compile(r"(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB|KIB|MIB|GIB|TIB)?", re.IGNORECASE | re.ASCII)
_UNITS = {unit: 1000**power for power, unit in enumerate(("B", "KB", "MB", "GB", "TB"))} | {
    unit: 1024**power for power, unit in enumerate(("KIB", "MIB", "GIB", "TIB"), start=1)
}
"""Unit → its bytes."""


def size(text: str) -> int:
    """Return a number of bytes; ValueError if it is none.

    Example:
        >>> size("1.5GiB")
        1610612736
    """
    match = _GRAMMAR.fullmatch(text.strip())
    if match is None:
        msg = "should be a size such as 500MB, 10GB or 1.5TiB"
        raise ValueError(msg)
    unit: int = _UNITS[(match[2] or "B").upper()]
    return round(float(match[1]) * unit)
