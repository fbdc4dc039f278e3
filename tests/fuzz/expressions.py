"""Templates of expressions, by dialect and kind of value, from the text files in `expressions/`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

Templates = Mapping[str, Sequence[str]]
"""Kind of the value → templates."""

DIALECTS = ("duckdb", "postgres", "mysql")

TYPES: Mapping[str, Mapping[str, str]] = {
    "postgres": {"INT": "integer", "BIG": "bigint", "DEC": "numeric(12,3)"},
    "duckdb": {"INT": "INTEGER", "BIG": "BIGINT", "DEC": "DECIMAL(12,3)"},
    "mysql": {"INT": "signed", "BIG": "signed", "DEC": "decimal(12,3)"},
}
"""Dialect → the targets of casts."""

_FOLDER = Path(__file__).with_name("expressions")


def _templates(section: str, dialect: str) -> dict[str, list[str]]:
    templates: dict[str, list[str]] = {}
    for name in ("common", dialect):
        text = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8")
        for line in text.partition(f"[{section}]\n")[2].partition("\n[")[0].splitlines():
            kind, colon, template = line.partition(": ")
            if colon:
                templates.setdefault(kind, []).append(template)
    return templates


SCALARS = {dialect: _templates("scalar", dialect) for dialect in DIALECTS}
"""Dialect → scalar expressions."""
AGGREGATES = {dialect: _templates("aggregate", dialect) for dialect in DIALECTS}
"""Dialect → aggregates."""
WINDOWS = {dialect: _templates("window", dialect) for dialect in DIALECTS}
"""Dialect → window functions."""
