"""Reads outputs from the properties in YAML files before dbt does: it parses them after the models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dbt.clients.jinja import get_rendered
from dbt.context.configured import SchemaYamlVars, generate_schema_yml_context

_KINDS = {"models": "model", "seeds": "seed", "snapshots": "snapshot", "analyses": "analysis"}
"""Key of a YAML file → resource type of its entries."""
_NO_CONFIG: Mapping[str, Any] = {}


class Properties:
    """The targets of nodes, and the connections of sources, that a project's YAML files name."""

    def __init__(self, config: Any, manifest: Any) -> None:
        self._config = config
        self._targets: dict[tuple[str, str, str], Any] = {}
        self._connections: dict[tuple[str, str], Any] = {}
        for file in manifest.files.values():
            content = getattr(file, "dict_from_yaml", None)
            if content:
                self._read(file.project_name, content)

    def target(self, node: Any) -> str | None:
        """Return the target that the node's properties name, None if they name none."""
        value = self._targets.get((str(node.resource_type), node.package_name, node.name))
        return self._rendered(node.package_name, value)

    def connection(self, source: str, table: str, package: str) -> str | None:
        """Return the connection of a source's table, None if its properties name none."""
        return self._rendered(package, self._connections.get((source, table)))

    def _read(self, package: str, content: Mapping[str, Any]) -> None:
        for key, kind in _KINDS.items():
            for entry in _mappings(content.get(key)):
                for name, config in _configs(entry):
                    if "target" in config:
                        self._targets[kind, package, name] = config["target"]
        for source in _mappings(content.get("sources")):
            for table in _mappings(source.get("tables")):
                configs = {**_config(source), **_config(table)}
                if "connection" in configs:
                    self._connections[str(source.get("name")), str(table.get("name"))] = configs["connection"]

    def _rendered(self, package: str, value: Any) -> str | None:
        if not isinstance(value, str):
            return None
        context = generate_schema_yml_context(self._config, package, SchemaYamlVars())
        return str(get_rendered(value, context))


def _configs(entry: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield name and config of a node, and of each version of a model."""
    name = str(entry.get("name"))
    yield name, _config(entry)
    for version in _mappings(entry.get("versions")):
        file = str(version.get("defined_in") or f"{name}_v{version.get('v')}")
        yield file, {**_config(entry), **_config(version)}


def _config(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    config = entry.get("config")
    return config if isinstance(config, dict) else _NO_CONFIG


def _mappings(value: Any) -> Iterable[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else ()
