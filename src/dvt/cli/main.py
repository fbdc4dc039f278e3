"""The `dvt` command: what needs no dbt is answered at once, the rest is dbt's command line with dvt in it."""

from __future__ import annotations

import sys


def main() -> None:
    """Run one command and end the process with its exit code, which is dbt's: 0, 1 or 2."""
    from dvt.app import main as run

    run(sys.argv[1:])


if __name__ == "__main__":
    main()
