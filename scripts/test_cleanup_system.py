#!/usr/bin/env python3
"""Tests all that the cleanup needs: database, tables, policies, folders, backups, and its own script."""

import os
import sys
from pathlib import Path

import click

from dvt.cli.lifecycle.original import main as cleanup
from dvt.cli.lifecycle.original import opened

SCRIPT = Path(__file__).with_name("cleanup_operations.py")
_WORDS = {True: "PASS", False: "FAIL"}
_DATABASE = {"config", "db_host", "db_port", "db_name", "db_user", "db_password"}


@click.command("test_cleanup_system.py", params=[of for of in cleanup.params if of.name in _DATABASE])
def main(**options: object) -> None:
    """Test all components, a line each; the last line is `All tests passed`, or how many failed."""
    from dvt.lifecycle.doctor import examine

    failed = 0
    for check in examine(lambda: opened(options)):
        detail = f": {check.detail}" if check.detail else ""
        click.echo(f"{_WORDS[check.is_right]}  {check.name}{detail}")
        failed += not check.is_right
    executable = os.access(SCRIPT, os.X_OK)
    click.echo(f"{_WORDS[executable]}  {SCRIPT.name} is executable")
    failed += not executable
    click.echo("All tests passed" if not failed else f"{failed} tests failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
