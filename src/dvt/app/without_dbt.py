"""Runs the commands that need no dbt: those with `needs_dbt=False` in the table."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from dvt.app.commands import COMMANDS

if TYPE_CHECKING:
    import click

FAILED = 2
"""Exit code of a command that could not do what it was asked, as dbt's."""


def is_meant(args: Sequence[str]) -> bool:
    """True when the arguments name such a command first."""
    return bool(args) and args[0] in COMMANDS and not COMMANDS[args[0]].needs_dbt


def main(args: Sequence[str]) -> NoReturn:
    """Run the command as the command line does; dbt is not imported."""
    from dvt.core.errors import DvtError

    try:
        _command(args[0]).main(list(args[1:]), prog_name=f"dvt {args[0]}")
    except DvtError as error:
        sys.stderr.write(f"{error}\n")
    sys.exit(FAILED)


def invoke(args: Sequence[str], parameters: Mapping[str, Any]) -> Any:
    """Run the command as `dvtRunner` does: its result is dbt's `dbtRunnerResult`."""
    from dvt.dbt_bridge.entry.invoke import invoke_alone

    return invoke_alone(_command(args[0]), args, parameters)


def _command(name: str) -> click.Command:
    from dvt.core.registry import load

    command: click.Command = load(COMMANDS[name].load)()
    command.epilog = COMMANDS[name].epilog
    return command
