"""Who wires: connectors, runs and federation are made here, and handed to the bridge.

What only a federated run needs is imported when there is one: a plain dbt project starts as quickly as
under dbt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dvt.app.federation import make_federator


class dvtRunner:  # noqa: N801 - named as dbt's dbtRunner is
    """Runs dvt commands from Python, as often as one likes: `dvtRunner().invoke(["run"])`."""

    def __init__(self, manifest: Any = None, callbacks: list[Callable[[Any], None]] | None = None) -> None:
        self.manifest = manifest
        self.callbacks = callbacks if callbacks is not None else []

    def invoke(self, args: list[str], **kwargs: Any) -> Any:
        """Run one command: dbt's `dbtRunnerResult`, with the same success, result and exception."""
        from dvt.dbt_bridge.entry.invoke import invoke

        return invoke(args, make_federator, self.manifest, self.callbacks, kwargs)


def main(args: Sequence[str], examples: Mapping[str, str]) -> None:
    """Run one command of the command line; ends the process with dbt's exit code."""
    from dvt.dbt_bridge.entry.invoke import run_cli

    run_cli(args, make_federator, examples)


def help_of(command: Sequence[str], examples: Mapping[str, str]) -> str | None:
    """A command's help as dbt tells it, dvt's flags and examples included; None when there is no such."""
    from dvt.dbt_bridge.entry.invoke import help_text

    return help_text(command, make_federator, examples)
