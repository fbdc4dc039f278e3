"""Writes the command line of a click command without secrets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click
from click.core import ParameterSource

from dvt.core.masking import MASK

HARMLESS = frozenset(
    {
        "bucket",
        "compute",
        "dataset",
        "defer_state",
        "exclude",
        "indirect_selection",
        "log_path",
        "macro",
        "older_than",
        "output_keys",
        "profile",
        "profiles_dir",
        "project_dir",
        "project_name",
        "resource_types",
        "exclude_resource_types",
        "sample",
        "select",
        "selector",
        "source",
        "state",
        "target",
        "target_path",
        "to",
        "event_time_start",
        "event_time_end",
    }
)
"""Options and arguments whose value is shown, of those that are texts. Flags, numbers, choices and paths are
shown anyway; every other value is masked, whatever its name is: `--vars`, `--args`, `--inline`, and those
that dbt adds."""

_HARMLESS_TYPES = (
    click.types.IntParamType,
    click.types.FloatParamType,
    click.types.BoolParamType,
    click.Choice,
    click.Path,
)


def shown(context: click.Context) -> list[str]:
    """Return the words after `dvt`: the command, what was given to it, and secrets masked.

    Options have their full names, and are in the order in which they were given.
    """
    params = {param.name: param for each in _chain(context) for param in each.command.params}
    words = context.command_path.split()[1:]
    for each in _chain(context):
        for name, value in each.params.items():
            if _is_given(each, name):
                words += _words(params.get(name), name, value)
    return words


def value_of(context: click.Context, name: str) -> Any:
    """Return an option's value: as it was given, also before the command's name; else the default one."""
    for each in _chain(context):
        if name in each.params and _is_given(each, name):
            return each.params[name]
    return context.params.get(name)


def _chain(context: click.Context | None) -> Iterator[click.Context]:
    """Yield the contexts of the command and of the groups that it is in."""
    while context is not None:
        yield context
        context = context.parent


def _is_given(context: click.Context, name: str) -> bool:
    source: Any = context.get_parameter_source(name)
    return source is ParameterSource.COMMANDLINE or source == "kwargs"  # dbt's own word in its dbtRunner


def _words(param: click.Parameter | None, name: str, value: Any) -> list[str]:
    values = [str(part) for part in value] if isinstance(value, list | tuple) else [str(value)]
    if name not in HARMLESS and not (param is not None and isinstance(param.type, _HARMLESS_TYPES)):
        values = [MASK]
    if isinstance(param, click.Argument):
        return values
    if isinstance(value, bool) and getattr(param, "is_flag", True):
        return [_flag(param, name, value)]
    return [_longest(param.opts if param is not None else [_option(name)]), *values]


def _flag(param: click.Parameter | None, name: str, value: bool) -> str:
    if param is None:
        return _option(name if value else f"no-{name}")
    return _longest(param.opts if value or not param.secondary_opts else param.secondary_opts)


def _longest(options: Sequence[str]) -> str:
    return max(options, key=len)


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
