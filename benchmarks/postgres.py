"""PostgreSQL out and in: TPC-H's lineitem against the server's own COPY, in turn.

Out: PostgreSQL → Parquet against `COPY … TO STDOUT (FORMAT binary)` to nowhere (must ≤ 1.5, goal ≤ 1.15).
In: Parquet → stage table against `COPY FROM` of the same rows as ready CSV (must ≤ 1.4, goal ≤ 1.0).
Each side is a process of its own; the peak memory of dvt's must be ≤ 512 MB.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from tests.conformance.measure import Measurement, measure
from tests.databases.postgres import PASSWORD, PostgreSQL, postgres, programs

from dvt.core.plan import Load
from dvt.core.ports.staging import Dataset
from dvt.core.queries import SourceQuery
from dvt.core.tables import StageColumn
from dvt.core.types import StageType
from dvt.drivers.duckdb import load_extension
from dvt.drivers.duckdb.staging import write
from dvt.testing.connectors import Bench

MAX_MEGABYTES = 512
"""Peak memory that dvt's process may have."""


@dataclass(frozen=True, slots=True)
class Race:
    """Two ways to move the same rows."""

    title: str
    yardstick: str
    must: float
    goal: float
    theirs: Callable[[], float]
    ours: Callable[[], Measurement]


def generated(bench: Bench, scale: float, folder: Path) -> Dataset:
    """Write lineitem as Parquet, and as CSV beside it; return the Parquet dataset."""
    with duckdb.connect(str(folder / "tpch.duckdb")) as source:
        load_extension(source, "tpch")
        source.execute(f"CALL dbgen(sf={scale})")
        columns = [
            StageColumn(row[0], StageType.parse(row[1]))
            for row in source.execute("DESCRIBE lineitem").fetchall()
        ]
        sink = bench.sink()
        rows = write(source, "FROM lineitem", sink)
        source.execute(f"COPY lineitem TO '{folder / 'lineitem.csv'}' (FORMAT csv, HEADER false)")
    return sink.commit(columns, rows)


def psql(server: PostgreSQL, *statements: str, ready: Path | None = None) -> float:
    """Run statements in psql and return the seconds they took."""
    command = [str((programs() or Path()) / "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
    settings = server.settings()
    command += [f"--host={settings['host']}", f"--port={settings['port']}", f"--username={settings['user']}"]
    command += [word for statement in statements for word in ("--command", statement)]
    start = time.perf_counter()
    with (ready or Path(os.devnull)).open("rb") as rows:
        subprocess.run(
            [*command, settings["dbname"]],
            check=True,
            stdin=rows,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"PGPASSWORD": PASSWORD},
        )
    return time.perf_counter() - start


def races(server: PostgreSQL, bench: Bench, dataset: Dataset, folder: Path) -> Sequence[Race]:
    """Return the two races: out of a table, and into a new one."""
    table = server.table("lineitem")
    columns = bench.connector.columns(dataset.columns)
    bench.connector.fill(Load(stage=table, columns=columns), dataset)
    server.execute(f"vacuum analyze {server.quoted(table)}", "checkpoint")
    extraction: SourceQuery = bench.extraction(bench.describe(table))
    stage, plain = server.table("dvt_bench"), server.table("plain")
    typed = ", ".join(f"{column.name} {column.native}" for column in columns)

    def csv() -> float:
        server.execute(f"drop table if exists {server.quoted(plain)}", "checkpoint")
        make = f"create table {server.quoted(plain)} ({typed})"
        return psql(
            server,
            "begin",
            make,
            f"copy {server.quoted(plain)} from stdin (format csv)",
            "commit",
            ready=folder / "lineitem.csv",
        )

    def fill() -> Measurement:
        server.execute(f"drop table if exists {server.quoted(stage)}", "checkpoint")
        return measure(server, folder, (Load(stage=stage, columns=columns), dataset))

    binary = f"copy (select * from {server.quoted(table)}) to stdout (format binary)"
    return (
        Race(
            "PostgreSQL → Parquet",
            "COPY TO (binary) to nowhere",
            1.5,
            1.15,
            lambda: psql(server, binary),
            lambda: measure(server, folder, extraction),
        ),
        Race("Parquet → stage table", "COPY FROM ready CSV", 1.4, 1.0, csv, fill),
    )


def run(race: Race, pairs: int, rows: int) -> None:
    """Run both sides in turn; print medians, their ratio and dvt's peak memory."""
    race.theirs()
    theirs, ours = [], []
    for _ in range(pairs):
        theirs.append(race.theirs())
        ours.append(race.ours())
        if ours[-1].rows != rows:
            raise SystemExit(f"{race.title}: {ours[-1].rows} rows arrived, not {rows}")
    ratio = statistics.median(
        race.seconds / their_seconds for race, their_seconds in zip(ours, theirs, strict=True)
    )
    print(f"{race.title}: lineitem, {rows:,} rows, {ours[0].bytes / 2**20:.0f} MB of Parquet")
    print(f"  {race.yardstick:<28}{statistics.median(theirs):6.2f} s")
    print(f"  dvt                         {statistics.median(race.seconds for race in ours):6.2f} s")
    print(f"  ratio                       {ratio:6.2f}     must ≤ {race.must}, goal ≤ {race.goal}")
    peak = max(race.megabytes for race in ours)
    print(f"  peak memory of dvt          {peak:6} MB  must ≤ {MAX_MEGABYTES}", flush=True)


def main() -> None:
    """Run both races."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scale", type=float, default=1.0)
    options.add_argument("--pairs", type=int, default=3)
    chosen: Any = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="dvt-bench-") as name, postgres() as server:
        folder = Path(name)
        bench = Bench(server, folder)
        dataset = generated(bench, chosen.scale, folder)
        for race in races(server, bench, dataset, folder):
            run(race, chosen.pairs, dataset.rows)
        bench.close()


if __name__ == "__main__":
    main()
