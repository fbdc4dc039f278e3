"""Every place where dvt changes dbt-core, in one table. What each change does stands where it is defined."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import ModuleType
from typing import Any

from dvt.core.errors import DbtUnsupported
from dvt.core.ports.bridge import FederatorFactory
from dvt.dbt_bridge.commands import catalog, starter
from dvt.dbt_bridge.entry.patching import PatchOnImport, Wrapper, replace, wrap
from dvt.dbt_bridge.jinja import compiling
from dvt.dbt_bridge.nodes import node_patches, task_patches
from dvt.dbt_bridge.outputs import dbt_duckdb, own_adapters, profiles
from dvt.dbt_bridge.project import parsing, settings, sources

EXECUTE_MODEL = ("self", "hook_ctx", "context_config", "model", "context")

WRAPPED: dict[str, dict[str, tuple[tuple[str, ...], Wrapper]]] = {
    "dbt.cli.requires": {"fire_event": (("e", "level"), node_patches.fire_event)},
    "dbt.config.profile": {
        "Profile.from_raw_profile_info": (
            ("cls", "raw_profile", "profile_name", "renderer", "target_override", "threads_override"),
            profiles.from_raw_profile_info,
        ),
    },
    "dbt.parser.read_files": {
        "yaml_from_file": (("source_file", "validate"), sources.yaml_from_file),
    },
    "dbt.parser.base": {
        "ConfiguredParser._context_for": (("self", "parsed_node", "config"), parsing.context_for),
    },
    "dbt.parser.manifest": {
        "ManifestLoader.get_full_manifest": (("cls", "config"), parsing.get_full_manifest),
        "ManifestLoader.load": (("self",), parsing.load),
        "ManifestLoader.build_manifest_state_check": (("self",), parsing.build_manifest_state_check),
        "_check_resource_uniqueness": (("manifest", "config"), parsing.check_resource_uniqueness),
    },
    "dbt.hooks": {"get_hook_dict": (("source",), node_patches.get_hook_dict)},
    "dbt.compilation": {
        "Compiler.compile_node": (("self", "node", "manifest"), compiling.compile_node),
        "Compiler._create_node_context": (
            ("self", "node", "manifest", "extra_context"),
            compiling.create_node_context,
        ),
    },
    "dbt.task.base": {
        "BaseRunner.__init__": (
            ("self", "config", "adapter", "node", "node_index", "num_nodes"),
            task_patches.runner_init,
        ),
    },
    "dbt.task.runnable": {
        "GraphRunnableTask._runtime_initialize": (("self",), task_patches.runtime_initialize),
        "GraphRunnableTask.get_runner": (("self", "node"), task_patches.get_runner),
        "GraphRunnableTask.run": (("self",), node_patches.run_task),
        "GraphRunnableTask.call_runner": (("self", "runner"), node_patches.call_runner),
        "GraphRunnableTask.create_schemas": (
            ("self", "adapter", "required_schemas"),
            task_patches.create_schemas,
        ),
        "GraphRunnableTask.populate_adapter_cache": (
            ("self", "adapter", "required_schemas"),
            task_patches.populate_adapter_cache,
        ),
        "GraphRunnableTask.run_queue": (("self", "pool"), task_patches.run_queue),
        "GraphRunnableTask.execute_nodes": (("self",), task_patches.execute_nodes),
        "GraphRunnableTask._cancel_connections": (("self", "pool"), task_patches.cancel_connections),
    },
    "dbt.task.run": {
        "ModelRunner._execute_model": (EXECUTE_MODEL, node_patches.execute_model),
        "MicrobatchBatchRunner._execute_model": (EXECUTE_MODEL, node_patches.execute_model),
        "RunTask.safe_run_hooks": (
            ("self", "adapter", "hook_type", "extra_context"),
            task_patches.safe_run_hooks,
        ),
    },
    "dbt.task.debug": {
        "DebugTask._read_adapter_version": (("self", "module"), own_adapters.read_adapter_version),
    },
    "dbt.task.init": {
        "InitTask.copy_starter_repo": (("self", "project_name"), starter.copy_starter_repo),
        "_get_adapter_plugin_names": ((), own_adapters.adapter_names),
    },
    "dbt.task.freshness": {
        "FreshnessTask.populate_metadata_freshness_cache": (
            ("self", "adapter", "selected_uids"),
            task_patches.populate_metadata_freshness_cache,
        ),
    },
    "dbt.adapters.duckdb.environments.local": {
        "LocalEnvironment.cancel": (("cls", "connection"), dbt_duckdb.cancel),
    },
    "dbt.task.docs.generate": {
        "get_adapter": (("config",), catalog.get_adapter),
        "Catalog.__init__": (("self", "columns"), catalog.catalog_init),
        "Catalog.make_unique_id_map": (("self", "manifest", "selected_node_ids"), catalog.make_unique_id_map),
    },
}
"""Module → symbol → (its first parameters, what is put around it)."""

_importing = PatchOnImport()
_container: Any = None


def apply(make_federator: FederatorFactory | None = None) -> None:
    """Patch dbt, once per process; the factory holds from the next invocation on."""
    global _container  # noqa: PLW0603 - patches are the process's, as what they patch is
    if _container is None:
        _container = _install()
    _container.make_federator = make_federator


def _install() -> Any:
    from dbt.adapters import factory

    from dvt.dbt_bridge.entry.adapters import TargetAdapters

    replace(factory, "FACTORY", factory.AdapterContainer, TargetAdapters)
    for module, symbols in WRAPPED.items():
        _importing.add(module, partial(_wrap_all, symbols))
    for module, patch in OTHERS.items():
        _importing.add(module, patch)
    return factory.FACTORY


def _wrap_all(symbols: dict[str, tuple[tuple[str, ...], Wrapper]], module: ModuleType) -> None:
    for path, (parameters, wrapper) in symbols.items():
        wrap(module, path, parameters, wrapper)
    if module.__name__ == parsing.PARSER:
        replace(module, "PARTIAL_PARSE_FILE_NAME", str, lambda _: parsing.PARTIAL_PARSE_FILE)


def _know_our_keys(jsonschemas: ModuleType) -> None:
    """Only what dbt warns of hangs on these: where a dbt has others, its warnings show."""
    with suppress(DbtUnsupported):
        wrap(jsonschemas, "_additional_properties_violation_keys", ("error",), settings.unknown_keys)
        wrap(
            jsonschemas,
            "_get_allowed_config_fields_for_project_property",
            ("schema", "property_field_name"),
            settings.allowed_fields,
        )


OTHERS: dict[str, Callable[[ModuleType], None]] = {
    "dbt.adapters.duckdb.environments": dbt_duckdb.share_files,
    "dbt.jsonschemas.jsonschemas": _know_our_keys,
}
