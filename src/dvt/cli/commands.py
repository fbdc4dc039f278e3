"""dvt's commands with a line and examples each: what `dvt --help` shows without loading dbt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """A command as help shows it."""

    summary: str
    examples: tuple[str, ...] = ()


COMMANDS: Mapping[str, Command] = {
    "build": Command(
        "Run seeds, models, snapshots and tests in the order of the DAG",
        (
            "dvt build",
            "dvt build --select +customer_value    the model and all it needs, wherever that lives",
            "dvt build --compute big --threads 8   federated models on the compute named big",
        ),
    ),
    "clean": Command("Delete the folders listed as clean-targets"),
    "clone": Command(
        "Clone nodes from the state given by --state, each on its own target",
        ("dvt clone --state artifacts/",),
    ),
    "compile": Command(
        "Write the SQL of models, tests and analyses to target/compiled",
        ("dvt compile --select customer_value",),
    ),
    "debug": Command("Show the installation, and test the connection of the target"),
    "deps": Command("Install the packages of packages.yml"),
    "docs": Command(
        "Generate or serve the documentation, over all targets",
        ("dvt docs generate", "dvt docs serve --port 8080"),
    ),
    "explain": Command(
        "Show how nodes would run: path, queries, what is pushed down and why; runs nothing",
        (
            "dvt explain --select customer_value",
            "dvt explain --select tag:finance --format json",
        ),
    ),
    "init": Command("Start a new project"),
    "list": Command("List the project's nodes (also: ls)", ("dvt list --select config.target:warehouse",)),
    "parse": Command("Read the project and check it, connections and targets included"),
    "retry": Command("Run again what failed or was skipped last time", ("dvt retry",)),
    "run": Command(
        "Run models",
        (
            "dvt run",
            "dvt run --select customer_value --full-refresh",
            "dvt run --target staging              every model on this one output",
            "dvt run --keep-staging                leave the extracted Parquet files in .dvt/staging",
        ),
    ),
    "run-operation": Command("Run a macro", ("dvt run-operation grant_select --args '{role: reader}'",)),
    "seed": Command("Load CSV files, each on its own target", ("dvt seed --select countries",)),
    "show": Command(
        "Preview a model or a query",
        ("dvt show --select customer_value --limit 20", 'dvt show --inline "select 1 as one"'),
    ),
    "snapshot": Command("Take the project's snapshots", ("dvt snapshot --select orders_history",)),
    "source": Command("Check how fresh sources are, each on its connection", ("dvt source freshness",)),
    "test": Command("Run tests, each where what it tests lives", ("dvt test --select customer_value",)),
}

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
  --keep-staging          leave extracted Parquet files in .dvt/staging
  --profiles-dir PATH     folder of profiles.yml; else DVT_PROFILES_DIR, the project, ~/.dvt, ~/.dbt
  --project-dir PATH      folder of dbt_project.yml
  --version               dbt's version and dvt's
  -h, --help              this, or a command's own help

"""


def overview() -> str:
    """What `dvt --help` prints."""
    width = max(len(name) for name in COMMANDS) + 2
    lines = [f"  {name:<{width}}{command.summary}" for name, command in COMMANDS.items()]
    return OVERVIEW + "Commands:\n" + "\n".join(lines)


def examples(name: str) -> str:
    """A command's examples as the last paragraph of its help, empty when there are none."""
    command = COMMANDS.get(name)
    if command is None or not command.examples:
        return ""
    return "\n".join(("\b", "Examples:", *(f"  {example}" for example in command.examples)))
