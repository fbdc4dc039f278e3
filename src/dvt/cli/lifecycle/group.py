"""The group of commands."""

from __future__ import annotations

import click

from dvt.cli.lifecycle.keeping import pin, policies
from dvt.cli.lifecycle.plans import explain, initialize, plan, run, stop
from dvt.cli.lifecycle.records import audit, doctor, restore, verify_backups
from dvt.cli.lifecycle.schedule import schedule
from dvt.cli.lifecycle.simulating import simulate
from dvt.cli.lifecycle.tokens import tokens


def command() -> click.Group:
    """Make the click command."""
    group = click.Group("lifecycle", help=_HELP)
    policies.add_command(simulate)
    for one in (
        initialize,
        plan,
        run,
        stop,
        explain,
        restore,
        pin,
        policies,
        audit,
        verify_backups,
        doctor,
        tokens,
        schedule,
    ):
        group.add_command(one)
    return group


_HELP = """Delete what runs leave behind, once it is old: by policies, with verified backups, on record.

\b
  dvt lifecycle init        write lifecycle.yml with the usual policies, and mark the project's folders
  dvt lifecycle plan        what is due, and why; changes nothing
  dvt lifecycle run         back up and delete what is due
  dvt lifecycle stop        end a run that is under way, whoever does it, after its batch
  dvt lifecycle restore     bring files back
  dvt lifecycle explain     why a file is kept, or when it is due
  dvt lifecycle schedule    stay, and clean at the times of lifecycle.yml

Exit codes: 0 done, 1 error, 2 some items have stayed, 3 refused, and nothing was touched."""
