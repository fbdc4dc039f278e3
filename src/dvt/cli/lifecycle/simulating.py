"""`policies simulate`: what there would have been in the last days with a policy."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dvt.cli.lifecycle.options import AS_JSON, echo_json, echo_lines, opened, project
from dvt.core.commands import examples_text
from dvt.core.durations import duration
from dvt.core.errors import DurationInvalid
from dvt.core.retention import Policy, Rule
from dvt.core.sizes import size

if TYPE_CHECKING:
    from dvt.lifecycle.reports.simulations import Comparison
    from dvt.lifecycle.system import System

_Command = Callable[..., Any]
_MOST_DAYS = 36_500
_NUMBERS = ("min_keep", "keep_last", "keep_daily", "keep_weekly", "keep_monthly")


def _days(_ctx: click.Context, param: click.Parameter, value: str) -> int:
    from dvt.lifecycle.simulate import LONGEST

    try:
        days = duration(value).days
    except DurationInvalid as error:
        raise click.BadParameter(error.message, param=param) from None
    if not 1 <= days <= LONGEST:
        raise click.BadParameter(f"{value} is not from 1d to {LONGEST}d", param=param)
    return days


def _number_of_days(_ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    if value is not None and not 0 <= value <= _MOST_DAYS:  # what is no number is not in between, either
        raise click.BadParameter(f"{value:g} is not from 0 to {_MOST_DAYS}", param=param)
    return value


def _bytes(_ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    try:
        return None if value is None else size(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r}: {error}", param=param) from None


def _number(name: str, what: str) -> Callable[[_Command], _Command]:
    return click.option(
        f"--{name}", type=click.IntRange(0, 1_000_000), metavar="N", help=f"Keep the newest {what}."
    )


@click.command(
    "simulate",
    epilog=examples_text(
        "dvt lifecycle policies simulate                         all, with the policies that are valid",
        "dvt lifecycle policies simulate dbt_logs --days 14",
        "dvt lifecycle policies simulate failed_operations --days 30 --keep-last 5 --over 180d --json",
    ),
)
@project
@click.argument("data_type", required=False)
@click.option(
    "--over", callback=_days, default="90d", metavar="TIME", show_default=True, help="How far back."
)
@click.option(
    "--days", type=float, callback=_number_of_days, metavar="N", help="With items that stay so many days."
)
@_number("min-keep", "N of each group, and its last success")
@_number("keep-last", "N of each group")
@_number("keep-daily", "of each of N days")
@_number("keep-weekly", "of each of N weeks")
@_number("keep-monthly", "of each of N months")
@click.option(
    "--max-total-size", callback=_bytes, metavar="SIZE", help="Delete the oldest until the rest fits."
)
@click.option("--enabled/--disabled", default=None, help="With the policy switched on, or off.")
@click.option("--written", is_flag=True, help="Begin with the policies of lifecycle.yml, not the valid ones.")
@click.option("--all", "everything", is_flag=True, help="Show every day.")
@AS_JSON
def simulate(
    project_dir: Path, config: Path | None, data_type: str | None, as_json: bool, **asked: Any
) -> None:
    """Show how much there would have been, day by day, with a policy, beside what there was.

    Without DATA_TYPE, of all data types. Nothing is changed. Backups, and what is moved aside, do not count.
    """
    from dvt.lifecycle.reports import simulations as reports

    change = {name: asked[name] for name in ("days", "enabled", *_NUMBERS) if asked[name] is not None}
    if asked["max_total_size"] is not None:
        change["max_total_bytes"] = asked["max_total_size"]
    if change and data_type is None:
        raise click.UsageError("a change of a policy needs DATA_TYPE: which one is it?")
    with opened(project_dir, config) as system:
        base = system.settings.policies if asked["written"] else system.store.policies()
        names = sorted(base) if data_type is None else [data_type]
        compared = [
            _compared(system, name, _policy(base.get(name), name, change), asked["over"]) for name in names
        ]
    marks = reports.BLOCKS if "utf" in (sys.stdout.encoding or "").lower() else reports.ASCII
    if as_json:
        objects = [reports.as_object(of) for of in compared]
        echo_json(objects if data_type is None else objects[0])
    elif data_type is None:
        echo_lines(reports.total_lines(compared, marks))
    else:
        echo_lines(reports.as_lines(compared[0], everything=asked["everything"], marks=marks))


def _policy(known: Policy | None, data_type: str, change: Mapping[str, Any]) -> Policy | None:
    """Return a policy with a change; None if there is none, and none is asked for."""
    if known is None and not change:
        return None
    if known is None and "days" not in change:
        raise click.UsageError(f"{data_type} has no policy that could be changed: give --days, too")
    policy = known or Policy(data_type=data_type, rule=Rule(days=change["days"]))
    return replace(policy, rule=replace(policy.rule, **change))


def _compared(system: System, data_type: str, policy: Policy | None, days: int) -> Comparison:
    from dvt.lifecycle.reports.simulations import Comparison

    wanted, valid = system.simulate(data_type, policy, days)
    return Comparison(wanted=wanted, valid=valid)
