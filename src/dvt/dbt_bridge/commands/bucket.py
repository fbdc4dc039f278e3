"""Implements `dvt bucket copy`, which copies datasets from one bucket of the profile to another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from dbt.cli import requires
from dbt.cli.main import cli
from dbt_common.events.functions import fire_event
from dbt_common.events.types import Note

from dvt.core.housekeeping import CopyRequest
from dvt.core.reports import count, size
from dvt.dbt_bridge.commands.own_options import JSON, place_of, print_json, quiet_with_json
from dvt.dbt_bridge.dbt_errors import as_dbt_errors

if TYPE_CHECKING:
    from dvt.staging.housekeeping.bucket_copy import CopiedDataset

_NOT_OURS = frozenset({"clean_project_files_only"})
"""Options of dbt's clean, which reads a project as this command does, that mean nothing here."""

_SUMMARY = "Copy staged datasets from one bucket to another"


def make_command(copy: Callable[[CopyRequest], Iterable[CopiedDataset]]) -> click.Command:
    """Make the click command `bucket`, with its subcommands."""

    @click.pass_context
    @quiet_with_json
    @requires.postflight
    @requires.preflight
    @requires.unset_profile
    @requires.project
    def run(ctx: click.Context, **kwargs: Any) -> tuple[list[CopiedDataset], bool]:
        """Copy what the project has staged in the bucket SOURCE to its folder in the bucket TARGET.

        Each dataset is copied whole: its files, which are read back and compared, then its marker. What an
        earlier copy has brought there is checked, and not brought again. States of tables are not copied.
        """
        request = CopyRequest(
            place=place_of(ctx.obj["flags"], ctx.obj["project"]),
            source=kwargs["source"],
            target=kwargs["to"],
            datasets=tuple(kwargs["dataset"]),
        )
        copied = []
        with as_dbt_errors():
            for dataset in copy(request):
                fire_event(Note(msg=_line(dataset)))
                copied.append(dataset)
        if kwargs["as_json"]:
            print_json(ctx, {"datasets": [asdict(dataset) for dataset in copied]})
        brought = [dataset for dataset in copied if not dataset.was_there]
        figures = f"{count(len(brought), 'dataset')}, {size(sum(dataset.bytes for dataset in brought))}"
        fire_event(Note(msg=f"Copied from {request.source} to {request.target}: {figures}"))
        return copied, True

    group = click.Group("bucket", help="Work with the buckets of the profile.")
    params: list[click.Parameter] = [
        click.Argument(["source"]),
        click.Argument(["to"], metavar="TARGET"),
        click.Option(
            ["--dataset"],
            multiple=True,
            help="Only this dataset, or all in this folder, as `dvt clean --dry-run` names it; repeatable.",
        ),
        JSON,
        *(param for param in cli.commands["clean"].params if _is_common(param)),
    ]
    group.add_command(
        click.Command("copy", callback=run, params=params, help=run.__doc__, short_help=_SUMMARY)
    )
    return group


def _is_common(param: click.Parameter) -> bool:
    from dvt.dbt_bridge.commands.clean import OPTIONS

    return param.name not in {*_NOT_OURS, *(option.name for option in OPTIONS)}


def _line(dataset: CopiedDataset) -> str:
    what = "Already there" if dataset.was_there else "Copied"
    return f"{what}: {dataset.folder} ({count(dataset.objects, 'object')}, {size(dataset.bytes)})"
