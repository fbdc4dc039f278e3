"""Parsing: a node's own `target` while its Jinja runs, the macros of all targets, names per target."""

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
PARTIAL_PARSE_FILE = "dvt_partial_parse.msgpack"
"""Not dbt's: stock dbt would silently go on with what dvt parsed."""

_TARGET_IN_CONFIG = re.compile(r"\bconfig\s*\([^{}]*?\btarget\s*=\s*(['\"])(?P<name>[^'\"]+)\1", re.DOTALL)


def context_for(
    original: Callable[..., Any], session: Session, self: Any, parsed_node: Any, config: Any
) -> Any:
    """The parse-time context, with the target the node says it has: models may branch on it."""
    target = _asked_target(session, parsed_node, config)
    if target is None or target == session.default:
        return original(self, parsed_node, config)
    try:
        target_config = session.targets.config(target)
    except DvtError:
        return original(self, parsed_node, config)  # resolution will say what is wrong with it
    from dbt.context.providers import generate_parser_model_context

    target_config.dependencies = self.root_project.dependencies
    return generate_parser_model_context(parsed_node, target_config, self.manifest, config)


def load(original: Callable[..., Any], session: Session, self: Any) -> Any:
    """The parsed project, resolved and checked, every node with its own target's names.

    It is parsed once more when a node's target turns out to need other macros; the next invocation
    remembers which.
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
    """Learn of the manifest in use: dbt gives it to its default adapter, whether parsed now or before."""
    original(self, macro_resolver)
    if self is not session.targets.adapter(session.default):
        return
    if session.manifest is not macro_resolver and hasattr(macro_resolver, "nodes"):  # else macros alone
        resolve_project(session, macro_resolver, parsed_before=True)
    session.targets.attach_macros(macro_resolver)


def build_manifest_state_check(original: Callable[..., Any], session: Session, self: Any) -> Any:
    """The state check, for which every output of the profile counts, not the default one alone."""
    from dbt.contracts.files import FileHash

    state = original(self)
    if len(session.outputs.names) > 1:
        outputs = pprint.pformat(session.outputs.raw.get("outputs"))
        state.profile_hash = FileHash.from_contents(state.profile_hash.checksum + outputs)
    return state


def check_resource_uniqueness(
    original: Callable[..., Any], session: Session, manifest: Any, config: Any
) -> None:
    """Two nodes may not share a relation, on one target."""
    del config
    _check_names(session, manifest)
    for target in sorted({session.output_of(uid) for uid in manifest.nodes}):
        try:
            target_config = session.targets.config(target)
        except DvtError:
            continue  # not installed: whoever selects a node of it is told
        original(part_of(session, manifest, target), target_config)


def _check_names(session: Session, manifest: Any) -> None:
    """A seed and a model of one name are refused or deprecated by dbt, on whatever targets they are."""
    from dbt import deprecations
    from dbt.exceptions import DuplicateResourceNameError
    from dbt.flags import get_flags

    seen: dict[tuple[str, str], Any] = {}
    for node in manifest.nodes.values():
        if not node.is_relational or node.is_versioned:
            continue
        other = seen.setdefault((node.package_name, node.name), node)
        if other is node or session.output_of(other.unique_id) == session.output_of(node.unique_id):
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


def _asked_target(session: Session, node: Any, config: Any) -> str | None:
    forced = getattr(session.config.args, "TARGET", None)
    if forced:
        return str(forced)
    written = _TARGET_IN_CONFIG.search(node.raw_code or "")
    if written:
        return written["name"]
    if not _folders_say_target(session):
        return None
    target = config.build_config_dict(base=True).get("target")
    return str(target) if target else None


def _folders_say_target(session: Session) -> bool:
    """True when dbt_project.yml may set a target for folders: asking for a node's config costs time."""
    projects = (session.config.dependencies or {}).values()
    return any(
        "target'" in repr((one.models, one.seeds, one.snapshots, one.data_tests, one.unit_tests))
        for one in (session.config, *projects)
    )
