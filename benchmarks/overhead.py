"""Time that dvt adds to a plain dbt project: `dvt run` against `dbt run` of one view, in turn.

Prints both medians and the median of the pairs' ratios. Must be ≤ 1.15, goal 1.05.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROFILES = """
plain:
  target: dev
  outputs:
    dev: {type: duckdb, path: plain.duckdb}
"""
PROJECT = """
name: plain
version: "1.0"
profile: plain
flags: {send_anonymous_usage_stats: false}
"""


def seconds(command: list[str], folder: Path) -> float:
    """Return the wall seconds of one whole process; a process that fails ends the benchmark."""
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Run the pairs."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pairs", type=int, default=7)
    pairs = options.parse_args().pairs
    bin_folder = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "models").mkdir()
        (folder / "models" / "one.sql").write_text("select 1 as id")
        (folder / "profiles.yml").write_text(PROFILES)
        (folder / "dbt_project.yml").write_text(PROJECT)
        taken: dict[str, list[float]] = {"dbt": [], "dvt": []}
        for pair in range(pairs + 1):
            for tool, times in taken.items():
                spent = seconds([str(bin_folder / tool), "run", "--profiles-dir", name], folder)
                if pair:  # the first pair fills caches and parses from nothing
                    times.append(spent)
    ratios = [ours / theirs for ours, theirs in zip(taken["dvt"], taken["dbt"], strict=True)]
    for tool, times in taken.items():
        spread = f"min {min(times):.2f}   max {max(times):.2f}"
        print(f"{tool} run   median {statistics.median(times):.2f} s   {spread}")
    print(f"ratio     median {statistics.median(ratios):.3f}   must ≤ 1.15, goal 1.05")


if __name__ == "__main__":
    main()
