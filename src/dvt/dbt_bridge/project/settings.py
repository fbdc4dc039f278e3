"""dvt's settings on nodes and sources: where users may write them, and what they may say."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from dvt.core.errors import BadConfig
from dvt.core.requests import Pushdown, TextComparison
from dvt.resolution.output_types import ZERO_DATES

PUBLISH = ("swap", "keep")
COLLATIONS = tuple(one.value for one in TextComparison if one is not TextComparison.UNSAID)
_OF_A_SERVER = re.compile(r"^[a-z0-9]+(_[a-z0-9]+)+$")
"""A collation's own name, which is for the target's adapter: tables are made with it."""
DIALECTS = ("target", "compute")
"""Beside the names of SQLGlot's dialects."""

CHOICES: Mapping[str, Collection[str]] = {
    "pushdown": tuple(str(one) for one in Pushdown),
    "publish": PUBLISH,
    "zero_dates": ZERO_DATES,
}


KEYS = (
    "target",
    "compute",
    "dialect",
    "pushdown",
    "publish",
    "collation",
    "zero_dates",
    "federate",
    "connection",
)
"""Config keys of dvt's own, which dbt knows as custom ones."""


def unknown_keys(original: Callable[..., Any], error: Any) -> list[str]:
    """Keys that dbt deprecates as custom ones, dvt's own left out."""
    return [key for key in original(error) if key.lstrip("+") not in KEYS]


def allowed_fields(original: Callable[..., Any], schema: Any, property_field_name: Any) -> list[str]:
    """Keys that may stand in dbt_project.yml, dvt's own among them."""
    return [*original(schema, property_field_name), *(f"+{key}" for key in KEYS)]


def source_connection(source: Any) -> dict[str, str]:
    """What a source table says of its connection, by the place that says it."""
    said: dict[str, str] = {}
    config = source.config
    places = {
        "config.connection": config.get("connection"),
        "meta.connection": (source.meta or {}).get("connection"),
    }
    for place, value in places.items():
        if value is not None:
            said[place] = str(value)
    if "config.connection" in said:
        # `sources.py` has refused a source that says two things in one place; config is what is nearest.
        said.pop("meta.connection", None)
    return said


def check_settings(manifest: Any) -> None:
    """Raise BadConfig for the first setting with a value it cannot have."""
    for node in manifest.nodes.values():
        for key, allowed in CHOICES.items():
            _check_choice(node, key, allowed)
        _check_dialect(node)
        _check(node, "collation", _is_collation, COLLATIONS)
        for key in ("target", "compute"):
            _check(node, key, lambda value: isinstance(value, str) and bool(value), ("a name",))
    for source in manifest.sources.values():
        _check_choice(source, "zero_dates", ZERO_DATES)


def _check_choice(node: Any, key: str, allowed: Collection[str]) -> None:
    # YAML reads a bare `off` as False and `null` as None, which here mean what they look like.
    spelled = {False: "off"}
    _check(node, key, lambda value: spelled.get(value, value) in allowed, allowed)


def _check_dialect(node: Any) -> None:
    value = node.config.get("dialect")
    if value is None or value in DIALECTS:
        return
    from sqlglot.dialects.dialect import Dialect

    names = {name for name in Dialect.classes if name}
    _check(node, "dialect", lambda one: one in names, (*DIALECTS, *names))


def _is_collation(value: Any) -> bool:
    return value in COLLATIONS or bool(_OF_A_SERVER.match(str(value)))


def _check(node: Any, key: str, good: Callable[[Any], bool], allowed: Collection[str]) -> None:
    value = node.config.get(key)
    if value is not None and not good(value):
        where = f"{node.resource_type} {node.name!r} ({node.original_file_path})"
        raise BadConfig(where, key, value, allowed)
