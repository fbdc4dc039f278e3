"""Wraps dbt's parser: each node has its own `target` in Jinja, the macros and the names of its target."""

from __future__ import annotations

import pprint
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from typing import Any

from dvt.core.errors import DvtError
from dvt.dbt_bridge.project import macro_packages
from dvt.dbt_bridge.project.macro_packages import MacroPackages
from dvt.dbt_bridge.project.manifest import needed_types, part_of, resolve_project
from dvt.dbt_bridge.project.parse_targets import ParseTargets
from dvt.dbt_bridge.session import Session

PARSER = "dbt.parser.manifest"
"""dbt's module that holds the name of the partial-parse file."""
PARTIAL_PARSE_FILE = "dvt_partial_parse.msgpack"
"""Name of the partial-parse file. It is not dbt's, since dbt without dvt would reuse what dvt has parsed."""

_parse: tuple[ParseTargets, MacroPackages] | None = None
"""What dvt knows of the parse that is under way; dbt parses one project at a time in a process."""


def load(original: Callable[..., Any], session: Session, self: Any) -> Any:
    """Return the parsed project, resolved and checked, with every node's names on its own target."""
    global _parse  # noqa: PLW0603 - dbt's parsers are made by dbt, and know nothing of ours
    packages = MacroPackages(session.targets, self)
    _parse = (ParseTargets(session), packages)
    try:
        manifest = original(self)
    finally:
        _parse = None
    resolve_project(session, manifest)
    kinds = needed_types(session)
    if packages.include(kinds):  # of sources' outputs, and of nodes that dbt did not have to render
        self.write_manifest_for_partial_parse()
    macro_packages.remember(self.root_project, kinds)
    return manifest


def context_for(
    original: Callable[..., Any], session: Session, self: Any, parsed_node: Any, config: Any
) -> Any:
    """Return the parse-time context with the node's own `target` and the macros of its adapter."""
    targets = _parse[0] if _parse else ParseTargets(session)
    target_config = _config_of(session, targets.of(parsed_node, config, self.manifest))
    if target_config is None:
        return original(self, parsed_node, config)
    from dbt.context.providers import generate_parser_model_context

    return generate_parser_model_context(parsed_node, target_config, self.manifest, config)


def render_with_context(
    original: Callable[..., Any], session: Session, self: Any, parsed_node: Any, config: Any
) -> Any:
    """Render a node to find what it reads; once more if its Jinja names another target than was known.

    The first rendering decides the target, and in the second one `target` is that target.
    """
    targets = _parse[0] if _parse else ParseTargets(session)
    if len(session.outputs.names) == 1:
        return original(self, parsed_node, config)
    state = _NodeState(parsed_node, config)
    assumed = targets.of(parsed_node, config, self.manifest)
    try:
        context = original(self, parsed_node, config)
        target = targets.of(parsed_node, config, self.manifest)
        if target == assumed:
            return context
    except Exception:
        # A macro may be unknown to the assumed target's adapter, before or after the call of config().
        target = targets.of(parsed_node, config, self.manifest)
        if target == assumed:
            named = targets.named(parsed_node, assumed)
            if named is None:
                raise
            target = named
    called = config._config_call_dict.get("target", target)  # noqa: SLF001
    state.restore()
    targets.decide(parsed_node, target)
    context = original(self, parsed_node, config)
    config.add_config_call({"target": called})
    return context


def generate_test_context(  # noqa: PLR0917 - dbt's own parameters, after ours
    original: Callable[..., Any],
    session: Session,
    model: Any,
    config: Any,
    manifest: Any,
    context_config: Any,
    macro_resolver: Any,
) -> Any:
    """Return the parse-time context of a generic test, with the `target` and the macros of what it tests."""
    targets = _parse[0] if _parse else ParseTargets(session)
    target_config = _config_of(session, targets.of(model, context_config, manifest))
    if target_config is None:
        return original(model, config, manifest, context_config, macro_resolver)
    from dbt.adapters.factory import get_adapter_package_names
    from dbt.context.macro_resolver import MacroResolver

    packages = get_adapter_package_names(target_config.credentials.type)
    resolver = MacroResolver(manifest.macros, config.project_name, packages)
    return original(model, target_config, manifest, context_config, resolver)


def generate_parser_unit_test_context(
    original: Callable[..., Any], session: Session, unit_test: Any, config: Any, manifest: Any
) -> Any:
    """Return the parse-time context of a unit test, with the `target` and the macros of the tested model."""
    tested = session.output_of(unit_test.tested_node_unique_id)
    return original(unit_test, _config_of(session, tested) or config, manifest)


def statically_parse_adapter_dispatch(
    original: Callable[..., Any], session: Session, func_call: Any, ctx: Any, db_wrapper: Any
) -> Any:
    """Return the macros that a macro may dispatch to; those for other outputs if the default one has none."""
    from dbt_common.exceptions import CompilationError

    try:
        return original(func_call, ctx, db_wrapper)
    except CompilationError as error:
        if db_wrapper is None:
            raise
        others = type(db_wrapper)(db_wrapper._adapter, db_wrapper._namespace)  # noqa: SLF001
        types = list(dict.fromkeys(session.outputs.types.values()))
        others._get_adapter_macro_prefixes = lambda: types  # noqa: SLF001
        with suppress(CompilationError):
            return original(func_call, ctx, others)
        raise error  # noqa: TRY201 - dbt's own: which macros the default target's adapter would take


def _config_of(session: Session, target: str) -> Any:
    """Return dbt's config of another target than the default one, with its adapter's macros included.

    None for the default target, and for one that resolution will raise an error for.
    """
    if target == session.default or not isinstance(session.outputs.types.get(target), str):
        return None
    try:
        config = session.targets.config(target)
    except DvtError:
        return None
    if _parse:
        _parse[1].include({session.outputs.types[target]})
    config.dependencies = session.config.dependencies
    return config


class _NodeState:
    """What rendering adds to a node and to its config."""

    _LISTS = ("refs", "sources", "metrics", "functions")
    """Attributes of a node that calls in its Jinja are added to."""

    def __init__(self, node: Any, config: Any) -> None:
        self._node, self._config = node, config
        self._lists = {name: list(getattr(node, name)) for name in self._LISTS if hasattr(node, name)}
        self._macros = list(node.depends_on.macros)
        self._calls = deepcopy(config._config_call_dict)  # noqa: SLF001 - there is no other way to it
        self._unrendered = deepcopy(config._unrendered_config_call_dict)  # noqa: SLF001

    def restore(self) -> None:
        """Undo a rendering."""
        for name, values in self._lists.items():
            getattr(self._node, name)[:] = values
        self._node.depends_on.macros[:] = self._macros
        self._config._config_call_dict = self._calls  # noqa: SLF001
        self._config._unrendered_config_call_dict = self._unrendered  # noqa: SLF001


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
