"""Runs commands, and wires what they need: makes connectors, runs and federation for the bridge.

Modules that only federated runs need are imported when one begins, so that a plain dbt project starts as
quickly as under dbt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dvt.app import without_dbt
from dvt.app.commands import COMMANDS


class dvtRunner:  # noqa: N801 - named as dbt's dbtRunner is
    """Runs dvt commands from Python, any number of them: `dvtRunner().invoke(["run"])`."""

    def __init__(self, manifest: Any = None, callbacks: list[Callable[[Any], None]] | None = None) -> None:
        self.manifest = manifest
        self.callbacks = callbacks if callbacks is not None else []

    def invoke(self, args: list[str], **kwargs: Any) -> Any:
        """Run one command; return dbt's `dbtRunnerResult` with success, result and exception."""
        if without_dbt.is_meant(args):
            return without_dbt.invoke(args, kwargs)
        from dvt.app.federation import make_federator
        from dvt.app.operations import begin_operation
        from dvt.dbt_bridge.entry.invoke import invoke

        return invoke(
            args,
            make_federator,
            COMMANDS,
            manifest=self.manifest,
            callbacks=self.callbacks,
            parameters=kwargs,
            record=begin_operation,
        )


def main(args: Sequence[str]) -> None:
    """Run one command of the command line and end the process with its exit code: 0, 1 or 2, as dbt."""
    from dvt.app.interrupts import ended_soon_after_ctrl_c
    from dvt.app.operations import begin_operation, cancel_operations

    with ended_soon_after_ctrl_c(cancel_operations):
        if without_dbt.is_meant(args):
            without_dbt.main(args)
        from dvt.app.federation import make_federator
        from dvt.dbt_bridge.entry.invoke import run_cli

        run_cli(args, make_federator, COMMANDS, begin_operation)


def help_of(names: Sequence[str]) -> str | None:
    """Return the help of a command or, with several names, of a subcommand; None if it does not exist."""
    if without_dbt.is_meant(names):
        return None  # the command prints its help itself, without dbt
    from dvt.app.federation import make_federator
    from dvt.dbt_bridge.entry.invoke import help_text

    return help_text(names, make_federator, COMMANDS)
