"""Finds where in a project's files a setting of a node is, for the errors about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dvt.config.lines import Named, YamlPath, line_of

_PROJECT_FILE = "dbt_project.yml"
_LISTS = {"seed": "seeds", "snapshot": "snapshots", "analysis": "analyses", "test": "data_tests"}
"""Resource type → the key of its nodes in YAML files; `models` for other types."""
_LEVELS: tuple[YamlPath, ...] = (("config",), (), ("config", "meta"), ("meta",))
"""Where in the properties of a source or a table its connection may be."""


def place_of(config: Any, node: Any, key: str) -> str:
    """Return file and line of a setting; of the source, or only the node's file, if it is not found.

    Args:
        config: dbt's RuntimeConfig of the root project.
        node: a node or source of dbt's manifest.
        key: the setting.
    """
    if str(node.resource_type) == "source":
        line = line_of(_root(config, node.package_name) / node.original_file_path, *_of_source(node, key))
        return _place(node.original_file_path, line)
    places = (place for place in _of_node(config, node, key) if place is not None)
    return next(places, str(node.original_file_path))


def _place(file: str, line: int | None) -> str:
    return file if line is None else f"{file}, line {line}"


def _of_source(source: Any, key: str) -> Iterator[YamlPath]:
    of_source = ("sources", Named(source.source_name))
    of_table = (*of_source, "tables", Named(source.name))
    if source.config.get(key) is not None:
        yield from ((*level, *inner, key) for level in (of_table, of_source) for inner in _LEVELS)
    yield of_table


def _of_node(config: Any, node: Any, key: str) -> Iterator[str | None]:
    """Yield the places of a setting in SQL, properties and folders; the first one overrides the others."""
    own = _root(config, node.package_name)
    in_sql = re.search(rf"\b{key}\s*=", _text(own / node.original_file_path))
    if in_sql:
        yield _place(node.original_file_path, in_sql.string.count("\n", 0, in_sql.start()) + 1)
    kind = _LISTS.get(str(node.resource_type), "models")
    if getattr(node, "patch_path", None):
        package, _, file = node.patch_path.partition("://")
        path = (kind, Named(node.name), "config", key)
        yield _if_there(_root(config, package), file, path)
    folders = [node.fqn[:depth] for depth in range(len(node.fqn), -1, -1)]
    paths: list[YamlPath] = [(kind, *folder, name) for folder in folders for name in (f"+{key}", key)]
    yield _if_there(_root(config, ""), _PROJECT_FILE, *paths)


def _if_there(root: Path, file: str, *paths: YamlPath) -> str | None:
    line = line_of(root / file, *paths, exact=True)
    return None if line is None else _place(file, line)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _root(config: Any, package: str) -> Path:
    project = (config.dependencies or {}).get(package, config)
    return Path(project.project_root)
