"""Checks dvt's configs of nodes and sources: the keys where dbt allows keys, and the values."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from dvt.core.error_list import ErrorList
from dvt.core.errors import BadConfig
from dvt.core.requests import Pushdown, TextComparison, Translate
from dvt.resolution.output_types import ZERO_DATES

PUBLISH = ("swap", "keep")
"""Values of the config `publish`."""
COLLATIONS = tuple(
    comparison.value for comparison in TextComparison if comparison is not TextComparison.UNSET
)
"""Values of the config `collation` besides the names of servers' collations."""
_SERVER_COLLATION = re.compile(r"^[a-z0-9]+(_[a-z0-9]+)+$")
"""Matches the name of a server's collation, which the target's adapter makes tables with."""
DIALECTS = ("target", "compute")
"""Values of the config `dialect` besides SQLGlot's names of dialects."""

CHOICES: Mapping[str, Collection[str]] = {
    "pushdown": tuple(str(pushdown) for pushdown in Pushdown),
    "publish": PUBLISH,
    "translate": tuple(str(translate) for translate in Translate),
    "zero_dates": ZERO_DATES,
}
"""Config → its values."""

KEYS = (
    "target",
    "compute",
    "bucket",
    "extraction",
    "engine",
    "encoding",
    "null_value",
    "quote",
    "escape",
    "multiline",
    "batch_size",
    "date_format",
    "timestamp_format",
    "dialect",
    "pushdown",
    "max_extract_rows",
    "max_extract_bytes",
    "publish",
    "translate",
    "collation",
    "zero_dates",
    "federate",
    "connection",
)
"""dvt's config keys, which are custom keys for dbt."""


def unknown_keys(original: Callable[..., Any], error: Any) -> list[str]:
    """Return the custom keys that dbt warns about, without dvt's."""
    return [key for key in original(error) if key.lstrip("+") not in KEYS]


def allowed_fields(original: Callable[..., Any], schema: Any, property_field_name: Any) -> list[str]:
    """Return the keys that dbt_project.yml may have, with dvt's."""
    return [*original(schema, property_field_name), *(f"+{key}" for key in KEYS)]


def source_connection(source: Any) -> dict[str, str]:
    """Return the connection of a source's table by the key that names it, or nothing if no key does."""
    values = {
        "config.connection": source.config.get("connection"),
        "meta.connection": (source.meta or {}).get("connection"),
    }
    if isinstance(values["config.connection"], dict):
        return dict(values["config.connection"])  # names that differ: `sources.py` kept them by their keys
    connections = {key: str(value) for key, value in values.items() if value is not None}
    if "config.connection" in connections:
        # `sources.py` has compared the names on one level of the YAML; here `meta` is that of an outer level.
        connections.pop("meta.connection", None)
    return connections


PlaceOf = Callable[[Any, str], str]
"""Takes a node and a setting, and returns the setting's place in the project's files."""


def check_settings(manifest: Any, place_of: PlaceOf) -> None:
    """Raise a BadConfig for each config with a wrong value, all of them together."""
    errors = ErrorList()
    for node in manifest.nodes.values():
        for key, (is_valid, allowed) in _CHECKS.items():
            with errors.collecting():
                _check(node, key, is_valid, allowed, place_of)
        with errors.collecting():
            _check_dialect(node, place_of)
        with errors.collecting():
            _check_extraction(node, place_of)
    for source in manifest.sources.values():
        with errors.collecting():
            _check_extraction(source, place_of)
        for key in ("zero_dates", "bucket"):
            with errors.collecting():
                _check(source, key, *_CHECKS[key], place_of)
    errors.raise_all()


def _is_choice(allowed: Collection[str], value: Any) -> bool:
    return ("off" if value is False else value) in allowed  # YAML reads a bare `off` as False


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _check_dialect(node: Any, place_of: PlaceOf) -> None:
    value = node.config.get("dialect")
    if value is None or value in DIALECTS:
        return
    from sqlglot.dialects.dialect import Dialect

    names = {name for name in Dialect.classes if name}
    _check(node, "dialect", lambda name: name in names, (*DIALECTS, *names), place_of)


def _check_extraction(node: Any, place_of: PlaceOf) -> None:
    value = node.config.get("extraction")
    if value is not None:
        from dvt.config.extraction import extraction_of

        extraction_of(value, f"{node.resource_type} {node.name!r} ({place_of(node, 'extraction')})")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_collation(value: Any) -> bool:
    return value in COLLATIONS or bool(_SERVER_COLLATION.match(str(value)))


def _check(
    node: Any, key: str, is_valid: Callable[[Any], bool], allowed: Collection[str], place_of: PlaceOf
) -> None:
    """Raise BadConfig, which lists the `allowed` values, if the node has the config with a wrong value."""
    value = node.config.get(key)
    if value is not None and not is_valid(value):
        where = f"{node.resource_type} {node.name!r} ({place_of(node, key)})"
        raise BadConfig(where, key, value, allowed)


_CHECKS: Mapping[str, tuple[Callable[[Any], bool], Collection[str]]] = {
    **{key: (partial(_is_choice, allowed), allowed) for key, allowed in CHOICES.items()},
    "collation": (_is_collation, COLLATIONS),
    "max_extract_rows": (_is_count, ("a whole number from 1 up",)),
    "max_extract_bytes": (_is_count, ("a whole number from 1 up",)),
    "target": (_is_name, ("a name",)),
    "compute": (_is_name, ("a name",)),
    "bucket": (_is_name, ("a name",)),
}
"""Config → a function that returns whether a value is right, and the values that the error lists."""
