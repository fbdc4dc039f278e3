"""`restore`, `audit`, `verify-backups` and `doctor`: what was done, and back again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dvt.cli.lifecycle.options import (
    AS_JSON,
    FAILED,
    PARTIAL,
    as_moment,
    echo_json,
    echo_lines,
    first_moment,
    key,
    last_moment,
    opened,
    opened_if_possible,
    project,
    telling,
)
from dvt.core.commands import examples_text
from dvt.core.errors import NotThere

if TYPE_CHECKING:
    from dvt.lifecycle.offline import Offline
    from dvt.lifecycle.store.events import Event
    from dvt.lifecycle.system import System

MOMENT = "MOMENT"
"""How help calls a day or a time."""


@click.command(
    "restore",
    epilog=examples_text(
        "dvt lifecycle restore --list",
        "dvt lifecycle restore .dvt/operations/operation_42.json",
        "dvt lifecycle restore 'operation_4*' --since 2026-03-01",
        "dvt lifecycle restore --run 20260301x7k2q9d0ab",
    ),
)
@project
@click.argument("patterns", nargs=-1, metavar="[FILE|PATTERN]...")
@click.option("--run", "run_id", metavar="RUN", default="", help="What this run has deleted.")
@click.option(
    "--since",
    callback=as_moment(first_moment),
    metavar=MOMENT,
    help="What was deleted from this day, or time, on; in UTC.",
)
@click.option("--until", callback=as_moment(last_moment), metavar=MOMENT, help="What was deleted until then.")
@click.option("--force", is_flag=True, help="Replace files that have come in their place.")
@click.option("--list", "only_list", is_flag=True, help="Only list the backups.")
@AS_JSON
def restore(project_dir: Path, config: Path | None, as_json: bool, **asked: Any) -> None:
    """Bring files back from their backups: content, owner, rights and times. Of each file the latest."""
    from dvt.lifecycle.reports import backups

    if not (asked["patterns"] or asked["run_id"] or asked["since"] or asked["until"] or asked["only_list"]):
        raise click.UsageError("say what to restore: files, patterns, --run, --since or --until")
    with opened_if_possible(project_dir, config) as system:
        wanted = _wanted(asked)
        if asked["only_list"]:
            entries = wanted.choose(system.backups())
            if as_json:
                echo_json([backups.entry_object(entry) for entry in entries])
            else:
                echo_lines(backups.entry_lines(entries))
            return
        _restore(system, wanted, force=asked["force"], as_json=as_json)


def _restore(system: System | Offline, wanted: Any, *, force: bool, as_json: bool) -> None:
    from dvt.core.retention import Result
    from dvt.lifecycle.reports import backups

    outcomes = []
    for outcome in system.restore(wanted, force=force):
        outcomes.append(outcome)
        if not as_json:
            click.echo(backups.outcome_line(outcome))
    if as_json:
        echo_json([backups.outcome_object(outcome) for outcome in outcomes])
    elif not outcomes:
        raise NotThere("such backup", "those that there are: dvt lifecycle restore --list")
    failed = sum(outcome.result is not Result.RESTORED for outcome in outcomes)
    if not outcomes or failed == len(outcomes):
        sys.exit(FAILED)
    if failed:
        sys.exit(PARTIAL)


def _wanted(asked: dict[str, Any]) -> Any:
    from dvt.lifecycle.restore import Wanted

    patterns = tuple(
        pattern if "*" in pattern or "/" not in pattern else key(pattern) for pattern in asked["patterns"]
    )
    return Wanted(patterns=patterns, run=asked["run_id"], since=asked["since"], until=asked["until"])


@click.command("audit")
@project
@click.option("--run", "run_id", metavar="RUN", help="What became of each item of a run.")
@click.option("--verify", is_flag=True, help="Prove that nobody has changed what is on record.")
@click.option("--limit", type=click.IntRange(min=1), default=20, help="So many runs; 20.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the events as CSV, for spreadsheets.")
@AS_JSON
def audit(project_dir: Path, config: Path | None, as_json: bool, **asked: Any) -> None:
    """Show what is on record: runs, and what became of each item."""
    from dvt.lifecycle.reports import runs

    with opened(project_dir, config) as system:
        if asked["verify"]:
            _verify(system, as_json=as_json)
        elif asked["run_id"] or asked["as_csv"]:
            if asked["run_id"] and system.store.records.run(asked["run_id"]) is None:
                raise NotThere(f"run {asked['run_id']} on record")
            _events(system, asked["run_id"], as_json=as_json, as_csv=asked["as_csv"])
        else:
            records = system.store.records.runs(limit=asked["limit"])
            if as_json:
                echo_json([runs.as_object(record) for record in records])
            else:
                echo_lines(runs.list_lines(records))


def _verify(system: System, *, as_json: bool) -> None:
    chain = system.store.verify_chain()
    if as_json:
        echo_json({"whole": chain.is_whole, "rows": chain.rows, "head": chain.head, "reason": chain.reason})
    elif chain.is_whole:
        click.echo(f"{chain.rows:,} rows, none was changed; the last has the hash {chain.head}")
    else:
        click.echo(f"row {chain.broken} is not as it was written: {chain.reason}", err=True)
    if not chain.is_whole:
        sys.exit(FAILED)


def _events(system: System, run_id: str | None, *, as_json: bool, as_csv: bool) -> None:
    from dvt.lifecycle.reports import runs
    from dvt.lifecycle.reports.spreadsheets import csv_line
    from dvt.lifecycle.store.records import EventFilter

    events = system.store.records.events(EventFilter(run=run_id))
    if as_csv:
        click.echo(csv_line(runs.EVENT_COLUMNS), nl=False)
        for event in events:
            click.echo(csv_line(runs.event_row(event)), nl=False)
    elif as_json:
        echo_json([dict(zip(runs.EVENT_COLUMNS, runs.event_row(event), strict=True)) for event in events])
    else:
        echo_lines(_line(event) for event in events)


def _line(event: Event) -> str:
    from dvt.lifecycle.reports import runs

    return "  ".join(str(value) for value in runs.event_row(event) if value not in (None, ""))


@click.command("verify-backups")
@project
@AS_JSON
def verify_backups(project_dir: Path, config: Path | None, as_json: bool) -> None:
    """Read all backups, and say which are not what they should be."""
    from dvt.lifecycle.upkeep import Finding

    with opened(project_dir, config) as system:
        found = list(system.verify_backups())
        wrong = [of for of in found if isinstance(of, Finding)]
        unread = system.why_unreadable(of for of in found if not isinstance(of, Finding))
        if as_json:
            echo_json(
                {
                    "right": len(found) - len(wrong),
                    **({"not_decrypted": sum(unread.values())} if unread else {}),
                    "wrong": [{"backup": of.location, "problem": of.problem} for of in wrong],
                }
            )
        else:
            echo_lines(f"{of.location}: {of.problem}" for of in wrong)
            echo_lines(
                f"{number:,} are encrypted, and are as they were written; they were not decrypted: {why}"
                for why, number in unread.items()
            )
            click.echo(f"{len(found) - len(wrong):,} backups are right, {len(wrong):,} are not")
        if wrong:
            sys.exit(FAILED)


@click.command("doctor")
@project
@AS_JSON
def doctor(project_dir: Path, config: Path | None, as_json: bool) -> None:
    """Test all that is needed: settings, store, policies, folders, backups, clock."""
    from dvt.lifecycle.doctor import examine

    with telling():
        checks = list(examine(lambda: opened(project_dir, config)))
    if as_json:
        echo_json([{"check": of.name, "ok": of.is_right, "detail": of.detail} for of in checks])
    else:
        echo_lines(
            f"{'OK  ' if of.is_right else 'FAIL'}  {of.name}{f': {of.detail}' if of.detail else ''}"
            for of in checks
        )
        click.echo("All tests passed" if all(of.is_right for of in checks) else "Some tests failed")
    if not all(of.is_right for of in checks):
        sys.exit(FAILED)
