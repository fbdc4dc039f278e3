"""Resolves and checks a loaded manifest, as every invocation does, and converts it for resolution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from dvt.dbt_bridge.dbt_errors import as_dbt_errors
from dvt.dbt_bridge.outputs.hook_connections import outputs_of_hooks
from dvt.dbt_bridge.outputs.own_adapters import is_installed
from dvt.dbt_bridge.project import relation_names
from dvt.dbt_bridge.project.checking import check_project, requires_connections
from dvt.dbt_bridge.project.settings import source_connection
from dvt.resolution.graph import Graph, Node
from dvt.resolution.placement import Outputs, Resolver

if TYPE_CHECKING:
    from dvt.dbt_bridge.session import Session


def resolve_project(session: Session, manifest: Any, *, parsed_before: bool = False) -> None:
    """Resolve the project, check the names in it, and set every node's names on its own target.

    `parsed_before`: the manifest is from an earlier invocation, which may have had other targets.
    """
    graph = project_graph(manifest)
    resolver = Resolver(graph, Outputs(types=session.outputs.types, default=session.default))
    with as_dbt_errors():
        # A project that uses nothing of dvt's is not checked; its computes.yml and buckets.yml are not read.
        options = session.options
        if resolver.uses_dvt or requires_connections(session.config) or options.compute or options.bucket:
            resolver = check_project(session, manifest, graph)
    session.manifest, session.resolver = manifest, resolver
    if resolver.uses_dvt or parsed_before:
        relation_names.recompute(session, manifest)


def needed_types(session: Session) -> set[str]:
    """Return the installed adapter types of the outputs that nodes, sources and hooks are on."""
    if session.plain or session.manifest is None:
        return set()
    targets = {session.output_of(uid) for uid in chain(session.manifest.nodes, session.manifest.sources)}
    targets |= {output for node in session.manifest.nodes.values() for output in outputs_of_hooks(node)}
    targets &= session.outputs.types.keys()
    types = {session.outputs.types[target] for target in targets if session.outputs.can_be_target(target)}
    return {kind for kind in types if is_installed(kind)}


@dataclass(frozen=True, slots=True)
class ManifestPart:
    """The nodes and sources of one output, in the place of a manifest, for dbt's code for a single output."""

    nodes: Mapping[str, Any]
    sources: Mapping[str, Any]


def part_of(session: Session, manifest: Any, output: str) -> ManifestPart:
    """Return the part of the manifest whose nodes and sources are on an output."""
    nodes = {uid: node for uid, node in manifest.nodes.items() if session.output_of(uid) == output}
    sources = {uid: source for uid, source in manifest.sources.items() if session.output_of(uid) == output}
    return ManifestPart(nodes, sources)


def project_graph(manifest: Any) -> Graph:
    """Return the manifest's nodes, sources and unit tests as a graph."""
    return Graph({node.unique_id: node for node in _nodes(manifest)})


def add_node(session: Session, node: Any) -> None:
    """Resolve a node that dbt has added to the manifest after parsing: the query of `--inline`."""
    if session.resolver is not None:
        session.resolver.add(_node(node))


def _nodes(manifest: Any) -> Iterator[Node]:
    for source in manifest.sources.values():
        yield Node(
            unique_id=source.unique_id,
            name=f"{source.source_name}.{source.name}",
            kind="source",
            file=source.original_file_path,
            connection=source_connection(source),
        )
    for node in chain(manifest.nodes.values(), manifest.unit_tests.values()):
        yield _node(node)


def _node(node: Any) -> Node:
    config = node.config
    federate = _value(config, "federate")
    return Node(
        unique_id=node.unique_id,
        name=node.name,
        kind=str(node.resource_type),
        file=node.original_file_path,
        materialized=str(getattr(config, "materialized", "") or ""),
        language=str(getattr(node, "language", "sql")),
        target=_text(config, "target"),
        compute=_text(config, "compute"),
        reads=tuple(getattr(node.depends_on, "nodes", ())),  # a seed depends on macros only
        federate=None if federate is None else bool(federate),
        tests=getattr(node, "attached_node", None),
    )


def _value(config: Any, key: str) -> Any:
    return config.get(key) if hasattr(config, "get") else getattr(config, key, None)


def _text(config: Any, key: str) -> str | None:
    value = _value(config, key)
    return None if value is None else str(value)
