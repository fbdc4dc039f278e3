"""`init`, `plan`, `run` and `explain`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dvt.cli.lifecycle.options import (
    AS_JSON,
    DATA_TYPES,
    YES,
    confirm,
    echo_json,
    echo_lines,
    key,
    opened,
    opened_if_possible,
    project,
)
from dvt.core.commands import examples_text

if TYPE_CHECKING:
    from dvt.core.retention import CleanupType, RunRecord
    from dvt.lifecycle.offline import Offline
    from dvt.lifecycle.plan.plan_file import Plan
    from dvt.lifecycle.system import System

TYPE = click.option(
    "--type",
    "cleanup_type",
    type=click.Choice(["automatic", "manual", "emergency"]),
    default="manual",
    help="automatic: stops where a person would be asked. emergency: without grace period, quarantine and "
    "question.",
)


@click.command("init")
@project
def initialize(project_dir: Path, config: Path | None) -> None:
    """Write lifecycle.yml with the usual policies, make them valid, and mark the folders that may be cleaned.

    What is there already stays as it is.
    """
    from dvt.lifecycle.beginning import begin

    echo_lines(begin(project_dir, config, lambda: opened(project_dir, config, is_new=True)))


@click.command(
    "plan",
    epilog=examples_text(
        "dvt lifecycle plan",
        "dvt lifecycle plan -t dbt_logs --all",
        "dvt lifecycle plan --json",
    ),
)
@project
@TYPE
@DATA_TYPES
@click.option("--all", "everything", is_flag=True, help="List all items that are due.")
@AS_JSON
def plan(project_dir: Path, config: Path | None, as_json: bool, **asked: Any) -> None:
    """Show what is due, and why; write it down as a plan. Nothing else is changed."""
    from dvt.core.retention import CleanupType

    with opened(project_dir, config) as system:
        made = system.plan(CleanupType(asked["cleanup_type"]), asked["data_types"])
        _show(made, everything=asked["everything"], as_json=as_json)
        if made.head.problems:
            sys.exit(1)


@click.command(
    "run",
    epilog=examples_text(
        "dvt lifecycle run                            show what is due, ask, and delete it",
        "dvt lifecycle run 20260301x7k2q9d0ab --yes",
        "dvt lifecycle run --type automatic           for schedules: stops where a person would be asked",
    ),
)
@project
@click.argument("plan_id", metavar="[PLAN]", required=False)
@TYPE
@DATA_TYPES
@click.option("--dry-run", is_flag=True, help="Only show what would be done, as `plan` does.")
@click.option(
    "--runtime", type=click.FloatRange(min=0), metavar="SECONDS", help="Begin nothing after this time."
)
@YES
@AS_JSON
def run(project_dir: Path, config: Path | None, plan_id: str | None, as_json: bool, **asked: Any) -> None:
    """Run a plan: back up each item, read the backup back, delete the item. Without PLAN, make one first.

    What has changed since the plan was made stays.
    """
    from dvt.core.retention import CleanupType
    from dvt.lifecycle.reports.runs import EXIT_CODES

    kind = CleanupType(asked["cleanup_type"])
    if plan_id and asked["data_types"]:
        msg = "a plan is run as it is: --data-type is for a new one, without PLAN"
        raise click.UsageError(msg)
    with opened_if_possible(project_dir, config) if plan_id else opened(project_dir, config) as system:
        made = _plan(system, plan_id, kind, asked["data_types"])
        is_over = asked["dry_run"] or not (plan_id or has_due(made))
        if is_over or not as_json:
            _show(made, everything=False, as_json=as_json)
        if is_over:
            return
        if kind is CleanupType.MANUAL:
            confirm(_question(made), yes=asked["yes"])
        record = _run(system, made, kind, asked["runtime"], as_json=as_json)
        sys.exit(EXIT_CODES[record.status])


@click.command(
    "stop",
    epilog=examples_text("dvt lifecycle stop", "dvt lifecycle stop 20260301x7k2q9d0ab"),
)
@project
@click.argument("run_id", metavar="[RUN]", required=False)
def stop(project_dir: Path, config: Path | None, run_id: str | None) -> None:
    """Have a run end after its batch: RUN, or the one that is under way, whichever process does it.

    What is done stays done, and is on record; the rest stays where it is.
    """
    with opened(project_dir, config) as system:
        if run_id is None:
            record = system.at_work()
            if record is None:
                click.echo("no run is under way")
                return
            run_id = record.id
        record = system.stop(run_id)
        click.echo(f"run {record.id} of {record.asking.actor} ends after its batch")


def _plan(
    system: System | Offline, plan_id: str | None, kind: CleanupType, data_types: tuple[str, ...]
) -> Plan:
    """Return the plan of an id, or a new one."""
    from dvt.lifecycle.offline import Offline

    if plan_id is not None or isinstance(system, Offline):
        return system.plans.read(plan_id or "")
    return system.plan(kind, data_types)


def has_due(made: Plan) -> bool:
    """Return whether anything is due."""
    return any(tally.items for tally in made.head.due.values())


def _run(
    system: System | Offline, made: Plan, kind: CleanupType, runtime: float | None, *, as_json: bool
) -> RunRecord:
    from dvt.lifecycle.reports import runs
    from dvt.lifecycle.work import Wishes

    shown = sys.stderr.isatty() and not as_json
    due = sum(tally.items for tally in made.head.due.values())

    def report(record: RunRecord) -> None:
        if shown:
            done = sum(tally.items for of in record.results.values() for tally in of.values())
            click.echo(f"\r{done:,} of {due:,}", nl=False, err=True)

    record = system.run(made, kind, Wishes(budget=runtime, report=report))
    if shown:
        click.echo("\r", nl=False, err=True)
    if as_json:
        echo_json(runs.as_object(record))
    else:
        echo_lines(runs.as_lines(record))
    return record


def _question(made: Plan) -> str:
    from dvt.core.reports import count, size
    from dvt.lifecycle.reports.plans import total

    due = total(made.head.due)
    warning = "".join(f"\nnote: {reason}" for reason in made.head.refusals)
    return f"{warning}\nBack up and delete {count(due.items, 'item')}, {size(due.bytes)}?".lstrip()


def _show(made: Plan, *, everything: bool, as_json: bool) -> None:
    from dvt.lifecycle.reports import plans

    if not as_json:
        echo_lines(plans.as_lines(made, everything=everything))
        return
    text = json.dumps(plans.as_object(made.head), indent=2)
    click.echo(text.removesuffix("\n}") + ',\n  "items": [', nl=False)
    before = "\n"
    for of in made.items():
        click.echo(f"{before}    {json.dumps(plans.item_object(of.item, of.decision))}", nl=False)
        before = ",\n"
    click.echo("\n  ]\n}")


@click.command(
    "explain",
    epilog=examples_text(
        "dvt lifecycle explain logs/dbt.log",
        "dvt lifecycle explain .dvt/operations/*.json --json",
        "dvt lifecycle explain postgresql://db:5432/airflow/dag_run/4711",
    ),
)
@project
@click.argument("paths", nargs=-1, required=True, metavar="FILE...")
@AS_JSON
def explain(project_dir: Path, config: Path | None, paths: tuple[str, ...], as_json: bool) -> None:
    """Say why files are kept, or when they are due."""
    from dvt.lifecycle.reports import plans

    keys = {key(path) for path in paths}
    with opened(project_dir, config) as system:
        explained = {of.item.key: of for of in system.explain(lambda item: item.key in keys)}
        if as_json:
            echo_json([plans.item_object(of.item, of.decision) for of in explained.values()])
        else:
            for of in explained.values():
                echo_lines(plans.explained(of.item, of.decision, of.policy, of.now))
        for unknown in sorted(keys - explained.keys()):
            click.echo(f"{unknown} is no item of any data type, so nothing is ever done to it", err=True)
        if keys - explained.keys():
            sys.exit(1)
