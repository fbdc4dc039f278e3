"""A project's nodes as resolution needs them: what they read, and the outputs that they name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node or source of the manifest, with the fields that decide its target and path."""

    unique_id: str
    name: str
    kind: str
    """dbt's resource type: source, model, seed, snapshot, test, unit_test, analysis, operation…"""
    file: str
    materialized: str = ""
    language: str = "sql"
    target: str | None = None
    """`config(target=…)`; unused for a source."""
    compute: str | None = None
    connection: Mapping[str, str] = field(default_factory=dict)
    """Key that names a source's connection (`connection`, `config.connection`, …) → the connection."""
    reads: tuple[str, ...] = ()
    """unique_ids of `depends_on`."""
    federate: bool | None = None
    """A test's config: False forbids it to run over several databases."""
    tests: str | None = None
    """unique_id of the model or source that a generic test is declared on."""


@dataclass(frozen=True, slots=True)
class Graph:
    """All nodes and sources by unique_id."""

    nodes: Mapping[str, Node]

    def reads(self, node: Node) -> Iterator[Node]:
        """Yield the nodes that the node reads; an ephemeral model is replaced by the nodes that it reads."""
        visited: set[str] = set()
        pending = list(node.reads)
        while pending:
            unique_id = pending.pop(0)
            parent = self.nodes.get(unique_id)
            if parent is None or unique_id in visited:
                continue
            visited.add(unique_id)
            if is_ephemeral(parent):
                pending.extend(parent.reads)
            else:
                yield parent

    def inlined(self, node: Node) -> Iterator[Node]:
        """Yield the ephemeral models whose SQL becomes part of the node's, directly or through others."""
        visited: set[str] = set()
        pending = list(node.reads)
        while pending:
            unique_id = pending.pop(0)
            parent = self.nodes.get(unique_id)
            if parent is None or unique_id in visited or not is_ephemeral(parent):
                continue
            visited.add(unique_id)
            pending.extend(parent.reads)
            yield parent


def is_ephemeral(node: Node) -> bool:
    """Return whether the node is an ephemeral model: it has no table; its SQL is inlined in its readers."""
    return node.kind == "model" and node.materialized == "ephemeral"
