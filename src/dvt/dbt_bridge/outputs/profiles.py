"""Finds the folder of profiles.yml, and checks that models can be built on the profile's target."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from dbt.flags import get_flags
from dbt_common.exceptions import DbtBaseException

from dvt.config.lines import line_of
from dvt.config.profiles import FILE, default_profiles_dir
from dvt.dbt_bridge.dbt_errors import as_dbt_errors
from dvt.dbt_bridge.outputs.own_adapters import require_known
from dvt.resolution.output_types import not_a_target, output_type, type_of

_OUTPUT = "output"
"""Attribute of dbt's credentials that holds the name of their output."""


def profiles_dir_option(click_context: Any) -> Path:
    """Return the default of --profiles-dir, which depends on --project-dir."""
    from dbt.cli.resolvers import default_project_dir

    option = click_context.params.get("project_dir") if click_context else None
    project_dir = option or os.environ.get("DBT_PROJECT_DIR")
    return default_profiles_dir(Path(project_dir) if project_dir else default_project_dir())


def from_raw_profile_info(original: Callable[..., Any], cls: Any, *args: Any, **kwargs: Any) -> Any:
    """Make the profile as dbt does; NotATarget if the target can only be read, so that no adapter exists.

    The credentials get the name of their output as an attribute, since several outputs may be of one type.
    """
    with as_dbt_errors():
        _check_target(*args, **kwargs)
    profile = original(cls, *args, **kwargs)
    vars(profile.credentials)[_OUTPUT] = profile.target_name
    return profile


def profile_place(profiles_dir: Path, *path: str) -> str:
    """Return the path of profiles.yml, and the line of a key in it."""
    file = profiles_dir / FILE
    line = line_of(file, path)
    return str(file) if line is None else f"{file}, line {line}"


def output_of(credentials: Any) -> str:
    """Return the name of the credentials' output; "" if dbt made them without a profile."""
    return str(vars(credentials).get(_OUTPUT, ""))


def _check_target(
    raw_profile: Any,
    profile_name: str,
    renderer: Any,
    target_override: str | None = None,
    threads_override: int | None = None,
) -> None:
    del threads_override
    outputs = raw_profile.get("outputs")
    target = target_override or renderer.render_value(raw_profile.get("target", "default"))
    output = outputs.get(target) if isinstance(outputs, dict) else None
    kind = output.get("type") if isinstance(output, dict) else None
    if kind:
        folder = Path(getattr(get_flags(), "PROFILES_DIR", "."))  # there are no flags without a command
        place = profile_place(folder, profile_name, "outputs", target, "type")
        require_known(target, place, str(renderer.render_value(kind)))
    actual = _type_of(output, renderer)
    if not output_type(actual).can_be_target:
        possible = [
            name
            for name, keys in outputs.items()
            if isinstance(keys, dict) and output_type(_type_of(keys, renderer)).can_be_target
        ]
        raise not_a_target(f"profile {profile_name!r}", target, actual, possible)


def _type_of(output: Any, renderer: Any) -> str:
    """Return the type of an output; a `url` whose Jinja fails is none."""
    if not isinstance(output, dict):
        return str(None)
    url = ""
    with suppress(DbtBaseException):
        url = str(renderer.render_value(output.get("url", "")))
    return type_of(str(output.get("type")), url)
