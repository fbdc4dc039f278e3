"""Which SQL an output speaks, in SQLGlot's words."""

from __future__ import annotations

from typing import Any

from sqlglot.dialects.dialect import Dialect

from dvt.resolution.output_types import output_type

COMPUTE = "duckdb"
"""The dialect of the compute engine."""


def of_type(kind: str) -> str:
    """The dialect of an output's type; the generic one when SQLGlot has none for it."""
    name = output_type(kind).dialect
    return name if Dialect.get(name) is not None else ""


def of_node(node: Any, kind: str) -> str:
    """The dialect a federated node is written in: `dialect: target | compute | <name>`."""
    said = str(node.config.get("dialect") or "target")
    return {"target": of_type(kind), "compute": COMPUTE}.get(said, said)
