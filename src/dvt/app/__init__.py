"""Who wires: connectors, runs and federation are made here, and handed to the bridge.

What only a federated run needs is imported when there is one: a plain dbt project starts as quickly as
under dbt.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from dvt.app.commands import COMMANDS

FAILED = 2
"""Exit code of a command that could not do what it was asked, as dbt's."""


class dvtRunner:  # noqa: N801 - named as dbt's dbtRunner is
    """Runs dvt commands from Python, as often as one likes: `dvtRunner().invoke(["run"])`."""

    def __init__(self, manifest: Any = None, callbacks: list[Callable[[Any], None]] | None = None) -> None:
        self.manifest = manifest
        self.callbacks = callbacks if callbacks is not None else []

    def invoke(self, args: list[str], **kwargs: Any) -> Any:
        """Run one command: dbt's `dbtRunnerResult`, with the same success, result and exception."""
        from dvt.app.federation import make_federator
        from dvt.dbt_bridge.entry.invoke import invoke

        return invoke(
            args,
            make_federator,
            COMMANDS,
            manifest=self.manifest,
            callbacks=self.callbacks,
            parameters=kwargs,
        )


def main(args: Sequence[str]) -> None:
    """Run one command of the command line; ends the process with its exit code, as dbt's are: 0, 1 or 2."""
    name = args[0] if args else ""
    if name in COMMANDS and not COMMANDS[name].needs_dbt:
        _main_without_dbt(name, args[1:])
    from dvt.app.federation import make_federator
    from dvt.dbt_bridge.entry.invoke import run_cli

    run_cli(args, make_federator, COMMANDS)


def help_of(names: Sequence[str]) -> str | None:
    """The help of a command, or of a command of a command; None when there is no such."""
    if names[0] in COMMANDS and not COMMANDS[names[0]].needs_dbt:
        return None  # it tells it at once itself
    from dvt.app.federation import make_federator
    from dvt.dbt_bridge.entry.invoke import help_text

    return help_text(names, make_federator, COMMANDS)


def _main_without_dbt(name: str, args: Sequence[str]) -> NoReturn:
    from dvt.core.errors import DvtError
    from dvt.core.registry import load

    command = load(COMMANDS[name].load)()
    command.epilog = COMMANDS[name].epilog
    try:
        command.main(list(args), prog_name=f"dvt {name}")
    except DvtError as error:
        sys.stderr.write(f"{error}\n")
    sys.exit(FAILED)
