"""Names in a node's Jinja context that are the node's own: macros wrapped, values added.

Up to dbt-core 1.11 a context is a dict. From 1.12 on it is a ChainMap over macros that all nodes share,
so what is the node's own is put before them and never into them.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable
from typing import Any


def override(context: Any, name: str, wrap: Callable[[Any], Any]) -> None:
    """Let the node's templates find `wrap(macro)` under the macro's name, bare and as `dbt.name`."""
    package = context.get("dbt")
    if isinstance(context, ChainMap):
        ours = {name: wrap(context[name])} if name in context else {}
        if package is not None and name in package:
            ours["dbt"] = ChainMap({name: wrap(package[name])}, package)
        context.maps.insert(0, ours)
        return
    for names in (context, package):
        if isinstance(names, dict) and name in names:
            names[name] = wrap(names[name])


def define(context: Any, name: str, value: Any) -> None:
    """Give the node's templates a value."""
    if isinstance(context, ChainMap):
        context.maps.insert(0, {name: value})
    else:
        context[name] = value
