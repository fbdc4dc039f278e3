"""Which SQL an output speaks, in SQLGlot's words."""

from __future__ import annotations

from typing import Any

from sqlglot.dialects.dialect import Dialect

DIALECTS = {
    "mariadb": "mysql",
    "files": "duckdb",
    "sqlserver": "tsql",
    "fabric": "fabric",
    "synapse": "tsql",
    "glue": "spark",
    "athena": "athena",
    "singlestore": "singlestore",
    "greenplum": "postgres",
    "cratedb": "postgres",
    "materialize": "materialize",
    "alloydb": "postgres",
}
"""Output types whose dialect has another name."""

COMPUTE = "duckdb"
"""The dialect of the compute engine."""


def of_type(kind: str) -> str:
    """The dialect of an output's type; the generic one when SQLGlot has none for it."""
    name = DIALECTS.get(kind, kind)
    return name if Dialect.get(name) is not None else ""


def of_node(node: Any, kind: str) -> str:
    """The dialect a federated node is written in: `dialect: target | compute | <name>`."""
    said = str(node.config.get("dialect") or "target")
    return {"target": of_type(kind), "compute": COMPUTE}.get(said, said)
