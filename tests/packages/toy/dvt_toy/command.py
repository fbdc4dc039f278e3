"""The `dvt` command, wired to stage in the package's bucket."""

from __future__ import annotations

import sys
from functools import partial

from dvt.app.commands import COMMANDS
from dvt.app.federation import make_federator
from dvt.dbt_bridge.entry.invoke import run_cli

if __name__ == "__main__":
    run_cli(sys.argv[1:], partial(make_federator, bucket={"type": "memory"}), COMMANDS)
