"""A CSV seed of many rows into PostgreSQL: `dvt seed` with `engine: dvt` against `dbt seed`, whole commands.

Prints the wall seconds, the peak memory of each, and the ratio. Goal: ten times as fast, and at most 512 MB.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks._measuring import peak
from tests.databases.postgres import postgres

PROJECT = """
name: many
version: "1.0"
profile: many
flags: {send_anonymous_usage_stats: false}
seeds: {many: {dvts: {+engine: dvt}}}
"""


def write(file: Path, rows: int) -> None:
    """Write a seed of eight columns of all of dbt's types."""
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["id", "code", "price", "day", "at", "is_open", "name", "note"])
        writer.writerows(
            [
                number,
                f"C{number * 7919 % 1_000_003:07d}",
                f"{number % 9973}.{number % 97:02d}",
                f"20{number % 30:02d}-0{number % 9 + 1}-{number % 27 + 1:02d}",
                f"2024-03-{number % 27 + 1:02d} 10:{number % 60:02d}:00",
                "true" if number % 3 else "false",
                f"name {number % 5000}, the {number % 11}th",
                "" if number % 4 else f'she said "{number}"',
            ]
            for number in range(rows)
        )


def run(tool: str, folder: Path, seed: str) -> tuple[float, int]:
    """Return the wall seconds and the peak memory in MB of a command."""
    command = [
        str(Path(sys.executable).parent / tool),
        "seed",
        "--select",
        seed,
        "--profiles-dir",
        str(folder),
    ]
    started, peaks = time.perf_counter(), [0]
    process = subprocess.Popen(
        [*command, "--log-path", str(folder / "logs")], cwd=folder, stdout=subprocess.DEVNULL, text=True
    )
    watch = threading.Thread(target=peak, args=(process, peaks))
    watch.start()
    if process.wait():
        raise SystemExit(f"{tool} failed: see its message by running {' '.join(command)}")
    watch.join()
    return time.perf_counter() - started, max(peaks) // 1000


def same(server: Any) -> bool:
    """Return whether both tables have the same rows and the same types."""
    one_way = "(table {} except all table {})"
    both = f"{one_way.format('dbts', 'dvts')} union all {one_way.format('dvts', 'dbts')}"
    kinds = "select string_agg(column_name || ' ' || data_type, ', ' order by ordinal_position)"
    tables = [
        server.execute(f"{kinds} from information_schema.columns where table_name = '{name}'")
        for name in ("dbts", "dvts")
    ]
    return server.execute(f"select count(*) from ({both}) as d") == [(0,)] and tables[0] == tables[1]


def main() -> None:
    """Load the seed by both."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    rows = options.parse_args().rows
    with postgres() as server, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "seeds").mkdir()
        profile = {"many": {"target": "dev", "outputs": {"dev": server.settings(schema="public")}}}
        (folder / "profiles.yml").write_text(json.dumps(profile))
        (folder / "dbt_project.yml").write_text(PROJECT)
        write(folder / "seeds/dbts.csv", rows)
        (folder / "seeds/dvts.csv").hardlink_to(folder / "seeds/dbts.csv")
        size = (folder / "seeds/dbts.csv").stat().st_size // 1_000_000
        print(f"{rows:,} rows, 8 columns, {size} MB of CSV", flush=True)
        taken: dict[str, float] = {}
        for tool in ("dvt", "dbt"):
            taken[tool], megabytes = run(tool, folder, f"{tool}s")
            print(f"{tool} seed   {taken[tool]:6.1f} s   {megabytes:,} MB", flush=True)
        print(f"ratio      {taken['dbt'] / taken['dvt']:.1f} times as fast   goal 10")
        print(f"tables     {'are the same' if same(server) else 'DIFFER'}")


if __name__ == "__main__":
    main()
