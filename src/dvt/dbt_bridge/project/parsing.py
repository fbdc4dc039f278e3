"""Wraps dbt's parser: each node has its own `target` in Jinja, the macros and the names of its target."""

from __future__ import annotations

import pprint
import re
from collections.abc import Callable
from typing import Any

from dvt.core.errors import DvtError
from dvt.dbt_bridge.project import macro_packages
from dvt.dbt_bridge.project.manifest import needed_types, part_of, resolve_project
from dvt.dbt_bridge.session import Session

PARSER = "dbt.parser.manifest"
"""dbt's module that holds the name of the partial-parse file."""
PARTIAL_PARSE_FILE = "dvt_partial_parse.msgpack"
"""Name of the partial-parse file. It is not dbt's, since dbt without dvt would reuse what dvt has parsed."""

_TARGET_IN_CONFIG = re.compile(r"\bconfig\s*\([^{}]*?\btarget\s*=\s*(['\"])(?P<name>[^'\"]+)\1", re.DOTALL)
"""Matches `config(target='<name>')` in a model's SQL."""


def context_for(
    original: Callable[..., Any], session: Session, self: Any, parsed_node: Any, config: Any
) -> Any:
    """Return the parse-time context with the node's own `target`, since a model's Jinja may depend on it."""
    target = _configured_target(session, parsed_node, config)
    if target is None or target == session.default:
        return original(self, parsed_node, config)
    try:
        target_config = session.targets.config(target)
    except DvtError:
        return original(self, parsed_node, config)  # resolution will raise an error for the target
    from dbt.context.providers import generate_parser_model_context

    target_config.dependencies = self.root_project.dependencies
    return generate_parser_model_context(parsed_node, target_config, self.manifest, config)


def load(original: Callable[..., Any], session: Session, self: Any) -> Any:
    """Return the parsed project, resolved and checked, with every node's names on its own target.

    The project is parsed a second time if a node's target needs macros that the first parse did not read;
    the next invocation remembers them.
    """
    manifest = original(self)
    resolve_project(session, manifest)
    kinds = needed_types(session)
    config = self.root_project
    if session.targets.include_macros(kinds):
        config.clear_dependencies()
        type(self).__init__(self, config, config.load_dependencies(), self.macro_hook, self.file_diff)
        manifest = original(self)
        resolve_project(session, manifest)
        kinds = needed_types(session)
    macro_packages.remember(config, kinds)
    return manifest


def set_macro_resolver(
    original: Callable[..., Any], session: Session, self: Any, macro_resolver: Any
) -> None:
    """Keep the manifest that dbt gives to its default adapter, and give the other adapters their macros.

    dbt calls this for a manifest that it has just parsed, and for one that the caller of dvtRunner passed.
    """
    original(self, macro_resolver)
    if self is not session.targets.adapter(session.default):
        return
    if session.manifest is not macro_resolver and hasattr(macro_resolver, "nodes"):  # not of macros only
        resolve_project(session, macro_resolver, parsed_before=True)
    session.targets.attach_macros(macro_resolver)


def build_manifest_state_check(original: Callable[..., Any], session: Session, self: Any) -> Any:
    """Return the check of dbt's partial parsing, extended to all outputs of the profile."""
    from dbt.contracts.files import FileHash

    state = original(self)
    if len(session.outputs.names) > 1:
        outputs = pprint.pformat(session.outputs.raw.get("outputs"))
        state.profile_hash = FileHash.from_contents(state.profile_hash.checksum + outputs)
    return state


def check_resource_uniqueness(
    original: Callable[..., Any], session: Session, manifest: Any, config: Any
) -> None:
    """Check on each target that no two nodes have the same relation."""
    del config
    _check_names(session, manifest)
    for target in sorted({session.output_of(uid) for uid in manifest.nodes}):
        try:
            target_config = session.targets.config(target)
        except DvtError:
            continue  # its adapter is not installed: an error only if one of its nodes is selected
        original(part_of(session, manifest, target), target_config)


def _check_names(session: Session, manifest: Any) -> None:
    """Raise or warn, as dbt does, for nodes of the same name that are on different targets."""
    from dbt import deprecations
    from dbt.exceptions import DuplicateResourceNameError
    from dbt.flags import get_flags

    first_of_name: dict[tuple[str, str], Any] = {}
    for node in manifest.nodes.values():
        if not node.is_relational or node.is_versioned:
            continue
        first = first_of_name.setdefault((node.package_name, node.name), node)
        if first is node or session.output_of(first.unique_id) == session.output_of(node.unique_id):
            continue  # dbt's own check covers nodes on one target
        if get_flags().require_unique_project_resource_names:
            raise DuplicateResourceNameError(first, node)
        deprecations.warn(
            "duplicate-name-distinct-node-types-deprecation",
            resource_name=node.name,
            unique_id1=first.unique_id,
            unique_id2=node.unique_id,
            package_name=node.package_name,
        )


def _configured_target(session: Session, node: Any, config: Any) -> str | None:
    """Return the target of a node that is being parsed: from --target, its SQL or dbt_project.yml."""
    forced = getattr(session.config.args, "TARGET", None)
    if forced:
        return str(forced)
    in_sql = _TARGET_IN_CONFIG.search(node.raw_code or "")
    if in_sql:
        return in_sql["name"]
    if not _folders_have_targets(session):
        return None
    target = config.build_config_dict(base=True).get("target")
    return str(target) if target else None


def _folders_have_targets(session: Session) -> bool:
    """Return whether a dbt_project.yml may set `target` for folders; computing a node's config takes time."""
    projects = (session.config.dependencies or {}).values()
    return any(
        "target'"
        in repr((config.models, config.seeds, config.snapshots, config.data_tests, config.unit_tests))
        for config in (session.config, *projects)
    )
