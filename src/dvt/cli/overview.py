"""Writes what `dvt --help` shows, a line for each command, without importing dbt."""

from __future__ import annotations

from dvt.app.commands import COMMANDS

OVERVIEW = """\
Usage: dvt COMMAND [OPTIONS]

  dbt, across databases. Takes every command and flag of dbt; models may read from and write to any output
  of profiles.yml. Sources say where they live with `config: {connection: NAME}`, models where they are
  built with `config(target='NAME')`; what spans databases, dvt extracts, computes and loads.

Examples:
  dvt build                                    everything, in one DAG over all databases
  dvt explain --select customer_value          what would be sent to whom, and why; nothing runs
  dvt run --select customer_value+ --threads 8
  dvt run --compute big                        federated models on this entry of computes.yml

Options (all of dbt's are taken too; `dvt COMMAND --help` lists them):
  -s, --select TEXT       nodes to work on
  -t, --target NAME       output to build everything on
  -c, --compute NAME      entry of computes.yml that runs federated models
  --bucket NAME           entry of buckets.yml that extracted data is staged in
  --no-resume             extract again what a run that failed has extracted
  --keep-staging          leave extracted Parquet files in their bucket; by default in .dvt/staging
  --profiles-dir PATH     folder of profiles.yml; else DVT_PROFILES_DIR, the project, ~/.dvt, ~/.dbt
  --project-dir PATH      folder of dbt_project.yml
  --version               dbt's version and dvt's
  -h, --help              this, or a command's own help

"""
"""The text before the list of commands."""


def overview() -> str:
    """Return what `dvt --help` prints."""
    width = max(len(name) for name in COMMANDS) + 2
    lines = [f"  {name:<{width}}{command.summary}" for name, command in COMMANDS.items()]
    return OVERVIEW + "Commands:\n" + "\n".join(lines)
