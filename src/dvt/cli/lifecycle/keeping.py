"""`policies` and `pin`: for how long items stay, and which stay whatever the policies say."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from dvt.cli.lifecycle.options import (
    AS_JSON,
    REASON,
    YES,
    confirm,
    echo_json,
    echo_lines,
    opened,
    project,
    until,
)
from dvt.core.commands import examples_text


@click.group("policies")
def policies() -> None:
    """Show and change for how long items stay."""


@policies.command("list")
@project
@AS_JSON
def list_policies(project_dir: Path, config: Path | None, as_json: bool) -> None:
    """Show the policies that are valid, and what differs from lifecycle.yml."""
    from dvt.lifecycle.reports import policies as reports

    with opened(project_dir, config) as system:
        valid, drift = system.store.policies(), system.drift()
        if as_json:
            echo_json({"policies": [reports.as_object(of) for of in valid.values()], "drift": drift})
            return
        echo_lines(reports.as_lines(valid))
        echo_lines(f"drift: {line}" for line in drift)


@policies.command("diff")
@project
def diff(project_dir: Path, config: Path | None) -> None:
    """Show what `apply` would change, and what would be due then; exit code 2 if there is something."""
    with opened(project_dir, config) as system:
        drift = system.drift()
        echo_lines(drift or ["lifecycle.yml and the valid policies are the same"])
        if drift:
            echo_lines(system.effects())
            sys.exit(2)


@policies.command("apply")
@project
@REASON
@YES
def apply(project_dir: Path, config: Path | None, reason: str, yes: bool) -> None:
    """Make the policies of lifecycle.yml valid."""
    with opened(project_dir, config) as system:
        drift = system.drift()
        if not drift:
            click.echo("lifecycle.yml and the valid policies are the same")
            return
        echo_lines([*drift, *system.effects()])
        if system.needs_confirmation():
            confirm("Items would stay for a much shorter time, or with fewer of each group. Apply?", yes=yes)
        changed = system.apply_policies(reason)
        click.echo(f"changed: {', '.join(changed)}")


@policies.command("history")
@project
@click.argument("data_type", required=False)
@AS_JSON
def history(project_dir: Path, config: Path | None, data_type: str | None, as_json: bool) -> None:
    """Show who has changed policies, when and why."""
    from dvt.lifecycle.reports import policies as reports

    with opened(project_dir, config) as system:
        changes = system.store.policy_table.history(data_type)
        if as_json:
            echo_json([reports.change_object(change) for change in changes])
        else:
            echo_lines(line for change in changes for line in reports.change_lines(change))


@policies.command("revert")
@project
@click.argument("data_type")
@click.argument("version", type=int)
@REASON
def revert(project_dir: Path, config: Path | None, data_type: str, version: int, reason: str) -> None:
    """Give a policy the content that it had in an earlier version."""
    with opened(project_dir, config) as system:
        policy = system.store.policy_table.revert(data_type, version, system.asking(), reason)
        click.echo(f"{data_type} is as in version {version}; this is version {policy.version}")


@policies.command("disable")
@project
@click.option(
    "--all", "everything", is_flag=True, required=True, help="All policies, so that nothing is due."
)
@REASON
def disable(project_dir: Path, config: Path | None, everything: bool, reason: str) -> None:  # noqa: ARG001
    """Stop all deletions at once; `enable` brings back what was enabled."""
    with opened(project_dir, config) as system:
        names = system.store.policy_table.disable_all(system.asking(), reason)
        click.echo(f"disabled: {', '.join(names) or 'none was enabled'}")


@policies.command("enable")
@project
@click.option(
    "--all", "everything", is_flag=True, required=True, help="Those that were disabled all at once."
)
@click.option("--by-sql", is_flag=True, help="Those too that were last disabled by SQL, as in an emergency.")
@REASON
def enable(
    project_dir: Path,
    config: Path | None,
    everything: bool,  # noqa: ARG001
    by_sql: bool,
    reason: str,
) -> None:
    """Enable the policies that `disable --all` has disabled."""
    with opened(project_dir, config) as system:
        names = system.store.policy_table.enable_all(system.asking(), reason, by_sql=by_sql)
        click.echo(f"enabled: {', '.join(names) or 'none'}")


@click.group("pin")
def pin() -> None:
    """Have items stay, whatever the policies say: a legal hold, or a wish."""


@pin.command(
    "add",
    epilog=examples_text(
        "dvt lifecycle pin add 'operation_42*' --reason \"audit 2026-17\"",
        'dvt lifecycle pin add --kind pipeline daily_sales --until 2026-12-31 --reason "open dispute"',
    ),
)
@project
@click.argument("pattern")
@click.option(
    "--kind",
    type=click.Choice(["file", "pipeline", "tag"]),
    default="file",
    help="What the pattern is of: paths, groups such as pipelines, or tags.",
)
@until("removed")
@REASON
def add(project_dir: Path, config: Path | None, pattern: str, reason: str, **asked: Any) -> None:
    """Pin the items that a pattern fits."""
    with opened(project_dir, config) as system:
        pins = system.store.pin_table
        made = pins.add(pattern, system.asking(), reason, kind=asked["kind"], until=asked["until"])
        click.echo(f"pin {made.id}: {made.kind} {made.pattern}")


@pin.command("list")
@project
@AS_JSON
def list_pins(project_dir: Path, config: Path | None, as_json: bool) -> None:
    """Show the pins that are valid."""
    from dvt.lifecycle.reports import policies as reports

    with opened(project_dir, config) as system:
        pins = system.store.pins()
        if as_json:
            echo_json([reports.pin_object(of) for of in pins])
        else:
            echo_lines(reports.pin_lines(pins))


@pin.command("remove")
@project
@click.argument("pin_id", metavar="PIN")
@REASON
def remove(project_dir: Path, config: Path | None, pin_id: str, reason: str) -> None:
    """Take a pin off."""
    with opened(project_dir, config) as system:
        if not system.store.pin_table.remove(pin_id, system.asking(), reason):
            click.echo(f"there is no pin {pin_id}", err=True)
            sys.exit(1)
        click.echo(f"removed pin {pin_id}")
