"""Patches dbt-core. The docstring of each wrapper says what it changes.

`WRAPPED` lists the functions of dbt that dvt wraps; `changed_objects.CHANGED_OBJECTS` lists everything else
that dvt changes in dbt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import partial, wraps
from types import ModuleType
from typing import Any

from dvt.core.errors import DbtUnsupported
from dvt.core.ports.bridge import FederatorFactory
from dvt.dbt_bridge.commands import catalog, starter
from dvt.dbt_bridge.entry.patching import PatchOnImport, Wrapper, replace, wrap
from dvt.dbt_bridge.jinja import compiling
from dvt.dbt_bridge.nodes import frozen, node_patches, task_patches
from dvt.dbt_bridge.outputs import dbt_duckdb, own_adapters, profiles
from dvt.dbt_bridge.project import parsing, seed_files, settings, sources
from dvt.dbt_bridge.session import current_session


class Needs(Enum):
    """The condition for calling a wrapper; otherwise dbt's own function is called."""

    NOTHING = "nothing"
    """No condition. The wrapper is called with dbt's function and its arguments."""
    SESSION = "a session"
    """There is a session; the wrapper gets it as second argument, after dbt's function."""
    TARGETS = "several targets"
    """There is a session and it is not `plain`; the wrapper is called as for SESSION."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A wrapper around one function of dbt."""

    parameters: tuple[str, ...]
    """The first parameters of dbt's function: the wrapper relies on their names and order."""
    wrapper: Wrapper
    needs: Needs = Needs.NOTHING

    def guarded(self) -> Wrapper:
        """Return a wrapper that calls dbt's own function unless the condition holds."""
        if self.needs is Needs.NOTHING:
            return self.wrapper

        @wraps(self.wrapper)
        def call(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            session = current_session()
            if session is None or (self.needs is Needs.TARGETS and session.plain):
                return original(*args, **kwargs)
            return self.wrapper(original, session, *args, **kwargs)

        return call


_EXECUTE_MODEL = ("self", "hook_ctx", "context_config", "model", "context")
"""Parameters of the runners' `_execute_model`."""

WRAPPED: Mapping[str, Mapping[str, Patch]] = {
    "dbt.cli.requires": {"fire_event": Patch(("e", "level"), node_patches.fire_event)},
    "dbt.config.profile": {
        "Profile.from_raw_profile_info": Patch(
            ("cls", "raw_profile", "profile_name", "renderer", "target_override", "threads_override"),
            profiles.from_raw_profile_info,
        ),
    },
    "dbt.adapters.base.impl": {
        "BaseAdapter.set_macro_resolver": Patch(
            ("self", "macro_resolver"), parsing.set_macro_resolver, Needs.SESSION
        ),
    },
    "dbt.parser.read_files": {
        "yaml_from_file": Patch(("source_file", "validate"), sources.yaml_from_file),
        "load_seed_source_file": Patch(
            ("match", "project_name"), seed_files.load_seed_source_file, Needs.SESSION
        ),
        "ReadFilesFromFileSystem.read_files_for_project": Patch(
            ("self", "project", "file_types"), seed_files.read_files_for_project, Needs.SESSION
        ),
    },
    "dbt.parser.base": {
        "SQLParser.parse_file": Patch(("self", "file_block"), seed_files.parse_file, Needs.SESSION),
        "ConfiguredParser._context_for": Patch(
            ("self", "parsed_node", "config"), parsing.context_for, Needs.SESSION
        ),
        "ConfiguredParser.render_with_context": Patch(
            ("self", "parsed_node", "config"), parsing.render_with_context, Needs.SESSION
        ),
    },
    "dbt.parser.schema_generic_tests": {
        "generate_test_context": Patch(
            ("model", "config", "manifest", "context_config", "macro_resolver"),
            parsing.generate_test_context,
            Needs.SESSION,
        ),
    },
    "dbt.clients.jinja_static": {
        "statically_parse_adapter_dispatch": Patch(
            ("func_call", "ctx", "db_wrapper"), parsing.statically_parse_adapter_dispatch, Needs.SESSION
        ),
    },
    "dbt.parser.unit_tests": {
        "generate_parser_unit_test_context": Patch(
            ("unit_test", "config", "manifest"), parsing.generate_parser_unit_test_context, Needs.TARGETS
        ),
    },
    "dbt.parser.manifest": {
        "ManifestLoader.load": Patch(("self",), parsing.load, Needs.SESSION),
        "ManifestLoader.build_manifest_state_check": Patch(
            ("self",), parsing.build_manifest_state_check, Needs.SESSION
        ),
        "_check_resource_uniqueness": Patch(
            ("manifest", "config"), parsing.check_resource_uniqueness, Needs.TARGETS
        ),
    },
    "dbt.hooks": {"get_hook_dict": Patch(("source",), node_patches.get_hook_dict)},
    "dbt.compilation": {
        "Compiler.compile_node": Patch(("self", "node", "manifest"), compiling.compile_node, Needs.TARGETS),
        "Compiler._compile_code": Patch(("self", "node", "manifest"), compiling.compile_code),
        "Compiler._create_node_context": Patch(
            ("self", "node", "manifest", "extra_context"), compiling.create_node_context, Needs.SESSION
        ),
    },
    "dbt.task.base": {
        "BaseRunner.__init__": Patch(
            ("self", "config", "adapter", "node", "node_index", "num_nodes"),
            task_patches.runner_init,
            Needs.TARGETS,
        ),
    },
    "dbt.task.runnable": {
        "GraphRunnableTask._runtime_initialize": Patch(
            ("self",), task_patches.runtime_initialize, Needs.TARGETS
        ),
        "GraphRunnableTask.get_runner": Patch(("self", "node"), task_patches.get_runner, Needs.TARGETS),
        "GraphRunnableTask.run": Patch(("self",), node_patches.run_task, Needs.SESSION),
        "GraphRunnableTask.call_runner": Patch(("self", "runner"), node_patches.call_runner, Needs.TARGETS),
        "GraphRunnableTask.create_schemas": Patch(
            ("self", "adapter", "required_schemas"), task_patches.create_schemas, Needs.TARGETS
        ),
        "GraphRunnableTask.populate_adapter_cache": Patch(
            ("self", "adapter", "required_schemas"), task_patches.populate_adapter_cache, Needs.TARGETS
        ),
        "GraphRunnableTask.run_queue": Patch(("self", "pool"), task_patches.run_queue, Needs.SESSION),
        "GraphRunnableTask.execute_nodes": Patch(("self",), task_patches.execute_nodes, Needs.SESSION),
        "GraphRunnableTask._cancel_connections": Patch(
            ("self", "pool"), task_patches.cancel_connections, Needs.SESSION
        ),
    },
    "dbt.task.run": {
        "ModelRunner.execute": Patch(("self", "model", "manifest"), node_patches.execute, Needs.SESSION),
        "ModelRunner._execute_model": Patch(_EXECUTE_MODEL, node_patches.execute_model, Needs.SESSION),
        "MicrobatchBatchRunner._execute_model": Patch(
            _EXECUTE_MODEL, node_patches.execute_model, Needs.SESSION
        ),
        "MicrobatchModelRunner.merge_batch_results": Patch(
            ("self", "result", "batch_results"), node_patches.merge_batch_results
        ),
        "RunTask.safe_run_hooks": Patch(
            ("self", "adapter", "hook_type", "extra_context"), task_patches.safe_run_hooks, Needs.TARGETS
        ),
    },
    "dbt.task.show": {
        "ShowRunner.execute": Patch(
            ("self", "compiled_node", "manifest"), node_patches.execute_show, Needs.SESSION
        ),
    },
    "dbt.task.run_operation": {
        "RunOperationTask._run_unsafe": Patch(
            ("self", "package_name", "macro_name"), task_patches.run_operation, Needs.TARGETS
        ),
    },
    "dbt.task.debug": {
        "DebugTask._read_adapter_version": Patch(("self", "module"), own_adapters.read_adapter_version),
    },
    "dbt.task.init": {
        "InitTask.copy_starter_repo": Patch(("self", "project_name"), starter.copy_starter_repo),
        "InitTask.run": Patch(("self",), starter.run),
        "_get_adapter_plugin_names": Patch((), own_adapters.adapter_names),
    },
    "dbt.task.freshness": {
        "FreshnessTask.populate_metadata_freshness_cache": Patch(
            ("self", "adapter", "selected_uids"),
            task_patches.populate_metadata_freshness_cache,
            Needs.TARGETS,
        ),
    },
    "dbt.adapters.duckdb.environments.local": {
        "LocalEnvironment.cancel": Patch(("cls", "connection"), dbt_duckdb.cancel),
    },
    "dbt.adapters.postgres.connections": {
        "PostgresConnectionManager.open": Patch(("cls", "connection"), frozen.open_connection, Needs.SESSION),
        "PostgresConnectionManager.exception_handler": Patch(
            ("self", "sql"), frozen.exception_handler, Needs.SESSION
        ),
    },
    "dbt.task.docs.generate": {
        "get_adapter": Patch(("config",), catalog.get_adapter, Needs.TARGETS),
        "Catalog.__init__": Patch(("self", "columns"), catalog.catalog_init),
        "Catalog.make_unique_id_map": Patch(
            ("self", "manifest", "selected_node_ids"), catalog.make_unique_id_map, Needs.TARGETS
        ),
    },
}
"""Module of dbt → symbol → its wrapper."""

_patch_on_import = PatchOnImport()
_container: Any = None


def apply(make_federator: FederatorFactory | None = None) -> None:
    """Patch dbt, once per process, and set the factory for the invocations that follow."""
    global _container  # noqa: PLW0603 - dbt's modules are global to the process, and so are their patches
    if _container is None:
        _container = _install()
    _container.make_federator = make_federator


def _install() -> Any:
    from dbt.adapters import factory

    from dvt.dbt_bridge.entry.adapters import TargetAdapters

    replace(factory, "FACTORY", factory.AdapterContainer, TargetAdapters)
    for module, symbols in WRAPPED.items():
        _patch_on_import.add(module, partial(_wrap_all, symbols))
    for module, patch in _MODULE_PATCHES.items():
        _patch_on_import.add(module, patch)
    return factory.FACTORY


def _wrap_all(symbols: Mapping[str, Patch], module: ModuleType) -> None:
    """Wrap functions of a module of dbt; in its parser, also replace the name of the partial-parse file."""
    for path, patch in symbols.items():
        wrap(module, path, patch.parameters, patch.guarded())
    if module.__name__ == parsing.PARSER:
        replace(module, "PARTIAL_PARSE_FILE_NAME", str, lambda _: parsing.PARTIAL_PARSE_FILE)


def _allow_dvt_keys(jsonschemas: ModuleType) -> None:
    """Keep dbt from warning about dvt's config keys; a dbt without these functions only warns."""
    with suppress(DbtUnsupported):
        wrap(jsonschemas, "_additional_properties_violation_keys", ("error",), settings.unknown_keys)
        wrap(
            jsonschemas,
            "_get_allowed_config_fields_for_project_property",
            ("schema", "property_field_name"),
            settings.allowed_fields,
        )


_MODULE_PATCHES: dict[str, Callable[[ModuleType], None]] = {
    "dbt.adapters.duckdb.environments": dbt_duckdb.share_files,
    "dbt.jsonschemas.jsonschemas": _allow_dvt_keys,
}
"""Module of dbt → a function that patches it after its import."""
