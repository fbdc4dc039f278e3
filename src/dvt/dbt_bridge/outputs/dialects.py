"""Returns SQLGlot's names of the dialects of outputs and nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dvt.resolution.output_types import output_type


def of_type(kind: str) -> str:
    """Return the dialect of outputs of a type; "" (SQLGlot's generic one) if SQLGlot has none for it."""
    from sqlglot.dialects.dialect import Dialect  # a plain dbt run needs no SQLGlot

    name = output_type(kind).dialect
    return name if Dialect.get(name) is not None else ""


def of_node(node: Any, kind: str, engine: Callable[[Any], str]) -> str:
    """Return the dialect that a federated node is written in, by its config `dialect`.

    The config is `target`, `compute` or SQLGlot's name of a dialect.

    Args:
        node: the model, snapshot or test.
        kind: type of the output that it is built on.
        engine: returns the dialect of a node's compute engine (`Session.engine_dialect`).
    """
    configured = str(node.config.get("dialect") or "target")
    if configured == "compute":
        return engine(node)
    return of_type(kind) if configured == "target" else configured
