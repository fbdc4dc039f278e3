"""Lists the commands that `dvt --help` shows: dbt's, and dvt's own."""

from __future__ import annotations

from collections.abc import Mapping

from dvt.core.commands import Command

COMMANDS: Mapping[str, Command] = {
    "bucket": Command(
        "Copy what is staged from one bucket of the profile to another",
        (
            "dvt bucket copy local lake          all datasets, from the project's own folder",
            "dvt bucket copy lake disk --dataset 20260301x7k2q9d0ab/crm",
        ),
        load="dvt.app.bucket:command",
    ),
    "build": Command(
        "Run seeds, models, snapshots and tests in the order of the DAG",
        (
            "dvt build",
            "dvt build --select +customer_value    the model and all it needs, wherever that lives",
            "dvt build --compute big --threads 8   federated models on the compute named big",
        ),
        runs_nodes=True,
    ),
    "clean": Command(
        "Delete the folders listed as clean-targets, and what is staged in buckets",
        (
            "dvt clean --dry-run                 what would be deleted, what would stay and why",
            "dvt clean                           clean-targets, and all that the project has staged",
            "dvt clean --older-than 7d           what is older than a week, in all buckets of the profile",
            "dvt clean --bucket lake --older-than 24h",
        ),
        load="dvt.app.clean:command",
    ),
    "clone": Command(
        "Clone nodes from the state given by --state, each on its own target",
        ("dvt clone --state artifacts/",),
        runs_nodes=True,
    ),
    "compile": Command(
        "Write the SQL of models, tests and analyses to target/compiled",
        ("dvt compile --select customer_value",),
        runs_nodes=True,
    ),
    "debug": Command(
        "Show the installation, test the connection of the target, and test the buckets",
        (
            "dvt debug",
            "dvt debug --json                    for programs: permissions, clocks, what is staged",
        ),
        load="dvt.app.debug:command",
    ),
    "deps": Command(
        "Install the packages of packages.yml",
    ),
    "docs": Command(
        "Generate or serve the documentation, over all targets",
        (
            "dvt docs generate",
            "dvt docs serve --port 8080",
        ),
    ),
    "explain": Command(
        "Show how nodes would run: path, queries, what is pushed down and why; runs nothing",
        (
            "dvt explain --select customer_value",
            "dvt explain --select tag:finance --format json",
        ),
        load="dvt.app.explain:command",
        runs_nodes=True,
    ),
    "init": Command(
        "Start a new project, with templates of buckets.yml and computes.yml",
        (
            "dvt init shop",
            "dvt init shop --skip-profile-setup  profiles.yml from a template, without questions",
        ),
    ),
    "lifecycle": Command(
        "Delete what runs leave behind, once it is old: by policies, with verified backups, on record",
        (
            "dvt lifecycle init                  the usual policies, and the folders that may be cleaned",
            "dvt lifecycle plan                  what is due, and why; changes nothing",
            "dvt lifecycle run",
            "dvt lifecycle restore logs/dbt.log",
        ),
        load="dvt.cli.lifecycle:command",
        needs_dbt=False,
    ),
    "list": Command(
        "List the project's nodes (also: ls)",
        ("dvt list --select config.target:warehouse",),
    ),
    "parse": Command(
        "Read the project and check it, connections and targets included",
    ),
    "retry": Command(
        "Run again what failed or was skipped last time",
        ("dvt retry",),
        runs_nodes=True,
    ),
    "run": Command(
        "Run models",
        (
            "dvt run",
            "dvt run --select customer_value --full-refresh",
            "dvt run --target staging              every model on this one output",
            "dvt run --bucket lake                 stage extracted data in this entry of buckets.yml",
            "dvt run --no-resume                   read sources anew, also after a run that failed",
            "dvt run --keep-staging                leave the extracted Parquet files in their bucket",
        ),
        help="Compile and run models, each on its own target. A model that reads other databases than its"
        " target is computed where that is proven to give the target's answer and moves the least.",
        runs_nodes=True,
    ),
    "run-operation": Command(
        "Run a macro",
        ("dvt run-operation grant_select --args '{role: reader}'",),
        runs_nodes=True,
    ),
    "seed": Command(
        "Load CSV files, each on its own target",
        ("dvt seed --select countries",),
        help="Load CSV files, each into the database of its own target.",
        runs_nodes=True,
    ),
    "show": Command(
        "Preview a model or a query",
        (
            "dvt show --select customer_value --limit 20",
            'dvt show --inline "select 1 as one"',
        ),
        runs_nodes=True,
    ),
    "snapshot": Command(
        "Take the project's snapshots",
        ("dvt snapshot --select orders_history",),
        runs_nodes=True,
    ),
    "source": Command(
        "Check how fresh sources are, each on its connection",
        ("dvt source freshness",),
    ),
    "sync": Command(
        "Install what the profile's outputs and buckets need, beside what dvt and dbt-core require",
        (
            "dvt sync --dry-run                  what would be installed, at which version, and for what",
            "dvt sync                            adapters, drivers and clients of stores; writes sync.lock",
            "dvt sync --python-env .venv-night   into another environment than dvt's own",
            "dvt sync --download wheels          files for a machine that reaches no registry",
            "dvt sync --offline wheels           there: install from them alone",
        ),
        load="dvt.cli.sync:command",
        needs_dbt=False,
    ),
    "test": Command(
        "Run tests, each where what it tests lives",
        ("dvt test --select customer_value",),
        runs_nodes=True,
    ),
    "web": Command(
        "Serve the page and the API: what runs did, what is due, policies, backups",
        (
            "dvt web                             prints a link that signs in",
            "dvt web --port 8080 --open          opens the page in a browser",
        ),
        load="dvt.cli.web:command",
        needs_dbt=False,
    ),
}
"""Name → command. A new command needs no other registration."""

_MADE_IN = ("dvt.app", "dvt.dbt_bridge.entry", "dvt.dbt_bridge.commands")
"""Packages in which commands and their flags are made."""


def help_version() -> str:
    """Return a hash that changes when the commands' help may change, also within one version of dvt."""
    from hashlib import sha256
    from importlib.util import find_spec
    from pathlib import Path

    digest = sha256(repr(COMMANDS).encode())
    for package in _MADE_IN:
        spec = find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            for file in sorted(Path(folder).glob("*.py")):
                digest.update(f"{file.name} {file.stat().st_mtime_ns} ".encode())
    return digest.hexdigest()[:16]
