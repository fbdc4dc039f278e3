"""The `dvt` command: what needs no dbt is answered at once, the rest is dbt's command line with dvt in it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

VERSION_FLAGS = {"--version", "-v", "-V"}
HELP_FLAGS = {"--help", "-h"}


def main() -> None:
    """Run one command and end the process with its exit code, which is dbt's: 0, 1 or 2."""
    args = sys.argv[1:]
    answer = _without_dbt(args)
    if answer is not None:
        sys.stdout.write(answer.rstrip("\n") + "\n")
        return
    from dvt.app import main as run

    if os.environ.get("NO_COLOR"):  # https://no-color.org, which dbt does not know
        os.environ.setdefault("DBT_USE_COLORS", "false")
    run(args)


def _without_dbt(args: Sequence[str]) -> str | None:
    if len(args) == 1 and args[0] in VERSION_FLAGS:
        from dvt.cli.version import version_text

        return version_text()
    if not args or (len(args) == 1 and args[0] in HELP_FLAGS):
        from dvt.cli.overview import overview

        return overview()
    return _help_of_a_command(args)


def _help_of_a_command(args: Sequence[str]) -> str | None:
    from dvt.cli import help as helps

    command = helps.asked(args)
    if command is None:
        return None
    text = helps.kept(command)
    if text is None:
        from dvt.app import help_of

        text = help_of(command)
        if text is not None:
            helps.keep(command, text)
    return text


if __name__ == "__main__":
    main()
