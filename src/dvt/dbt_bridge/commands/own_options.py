"""Options that several of dvt's commands have."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import click

from dvt.core.housekeeping import ProjectPlace

JSON = click.Option(
    ["--json", "as_json"],
    is_flag=True,
    help="Print one JSON object, and nothing else to the standard output.",
)

_STDOUT = "dvt.stdout"
"""Key of a command's context: the standard output."""


def place_of(flags: Any, project: Any) -> ProjectPlace:
    """Return the place of a project that dbt has read; the profile is that of --profile, or its own."""
    return ProjectPlace(
        project_dir=Path(project.project_root),
        project=str(project.project_name),
        profiles_dir=Path(flags.PROFILES_DIR),
        profile=str(getattr(flags, "PROFILE", None) or project.profile_name),
    )


def quiet_with_json(function: Callable[..., Any]) -> Callable[..., Any]:
    """Have dbt log to its file only, where the command prints JSON; its errors go to the standard error."""

    @functools.wraps(function)
    def wrapper(ctx: click.Context, *args: Any, **kwargs: Any) -> Any:
        if not kwargs.get("as_json"):
            return function(ctx, *args, **kwargs)
        ctx.params["quiet"] = True
        kwargs["quiet"] = True
        ctx.meta[_STDOUT] = sys.stdout
        with redirect_stdout(sys.stderr):
            return function(ctx, *args, **kwargs)

    return wrapper


def print_json(ctx: click.Context, found: object) -> None:
    """Print an object within a function that is `quiet_with_json`."""
    click.echo(json.dumps(found, indent=2), file=ctx.meta[_STDOUT])
