"""Checks all that users configured in a project, so that one run shows all errors."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from dvt.core.error_list import ErrorList
from dvt.core.errors import UnknownBucket, UnknownConnection
from dvt.core.places import AUTO
from dvt.dbt_bridge.outputs.hook_connections import outputs_of_hooks
from dvt.dbt_bridge.outputs.own_adapters import require_known
from dvt.dbt_bridge.outputs.profiles import profile_place
from dvt.dbt_bridge.project.locating import place_of
from dvt.dbt_bridge.project.settings import check_settings
from dvt.resolution.graph import Graph, Node
from dvt.resolution.output_types import not_a_target
from dvt.resolution.placement import Outputs, Resolver

if TYPE_CHECKING:
    from dvt.config.computes import Computes
    from dvt.dbt_bridge.session import Session


def check_project(session: Session, manifest: Any, graph: Graph) -> Resolver:
    """Return the project's resolver; raise all errors in settings, names, types and dvt's own files."""
    errors = ErrorList()
    computes: Computes | None = None
    with errors.collecting():
        check_settings(manifest, lambda node, key: place_of(session.config, node, key))
    with errors.collecting():
        computes = session.computes
        computes.get(session.options.compute)  # UnknownCompute if --compute is none of them
    with errors.collecting():
        _check_buckets(session, manifest, errors)
    resolver = Resolver(graph, _outputs(session, graph, computes), _places(session, manifest))
    with errors.collecting():
        resolver.check()
    for node in manifest.nodes.values():
        for output in sorted(outputs_of_hooks(node)):
            with errors.collecting():
                _check_hook(session, node, output)
    for output in sorted(_used(resolver, graph) & session.outputs.types.keys()):
        with errors.collecting():
            _check_type(session, output)
    errors.raise_all()
    return resolver


def _check_buckets(session: Session, manifest: Any, errors: ErrorList) -> None:
    """Raise what is wrong in buckets.yml; collect the errors of nodes that name a bucket, and of those.

    Buckets that nothing names may lack environment variables here.
    """
    buckets = session.buckets
    for notice in buckets.notices:
        session.reporter.notice("", notice)
    with errors.collecting():
        buckets.get(session.options.bucket).checked()
    for node in (*manifest.nodes.values(), *manifest.sources.values()):
        name = node.config.get("bucket")
        if name is not None and str(name) not in buckets.entries:
            error = UnknownBucket(str(name), buckets.entries, buckets.file)
            errors.add(error.about(node.name, place_of(session.config, node, "bucket")))
        elif session.bucket_of(node):
            with errors.collecting():
                buckets.get(session.bucket_of(node)).checked()


def requires_connections(config: Any) -> bool:
    """Return whether the project's flags require a connection of every source."""
    flags: Mapping[str, Any] = config.flags or {}
    return bool(flags.get("require_source_connections", False))


def _outputs(session: Session, graph: Graph, computes: Computes | None) -> Outputs:
    """Return the names that the project may use; any compute if computes.yml itself is wrong."""
    names: Collection[str] = {node.compute for node in graph.nodes.values() if node.compute}
    return Outputs(
        types=session.outputs.types,
        default=session.default,
        forced=getattr(session.config.args, "TARGET", None),
        computes=tuple(computes.entries) if computes else tuple(names),
        computes_file=computes.file if computes else None,
        compute=session.options.compute,
        default_compute=computes.default if computes else AUTO,
        require_connections=requires_connections(session.config),
    )


def _places(session: Session, manifest: Any) -> Any:
    """Return a function that returns the place of a setting of a node of the graph."""

    def find(node: Node, key: str) -> str:
        of_dbt = manifest.nodes.get(node.unique_id) or manifest.sources.get(node.unique_id)
        return node.file if of_dbt is None else place_of(session.config, of_dbt, key)

    return find


def _used(resolver: Resolver, graph: Graph) -> set[str]:
    """Return the names of the outputs that nodes are built on or sources are on."""
    used: set[str] = set()
    errors = ErrorList()
    for unique_id in graph.nodes:
        with errors.collecting():  # resolver.check() has raised them
            used.add(resolver.output_of(unique_id))
    return used


def _check_hook(session: Session, node: Any, output: str) -> None:
    """Raise UnknownConnection or NotATarget for the output that a node's hook is to run on."""
    where = f"a hook of {node.resource_type} {node.name!r} ({node.original_file_path})"
    outputs = session.outputs
    if output not in outputs.types:
        raise UnknownConnection(where, output, outputs.names)
    if not outputs.can_be_target(output):
        raise not_a_target(
            where, output, outputs.types[output], [*filter(outputs.can_be_target, outputs.names)]
        )


def _check_type(session: Session, output: str) -> None:
    path = (str(session.config.profile_name), "outputs", output, "type")
    require_known(output, profile_place(session.outputs.profiles_dir, *path), session.outputs.types[output])
