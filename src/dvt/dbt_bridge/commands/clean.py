"""Implements `dvt clean`: dbt's own, then what the project has staged in the buckets of its profile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click
from dbt.cli import requires
from dbt.cli.main import cli
from dbt.events.types import RunResultError
from dbt.task.clean import CleanTask
from dbt_common.events.functions import fire_event
from dbt_common.events.types import Note

from dvt.core.housekeeping import CleanRequest
from dvt.dbt_bridge.commands.own_options import JSON, place_of, print_json, quiet_with_json
from dvt.dbt_bridge.dbt_errors import as_dbt_errors

if TYPE_CHECKING:
    from dvt.staging.housekeeping.clean_report import CleanedBucket

OPTIONS: Sequence[click.Option] = (
    click.Option(
        ["--bucket"],
        help="Clean only this entry of buckets.yml; dbt's clean-targets stay.",
    ),
    click.Option(
        ["--older-than"],
        metavar="DURATION",
        help="Delete only what is older, such as 24h or 7d; dbt's clean-targets stay.",
    ),
    click.Option(
        ["--all-profiles"],
        is_flag=True,
        help="Clean the project's folders in the buckets of all profiles of buckets.yml.",
    ),
    click.Option(
        ["--dry-run"],
        is_flag=True,
        help="Say what would be deleted and what would stay; delete nothing.",
    ),
    JSON,
)

Clean = Callable[[CleanRequest], Iterable["CleanedBucket"]]
"""Cleans what is asked for, and yields what was done in each bucket."""


def make_command(
    clean: Clean,
    as_lines: Callable[[CleanedBucket], Iterator[str]],
    as_object: Callable[[Sequence[CleanedBucket]], Any],
) -> click.Command:
    """Make the click command: dbt's own, with more options."""

    @click.pass_context
    @quiet_with_json
    @requires.postflight
    @requires.preflight
    @requires.unset_profile
    @requires.project
    def run(ctx: click.Context, **kwargs: Any) -> tuple[list[CleanedBucket], bool]:
        """Delete the folders listed as clean-targets, and what the project has staged in its buckets.

        In each bucket of the profile, the project's own folder is cleaned: what runs have kept or left
        there, and what is known of tables. What a run is at work on stays, and so does what is not dvt's.
        """
        flags, project = ctx.obj["flags"], ctx.obj["project"]
        request = CleanRequest(place=place_of(flags, project), **_asked(kwargs))
        with as_dbt_errors():
            cleaned = clean(request)  # what is wrong with the request is raised before dbt deletes anything
        if request.bucket is None and request.older_than is None:
            _clean_as_dbt(flags, project, dry_run=request.dry_run)
        reports = []
        with as_dbt_errors():
            for report in cleaned:
                _tell(report, as_lines)
                reports.append(report)
        if kwargs["as_json"]:
            print_json(ctx, as_object(reports))
        return reports, not any(report.error and not report.skipped for report in reports)

    params = [*cli.commands["clean"].params, *OPTIONS]
    return click.Command("clean", callback=run, params=params, help=run.__doc__)


def _asked(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {name: kwargs[name] for name in ("bucket", "older_than", "all_profiles", "dry_run")}


def _clean_as_dbt(flags: Any, project: Any, *, dry_run: bool) -> None:
    """Delete the clean-targets, or say which they are."""
    if dry_run:
        targets = ", ".join(map(str, project.clean_targets)) or "none"
        fire_event(Note(msg=f"Would delete the clean-targets: {targets}"))
        return
    with CleanTask(flags, project) as task:
        task.run()


def _tell(report: CleanedBucket, as_lines: Callable[[CleanedBucket], Iterator[str]]) -> None:
    for line in as_lines(report):
        fire_event(Note(msg=line))
    if report.error is not None and report.skipped:
        fire_event(Note(msg=f"Skipped staging bucket: {report.bucket} ({report.error.message})"))
    elif report.error is not None:
        fire_event(RunResultError(msg=f"Staging bucket {report.bucket} was not cleaned: {report.error}"))
