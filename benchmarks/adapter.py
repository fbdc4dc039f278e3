"""The adapter for MariaDB against dbt-postgres: the same seed and the same one-model run, in turn.

Prints whole-process medians and the medians of the pairs' ratios. There is no limit: servers differ,
and dbt loads seeds row by row through its own tables. It shows whether our adapter adds time of its own.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "seed": ("seed", "--full-refresh"),
    "run": ("run",),
    "run again": ("run",),
}
MODEL = """
{{ config(materialized='table') }}
select region, count(*) as orders, sum(amount) as amount, max(placed) as latest
from {{ ref('orders') }} group by region
"""


def project(folder: Path, settings: Mapping[str, Any], rows: int) -> Path:
    """Write a project with one seed and one model over it, on one output."""
    for part in ("models", "seeds"):
        (folder / part).mkdir(parents=True)
    plain = {
        "name": "bench",
        "version": "1.0",
        "profile": "bench",
        "flags": {"send_anonymous_usage_stats": False},
    }
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(plain))
    profile = {"target": "dev", "outputs": {"dev": dict(settings)}}
    (folder / "profiles.yml").write_text(yaml.safe_dump({"bench": profile}))
    (folder / "models" / "by_region.sql").write_text(MODEL)
    with (folder / "seeds" / "orders.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["id", "region", "amount", "placed"])
        lines.writerows(
            [i, f"region {i % 17}", i % 1000 / 4, f"2024-{i % 12 + 1:02}-{i % 28 + 1:02}"]
            for i in range(rows)
        )
    return folder


def seconds(folder: Path, words: tuple[str, ...]) -> float:
    """Return the wall seconds of one whole process; a process that fails ends the benchmark."""
    dvt = str(Path(sys.executable).parent / "dvt")
    start = time.perf_counter()
    subprocess.run(
        [dvt, *words, "--profiles-dir", str(folder)], cwd=folder, check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - start


def main() -> None:
    """Run the pairs."""
    from tests.databases.mariadb import mariadb
    from tests.databases.postgres import postgres

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pairs", type=int, default=5)
    options.add_argument("--rows", type=int, default=20_000, help="of the seed")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as servers:
        folders = {
            "mariadb": project(Path(name) / "my", servers.enter_context(mariadb()).settings(), chosen.rows),
            "postgres": project(Path(name) / "pg", servers.enter_context(postgres()).settings(), chosen.rows),
        }
        taken: dict[str, dict[str, list[float]]] = {
            what: {database: [] for database in folders} for what in COMMANDS
        }
        for pair in range(chosen.pairs + 1):
            for what, words in COMMANDS.items():
                for database, folder in folders.items():
                    spent = seconds(folder, words)
                    if pair:  # the first pair fills caches and parses from nothing
                        taken[what][database].append(spent)
    for what, by_name in taken.items():
        ratios = [ours / theirs for ours, theirs in zip(*by_name.values(), strict=True)]
        medians = "   ".join(
            f"{database} {statistics.median(times):.2f} s" for database, times in by_name.items()
        )
        print(f"{what:<10} {medians}   ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
