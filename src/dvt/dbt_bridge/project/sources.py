"""A source's connection, wherever users write it, brought to the one place dbt inherits from.

`connection:` stands at the top level of a source or table, in `config:`, or in `meta:` of either. Each
level says one name; what a table says holds over what its source says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dvt.core.errors import ConflictingConnections
from dvt.dbt_bridge.dbt_errors import as_dbt_errors

KEY = "connection"


def yaml_from_file(original: Callable[..., Any], source_file: Any, *args: Any, **kwargs: Any) -> Any:
    """The file's content as dbt reads it, with every connection lifted into `config`."""
    content = original(source_file, *args, **kwargs)
    sources = content.get("sources") if isinstance(content, dict) else None
    with as_dbt_errors():
        for source in sources if isinstance(sources, list) else ():
            _lift_all(source, source_file.path.original_file_path)
    return content


def _lift_all(source: Any, file: str) -> None:
    if not isinstance(source, dict):
        return
    name = str(source.get("name"))
    lift(source, name, file)
    tables = source.get("tables")
    for table in tables if isinstance(tables, list) else ():
        if isinstance(table, dict):
            lift(table, f"{name}.{table.get('name')}", file)


def lift(level: dict[str, Any], name: str, file: str) -> None:
    """Bring the connection that a source or table says into its config."""
    said = {place: str(value) for place, value in _places(level).items() if value is not None}
    if len(set(said.values())) > 1:
        raise ConflictingConnections(name, file, said)
    level.pop(KEY, None)
    if said:
        config = level.get("config")
        level["config"] = {**(config if isinstance(config, dict) else {}), KEY: next(iter(said.values()))}


def _places(level: Mapping[str, Any]) -> dict[str, Any]:
    config = _mapping(level.get("config"))
    return {
        KEY: level.get(KEY),
        f"config.{KEY}": config.get(KEY),
        f"config.meta.{KEY}": _mapping(config.get("meta")).get(KEY),
        f"meta.{KEY}": _mapping(level.get("meta")).get(KEY),
    }


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
