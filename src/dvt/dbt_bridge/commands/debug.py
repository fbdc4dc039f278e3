"""Implements `dvt debug`: dbt's own, then tests of the buckets and computes of the profile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from dbt.cli import requires
from dbt.cli.main import cli
from dbt.events.types import DebugCmdOut
from dbt.task.debug import DebugTask
from dbt_common.events.functions import fire_event

from dvt.core.housekeeping import ProjectPlace, WantedOutputs
from dvt.dbt_bridge.commands.own_options import JSON, print_json, quiet_with_json
from dvt.dbt_bridge.dbt_errors import as_dbt_errors

ALL = click.Option(
    ["--all", "every"], is_flag=True, help="Test every output of the profile, not only the target."
)

if TYPE_CHECKING:
    from dvt.staging.housekeeping.diagnosis import Diagnosis


def make_command(
    diagnose: Callable[[ProjectPlace, WantedOutputs], Diagnosis],
    as_lines: Callable[[Diagnosis], Iterator[str]],
    as_object: Callable[[Diagnosis], dict[str, Any]],
) -> click.Command:
    """Make the click command: dbt's own, with an option."""

    @click.pass_context
    @quiet_with_json
    @requires.postflight
    @requires.preflight
    def run(ctx: click.Context, **kwargs: Any) -> tuple[Any, bool]:
        """Show the installation, test the connection of the target, and test the buckets of the profile.

        The target is used as a run uses it: a stage table of one row is filled in its schema, and dropped.
        With --all, every other output of the profile is connected to, and nothing is written there. Of each,
        the schemas of the sources that the project has in it, as it was last parsed, are looked at, too.

        In each bucket of buckets.yml, an object is put, read and deleted in the project's folder, and what is
        staged there is counted.
        """
        task = DebugTask(ctx.obj["flags"])
        is_good = bool(task.run())
        place = None if kwargs["config_dir"] or kwargs["connection"] else _place(task)
        diagnosis = None
        if place is not None:
            with as_dbt_errors():
                diagnosis = diagnose(place, _wanted(task, kwargs))
            for line in as_lines(diagnosis):
                fire_event(DebugCmdOut(msg=line))
        if kwargs["as_json"]:
            found = {} if diagnosis is None else as_object(diagnosis)
            print_json(ctx, {"dbt": {"ok": is_good}, **found})
        return is_good, is_good and not (diagnosis is not None and diagnosis.has_failed)

    params = [*cli.commands["debug"].params, ALL, JSON]
    return click.Command("debug", callback=run, params=params, help=run.__doc__)


def _wanted(task: DebugTask, kwargs: Mapping[str, Any]) -> WantedOutputs:
    """Return what to test; the target is empty if dbt could not load the profile."""
    profile = task.profile
    target = "" if profile is None else str(kwargs["target"] or profile.target_name)
    project: Any = getattr(task, "project", None)
    manifest = None if project is None else Path(project.project_root) / project.target_path / "manifest.json"
    variables = kwargs["vars"] or {}
    return WantedOutputs(target=target, every=kwargs["every"], variables=variables, manifest=manifest)


def _place(task: DebugTask) -> ProjectPlace | None:
    """Return the project that dbt has tested; None if there is none, or it cannot be read."""
    project: Any = getattr(task, "project", None)
    if project is None:
        return None
    profile = task.profile.profile_name if task.profile is not None else project.profile_name
    return ProjectPlace(
        project_dir=Path(project.project_root),
        project=str(project.project_name),
        profiles_dir=Path(task.profiles_dir),
        profile=str(profile),
    )
