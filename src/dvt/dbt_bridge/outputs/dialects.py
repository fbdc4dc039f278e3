"""Which SQL an output speaks, in SQLGlot's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot.dialects.dialect import Dialect

from dvt.resolution.output_types import output_type


def of_type(kind: str) -> str:
    """The dialect of an output's type; the generic one when SQLGlot has none for it."""
    name = output_type(kind).dialect
    return name if Dialect.get(name) is not None else ""


def of_node(node: Any, kind: str, engine: Callable[[Any], str]) -> str:
    """The dialect a federated node is written in: `dialect: target | compute | <name>`.

    Args:
        node: the model, snapshot or test.
        kind: type of the output that it is built on.
        engine: tells the dialect of a node's compute engine (`Session.engine_dialect`).
    """
    written = str(node.config.get("dialect") or "target")
    if written == "compute":
        return engine(node)
    return of_type(kind) if written == "target" else written
