"""What the types of outputs share that have keys of their own, which become those of type jdbc."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from dvt.core.errors import BadOutput

_JDBC = ("maven", "jar", "fetch_size", "memory", "java_options", "connect_timeout", "consistent_reads")
"""Keys of outputs of type jdbc that all of them have, too."""
_ALWAYS_IGNORED = ("type", "threads", "max_connections")


class OutputKeys(BaseModel):
    """Keys of a dbt adapter. An unknown key is refused, never ignored."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, coerce_numbers_to_str=True
    )


_Keys = TypeVar("_Keys", bound=OutputKeys)


def read_keys(
    model: type[_Keys],
    kind: str,
    name: str,
    output: Mapping[str, Any],
    *,
    aliases: Mapping[str, str],
    ignored: Collection[str],
) -> tuple[_Keys, dict[str, Any]]:
    """Return an output's keys, and those that are passed on; BadOutput names the wrong one, not its value.

    `ignored` are keys that concern neither the connection nor what it reads.
    """
    keys: dict[str, Any] = {}
    for written, value in output.items():
        key = aliases.get(written, written)
        if value is None or key in ignored or key in _ALWAYS_IGNORED:
            continue
        if keys.get(key, value) != value:
            raise BadOutput(name, kind, f"{key} and {written} are one key, and differ")
        keys[key] = value
    passed = {key: keys.pop(key) for key in _JDBC if key in keys}
    try:
        return model(**keys), passed
    except ValidationError as error:
        raise BadOutput(name, kind, _problem(error)) from None  # its context would show the values


def _problem(error: ValidationError) -> str:
    problems = []
    for detail in error.errors(include_input=False, include_url=False, include_context=False):
        key = ".".join(str(part) for part in detail["loc"])
        if detail["type"] == "extra_forbidden":
            problems.append(f"{key} is a key it cannot honour")
        elif detail["type"] == "missing":
            problems.append(f"{key} is missing")
        else:
            problems.append(f"{key}: {detail['msg'].removeprefix('Value error, ')}")
    return "; ".join(problems)
