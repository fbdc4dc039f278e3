"""A command of dvt: a row of the registry that help, the command line and the bridge read."""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """A command as help shows it, and where it comes from.

    A tuple, because `dvt --help` has no need of `dataclasses`, which take 6 ms to import.
    """

    summary: str
    examples: tuple[str, ...] = ()
    help: str = ""
    """What the command does, in the place of dbt's own text, where that speaks of a single database."""
    load: str = ""
    """Dotted path `package.module:function` of what makes its click command; empty: dbt has the command."""
    runs_nodes: bool = False
    """The command takes dvt's own flags: --compute and --keep-staging."""
    needs_dbt: bool = True
    """False: the command runs without importing dbt."""

    @property
    def epilog(self) -> str:
        """The examples as the last paragraph of the help, as click formats it; empty if there are none."""
        return examples_text(*self.examples)


def examples_text(*examples: str) -> str:
    """Return examples as the last paragraph of a command's help; empty if there are none."""
    if not examples:
        return ""
    # The control character keeps click from filling the lines.
    return "\n".join(("\b", "Examples:", *(f"  {example}" for example in examples)))
