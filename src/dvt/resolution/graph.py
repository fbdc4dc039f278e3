"""What resolution needs to know of a project: nodes, what they read, and where they say they live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node or source of the manifest, reduced to what decides where it runs."""

    unique_id: str
    name: str
    kind: str
    """dbt's resource type: source, model, seed, snapshot, test, unit_test, analysis, operation…"""
    file: str
    materialized: str = ""
    language: str = "sql"
    target: str | None = None
    """`config(target=…)`; for a source unused."""
    compute: str | None = None
    connection: Mapping[str, str] = field(default_factory=dict)
    """A source's connection by the place that says it (`connection`, `config.connection`, …)."""
    reads: tuple[str, ...] = ()
    """unique_ids of `depends_on`."""
    federate: bool = False
    """A test's opt-in to run over several databases."""


@dataclass(frozen=True, slots=True)
class Graph:
    """All nodes and sources by unique_id."""

    nodes: Mapping[str, Node]

    def reads(self, node: Node) -> Iterator[Node]:
        """What the node reads, with ephemeral models replaced by what they read."""
        seen: set[str] = set()
        pending = list(node.reads)
        while pending:
            unique_id = pending.pop(0)
            read = self.nodes.get(unique_id)
            if read is None or unique_id in seen:
                continue
            seen.add(unique_id)
            if is_ephemeral(read):
                pending.extend(read.reads)
            else:
                yield read

    def inlined(self, node: Node) -> Iterator[Node]:
        """The ephemeral models whose SQL becomes part of the node's, directly or through others."""
        seen: set[str] = set()
        pending = list(node.reads)
        while pending:
            unique_id = pending.pop(0)
            read = self.nodes.get(unique_id)
            if read is None or unique_id in seen or not is_ephemeral(read):
                continue
            seen.add(unique_id)
            pending.extend(read.reads)
            yield read


def is_ephemeral(node: Node) -> bool:
    """An ephemeral model lives nowhere: its SQL is inlined in whoever reads it."""
    return node.kind == "model" and node.materialized == "ephemeral"
