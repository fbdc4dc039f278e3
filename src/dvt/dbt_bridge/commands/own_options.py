"""Options that several of dvt's commands have."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

JSON = click.Option(
    ["--json", "as_json"],
    is_flag=True,
    help="Print one JSON object, and nothing else to the standard output.",
)


def quiet_with_json(function: Callable[..., Any]) -> Callable[..., Any]:
    """Have dbt log to its file only, where the command prints JSON."""

    @functools.wraps(function)
    def wrapper(ctx: click.Context, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("as_json"):
            ctx.params["quiet"] = True
            kwargs["quiet"] = True
        return function(ctx, *args, **kwargs)

    return wrapper
