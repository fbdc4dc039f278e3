"""One seed in several formats into PostgreSQL, by `dvt seed`: each as a ratio to plain CSV, whole commands.

The same rows of eight columns are written as CSV, CSV with gzip, JSON lines and Parquet.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import duckdb
from benchmarks.seeds import run, write
from tests.databases.postgres import postgres

PROJECT = """
name: many
version: "1.0"
profile: many
flags: {send_anonymous_usage_stats: false}
seeds: {many: {+engine: dvt}}
"""
FORMATS = {
    "plain": (".csv", ""),
    "packed": (".csv.gz", "FORMAT csv, HEADER, COMPRESSION gzip"),
    "lines": (".jsonl", "FORMAT json"),
    "columns": (".parquet", "FORMAT parquet"),
}
"""Name of a seed → suffix of its file, and DuckDB's options to write it; empty: it is the first one."""


def write_all(folder: Path, rows: int) -> None:
    """Write the seed in all formats."""
    plain = folder / "plain.csv"
    write(plain, rows)
    with duckdb.connect() as db:
        for name, (suffix, options) in FORMATS.items():
            if options:
                db.execute(f"COPY (FROM read_csv('{plain}')) TO '{folder / (name + suffix)}' ({options})")


def main() -> None:
    """Load the seed in all formats, in turn."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    rows: Any = options.parse_args().rows
    with postgres() as server, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "seeds").mkdir()
        profile = {"many": {"target": "dev", "outputs": {"dev": server.settings(schema="public")}}}
        (folder / "profiles.yml").write_text(json.dumps(profile))
        (folder / "dbt_project.yml").write_text(PROJECT)
        write_all(folder / "seeds", rows)
        print(f"{rows:,} rows, 8 columns", flush=True)
        taken: dict[str, float] = {}
        for seed, (suffix, _) in FORMATS.items():
            taken[seed], megabytes = run("dvt", folder, seed)
            if server.execute(f"select count(*) from {seed}") != [(rows,)]:
                raise SystemExit(f"{seed}: not all rows arrived")
            size = (folder / "seeds" / (seed + suffix)).stat().st_size // 1_000_000
            ratio = taken[seed] / taken["plain"]
            print(
                f"{suffix:<10} {size:5} MB  {taken[seed]:6.1f} s  ratio {ratio:4.2f}  {megabytes:,} MB",
                flush=True,
            )


if __name__ == "__main__":
    main()
