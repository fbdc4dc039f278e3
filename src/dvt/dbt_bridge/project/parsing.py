"""Parsing: a node's own `target` while its Jinja runs, the macros of all targets, names per target."""

from __future__ import annotations

import pprint
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dvt.core.errors import DvtError
from dvt.dbt_bridge import session
from dvt.dbt_bridge.project import macro_packages
from dvt.dbt_bridge.project.manifest import needed_types, part_of, resolve_project

if TYPE_CHECKING:
    from dvt.dbt_bridge.entry.adapters import TargetAdapters

PARSER = "dbt.parser.manifest"
PARTIAL_PARSE_FILE = "dvt_partial_parse.msgpack"
"""Not dbt's: stock dbt would silently go on with what dvt parsed."""

_TARGET_IN_CONFIG = re.compile(r"\bconfig\s*\([^{}]*?\btarget\s*=\s*(['\"])(?P<name>[^'\"]+)\1", re.DOTALL)


class _MoreMacrosNeeded(Exception):
    """The manifest lacks macros of an adapter that its nodes are built with."""


def context_for(original: Callable[..., Any], self: Any, parsed_node: Any, config: Any) -> Any:
    """The parse-time context, with the target the node says it has: models may branch on it."""
    now = session.current()
    target = _said_target(now, parsed_node, config) if now else None
    if now is None or target is None or target == now.default:
        return original(self, parsed_node, config)
    try:
        target_config = now.targets.config(target)
    except DvtError:
        return original(self, parsed_node, config)  # resolution will say what is wrong with it
    from dbt.context.providers import generate_parser_model_context

    target_config.dependencies = self.root_project.dependencies
    return generate_parser_model_context(parsed_node, target_config, self.manifest, config)


def get_full_manifest(original: Callable[..., Any], cls: Any, config: Any, **kwargs: Any) -> Any:
    """The manifest; parsed once more when a node's target turns out to need other macros."""
    now = session.current()
    try:
        manifest = original(cls, config, **kwargs)
    except _MoreMacrosNeeded:
        config.clear_dependencies()
        manifest = original(cls, config, **kwargs)
    if now is not None:
        macro_packages.remember(config, needed_types(now))
    return manifest


def load(original: Callable[..., Any], self: Any) -> Any:
    """The parsed project, resolved and checked, every node with its own target's names."""
    manifest = original(self)
    now = session.current()
    if now is None:
        return manifest
    resolve_project(now, manifest)
    if container().include(needed_types(now)):
        raise _MoreMacrosNeeded
    return manifest


def build_manifest_state_check(original: Callable[..., Any], self: Any) -> Any:
    """The state check, for which every output of the profile counts, not the default one alone."""
    from dbt.contracts.files import FileHash

    state = original(self)
    now = session.current()
    if now is not None and len(now.outputs.names) > 1:
        outputs = pprint.pformat(now.outputs.raw.get("outputs"))
        state.profile_hash = FileHash.from_contents(state.profile_hash.checksum + outputs)
    return state


def check_resource_uniqueness(original: Callable[..., Any], manifest: Any, config: Any) -> None:
    """Two nodes may not share a relation, on one target."""
    now = session.current()
    if now is None or now.plain:
        original(manifest, config)
        return
    _check_names(manifest)
    for target in sorted({now.output_of(uid) for uid in manifest.nodes}):
        try:
            target_config = now.targets.config(target)
        except DvtError:
            continue  # not installed: whoever selects a node of it is told
        original(part_of(now, manifest, target), target_config)


def _check_names(manifest: Any) -> None:
    """A seed and a model of one name are refused or deprecated by dbt, on whatever targets they are."""
    from dbt import deprecations
    from dbt.exceptions import DuplicateResourceNameError
    from dbt.flags import get_flags

    seen: dict[tuple[str, str], Any] = {}
    for node in manifest.nodes.values():
        if not node.is_relational or node.is_versioned:
            continue
        other = seen.setdefault((node.package_name, node.name), node)
        now = session.current()
        if other is node or now is None or now.output_of(other.unique_id) == now.output_of(node.unique_id):
            continue  # dbt's own check sees what is on one target
        if get_flags().require_unique_project_resource_names:
            raise DuplicateResourceNameError(other, node)
        deprecations.warn(
            "duplicate-name-distinct-node-types-deprecation",
            resource_name=node.name,
            unique_id1=other.unique_id,
            unique_id2=node.unique_id,
            package_name=node.package_name,
        )


def container() -> TargetAdapters:
    """The container of adapters in use."""
    from dbt.adapters import factory

    return factory.FACTORY  # type: ignore[no-any-return]


def _said_target(now: session.Session, node: Any, config: Any) -> str | None:
    forced = getattr(now.config.args, "TARGET", None)
    if forced:
        return str(forced)
    written = _TARGET_IN_CONFIG.search(node.raw_code or "")
    if written:
        return written["name"]
    if not _folders_say_target(now):
        return None
    said = config.build_config_dict(base=True).get("target")
    return str(said) if said else None


def _folders_say_target(now: session.Session) -> bool:
    """True when dbt_project.yml may set a target for folders: asking for a node's config costs time."""
    projects = (now.config.dependencies or {}).values()
    return any(
        "target'" in repr((one.models, one.seeds, one.snapshots, one.data_tests, one.unit_tests))
        for one in (now.config, *projects)
    )
