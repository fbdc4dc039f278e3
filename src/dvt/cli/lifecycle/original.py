"""The command line of the original cleanup system, on the lifecycle: `scripts/cleanup_operations.py`.

Its defaults are the original's: operation files in /tmp, backups in /tmp/cleanup_backups, and policies and
records in PostgreSQL at localhost:5433.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import click

from dvt.cli.lifecycle.options import FAILED, confirm, echo_lines, telling
from dvt.cli.lifecycle.options import opened as open_project

if TYPE_CHECKING:
    from dvt.config.lifecycle_file import Lifecycle
    from dvt.lifecycle.plan.plan_file import Plan
    from dvt.lifecycle.system import System

_Function = TypeVar("_Function", bound=Callable[..., Any])
BACKUPS = Path("/tmp/cleanup_backups")  # noqa: S108  made 0700, and refused if it is somebody else's
"""Where the original has its backups and logs."""
_OPERATIONS = {"in": ["/tmp"], "unmarked": True, "mount_point": True, "foreign": True}  # noqa: S108
"""Where the original's pipelines write their operation files."""


def settings(backups: Path, store: str, operations: str = "/tmp") -> Lifecycle:  # noqa: S108
    """Return the original's places; `operations`: folder of operation files."""
    from dvt.config.lifecycle_file import lifecycle_of

    of_operations = {**_OPERATIONS, "in": [operations]}
    names = ("pipeline_operations", "completed_operations", "failed_operations")
    return lifecycle_of(
        backups,
        {
            "store": store,
            "backups": {"path": str(backups)},
            "data": {
                **dict.fromkeys(names, of_operations),
                "system_logs": {"in": [str(backups)], "files": ["cleanup_*.log"], "unmarked": False},
            },
        },
    )


def store_url(options: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> str:
    """Return the address of the database; a password comes from the option, CLEANUP_DB_PASSWORD or libpq."""
    password = options["db_password"] or environment.get("CLEANUP_DB_PASSWORD", "")
    login = quote(options["db_user"], safe="") + (f":{quote(password, safe='')}" if password else "")
    host = f"[{options['db_host']}]" if ":" in options["db_host"] else options["db_host"]
    return f"postgresql://{login}@{host}:{options['db_port']}/{quote(options['db_name'], safe='')}"


def _database(name: str, default: Any, **keywords: Any) -> Callable[[_Function], _Function]:
    variable = f"CLEANUP_{name.removeprefix('--').replace('-', '_').upper()}"
    return click.option(name, default=default, envvar=variable, show_default=True, **keywords)


@click.command("cleanup_operations.py")
@click.option("--dry-run", is_flag=True, help="Show what would be deleted, and why.")
@click.option("--run", is_flag=True, help="Back up and delete what is due.")
@click.option(
    "--type",
    "cleanup_type",
    type=click.Choice(["automatic", "manual", "emergency"]),
    default="manual",
    show_default=True,
    help="automatic asks nobody, and stops where a person would be asked.",
)
@click.option("--stats", is_flag=True, help="Show what was deleted so far.")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="A lifecycle.yml.")
@_database("--db-host", "localhost", help="Host of the database.")
@_database("--db-port", 5433, type=int, help="Its port.")
@_database("--db-name", "dagster", help="Name of the database.")
@_database("--db-user", "dagster", help="Its user.")
@click.option("--db-password", help="Other users can see it in lists of processes; PGPASSWORD is better.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def main(**options: Any) -> None:
    """Delete what pipelines leave behind, as the original cleanup system does: with backups, on record."""
    if not (options["dry_run"] or options["run"] or options["stats"]):
        raise click.UsageError("say what to do: --dry-run, --run or --stats")
    with telling(), opened(options) as system:
        if options["stats"]:
            echo_lines(_stats(system))
        if options["dry_run"] or options["run"]:
            _clean(system, options)


def opened(options: Mapping[str, Any]) -> System:
    """Open the lifecycle: that of a lifecycle.yml, or the original's."""
    from dvt.lifecycle.back_up.vault import Vault
    from dvt.lifecycle.find.places import Place, mark
    from dvt.lifecycle.system import System

    if options["config"] is not None:
        return open_project(options["config"].parent, options["config"])
    of_original = settings(BACKUPS, store_url(options))
    with Vault(of_original.backups):
        mark(Place(path=of_original.backups))  # its logs are cleaned, too
    return System(of_original)


def _clean(system: System, options: Mapping[str, Any]) -> None:
    from dvt.core.retention import CleanupType
    from dvt.lifecycle.reports import plans, runs

    kind = CleanupType(options["cleanup_type"])
    made = system.plan(kind)
    echo_lines(plans.as_lines(made))
    if made.head.problems:
        sys.exit(FAILED)
    if options["dry_run"] or not plans.total(made.head.due).items:
        return
    if kind is CleanupType.MANUAL:
        confirm(_question(made), yes=options["yes"])
    record = system.run(made, kind)
    lines = list(runs.as_lines(record))
    echo_lines(lines)
    _log(system.settings.backups, [*plans.as_lines(made, everything=True), *lines])
    sys.exit(runs.EXIT_CODES[record.status])


def _question(made: Plan) -> str:
    from dvt.core.reports import count
    from dvt.lifecycle.reports import plans

    return f"Delete {count(plans.total(made.head.due).items, 'item')}?"


def _log(folder: Path, lines: list[str]) -> None:
    """Write what was done into a log beside the backups, as the original does."""
    from dvt.drivers.disk import write_private

    name = f"cleanup_{datetime.now(UTC):%Y%m%d_%H%M%S}.log"
    write_private(folder / name, "".join(f"{line}\n" for line in lines).encode())


def _stats(system: System) -> list[str]:
    rows = [("data type", "days", "enabled", "last cleanup", "deleted", "space saved")]
    rows += [
        (
            of["data_type"],
            str(of["retention_days"]),
            "yes" if of["enabled"] else "no",
            of["last_cleanup"] or "never",
            f"{of['total_cleaned']:,}",
            f"{of['space_saved']:,}",
        )
        for of in system.store.records.stats()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
