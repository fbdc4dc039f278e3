"""`dvt sync`: installs what the outputs and buckets of a profile need."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from dvt.core.errors import DvtError

SOME_FAILED, FAILED = 1, 2
"""Exit codes: of a run in which an item failed, and of one that could not begin, or was interrupted."""
_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


def command() -> click.Command:
    """Make the click command."""
    return sync


@click.command("sync")
@click.option(
    "--dry-run", is_flag=True, help="Say what would be installed, at which version; install nothing."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.option(
    "--project-dir", type=_FOLDER, default=Path(), help="Folder of the project; this one, if left out."
)
@click.option("--profiles-dir", type=_FOLDER, help="Folder of profiles.yml; else where every command looks.")
@click.option("--profile", help="Another profile than the project's.")
@click.option(
    "--python-env",
    type=click.Path(path_type=Path, exists=True),
    help="Folder of another virtual environment, or its python. Otherwise it is the one that dvt runs in.",
)
@click.option(
    "--installer", type=click.Choice(["uv", "pip"]), help="What installs. Otherwise uv, if there, or pip."
)
@click.option(
    "--download",
    type=click.Path(path_type=Path, file_okay=False),
    help="Put the files of what is needed into this folder, by pip; install nothing.",
)
@click.option(
    "--offline", type=_FOLDER, help="Install from a folder that --download has filled; ask no registry."
)
@click.option(
    "--jdbc/--no-jdbc", default=True, help="Install drivers of JDBC, too, by Maven. That is the default."
)
@click.option(
    "--native/--no-native",
    default=True,
    help="Install jars of Spark, too: those by which clusters reach buckets, and `jars` of computes.yml. "
    "That is the default.",
)
@click.pass_context
def sync(context: click.Context, /, as_json: bool, **asked: Any) -> None:
    """Install what outputs of profiles.yml, buckets of buckets.yml and computes of computes.yml need.

    What dvt and dbt-core require keeps its version; what that requires in turn moves only if there is no
    other way, within its bounds. Versions and SHA-256 are kept in sync.lock of the project, and are installed
    from there the next time. Packages come from the registry that uv or pip are configured for, drivers of
    JDBC and jars of Spark from where Maven is.
    """
    if asked["download"] and (asked["offline"] or asked["dry_run"] or asked["installer"]):
        msg = "--download goes without --offline, --dry-run and --installer"
        raise click.UsageError(msg)
    from dvt.app.sync import SyncRequest
    from dvt.app.sync import sync as run

    try:
        report = run(SyncRequest(**asked))
    except DvtError as error:
        click.echo(json.dumps(_failed(error), indent=2) if as_json else str(error), err=not as_json)
        context.exit(FAILED)
    except KeyboardInterrupt:
        click.echo("interrupted: run it again, it goes on from what is installed", err=True)
        sys.exit(FAILED)
    click.echo(json.dumps(report.as_object(), indent=2) if as_json else "\n".join(report.lines()))
    context.exit(0 if report.is_right else SOME_FAILED)


def _failed(error: DvtError) -> dict[str, Any]:
    return {"ok": False, "error": {"code": error.code, "message": error.message, "hint": error.hint}}
