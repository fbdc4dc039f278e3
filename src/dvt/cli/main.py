"""The `dvt` command. It answers without importing dbt where it can, and otherwise runs dbt's command line."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

VERSION_FLAGS = {"--version", "-v", "-V"}
"""Flags that print versions."""
HELP_FLAGS = {"--help", "-h"}
"""Flags that print the overview of commands."""
_NEW_OBJECTS = 50_000
"""Objects after which Python looks for cycles, instead of 700: a command makes many, and few cycles."""


def main() -> None:
    """Run one command and end the process with its exit code: 0, 1 or 2, as dbt."""
    gc.set_threshold(_NEW_OBJECTS)
    args = sys.argv[1:]
    completion = os.environ.get("_DVT_COMPLETE")
    if completion:
        from dvt.cli.completion import answer as answer_shell

        sys.exit(answer_shell(completion))
    answer = _without_dbt(args)
    if answer is not None:
        sys.stdout.write(answer.rstrip("\n") + "\n")
        return
    from dvt.app import main as run

    if os.environ.get("NO_COLOR"):  # https://no-color.org; dbt does not read this variable
        os.environ.setdefault("DBT_USE_COLORS", "false")
    run(args)


def _without_dbt(args: Sequence[str]) -> str | None:
    """Return what to print if the arguments ask for versions or help; None for all else."""
    if len(args) == 1 and args[0] in VERSION_FLAGS:
        from dvt.cli.version import version_text

        return version_text()
    if not args or (len(args) == 1 and args[0] in HELP_FLAGS):
        from dvt.cli.overview import overview

        return overview()
    return _help_of_a_command(args) if HELP_FLAGS & {*args} else None


def _help_of_a_command(args: Sequence[str]) -> str | None:
    from dvt.cli.help import cache_help, cached_help, requested_command

    command = requested_command(args)
    if command is None:
        return None
    text = cached_help(command)
    if text is None:
        from dvt.app import help_of

        text = help_of(command)
        if text is not None:
            cache_help(command, text)
    return text


if __name__ == "__main__":
    main()
