"""Wraps macros and adds values in the Jinja context of one node.

Up to dbt-core 1.11 a context is a dict. From 1.12 on it is a ChainMap over macros that all nodes share, so a
node's own entries go into a map of their own before the shared ones.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable
from typing import Any


def override(context: Any, name: str, wrap: Callable[[Any], Any]) -> None:
    """Replace a macro by `wrap(macro)` in the node's templates, under both `name` and `dbt.name`."""
    package = context.get("dbt")
    if isinstance(context, ChainMap):
        own = {name: wrap(context[name])} if name in context else {}
        if package is not None and name in package:
            own["dbt"] = ChainMap({name: wrap(package[name])}, package)
        context.maps.insert(0, own)
        return
    for namespace in (context, package):
        if isinstance(namespace, dict) and name in namespace:
            namespace[name] = wrap(namespace[name])


def define(context: Any, name: str, value: Any) -> None:
    """Add a value to the node's context."""
    if isinstance(context, ChainMap):
        context.maps.insert(0, {name: value})
    else:
        context[name] = value
