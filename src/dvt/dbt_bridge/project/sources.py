"""Moves a source's `connection:` into its `config:`, which dbt passes from a source to its tables.

Users may write it as a key of a source or of a table, in `config:`, or in the `meta:` of either. The keys
of a source, or of a table, must agree. A table's connection overrides its source's. Names that differ are all
kept, by their keys: resolution raises an error for them, with all other errors of the project.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

KEY = "connection"
"""The key that names a connection."""


def yaml_from_file(original: Callable[..., Any], source_file: Any, *args: Any, **kwargs: Any) -> Any:
    """Return a YAML file's content as dbt reads it, with every connection moved into `config`."""
    content = original(source_file, *args, **kwargs)
    sources = content.get("sources") if isinstance(content, dict) else None
    for source in sources if isinstance(sources, list) else ():
        _move_connections(source)
    return content


def _move_connections(source: Any) -> None:
    """Move the connections of a source and of its tables; leave wrong YAML for dbt to report."""
    if not isinstance(source, dict):
        return
    move_connection(source)
    tables = source.get("tables")
    for table in tables if isinstance(tables, list) else ():
        if isinstance(table, dict):
            move_connection(table)


def move_connection(level: dict[str, Any]) -> None:
    """Move the connection of a source or table into its config; all of them, by key, if its keys differ."""
    connections = {key: str(value) for key, value in _by_key(level).items() if value is not None}
    level.pop(KEY, None)
    if connections:
        config = level.get("config")
        names = list(connections.values())
        connection = connections if len(set(names)) > 1 else names[0]
        level["config"] = {**(config if isinstance(config, dict) else {}), KEY: connection}


def _by_key(level: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of all keys that may name the connection of a source or table."""
    config = _mapping(level.get("config"))
    return {
        KEY: level.get(KEY),
        f"config.{KEY}": config.get(KEY),
        f"config.meta.{KEY}": _mapping(config.get("meta")).get(KEY),
        f"meta.{KEY}": _mapping(level.get("meta")).get(KEY),
    }


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
