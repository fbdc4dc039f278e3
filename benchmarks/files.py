"""What it costs to read CSV and JSON files exactly: TPC-H's lineitem, against DuckDB's own sampling.

DuckDB infers types from the first 20,480 rows, or from all of them (`sample_size = -1`), and copies the
file to Parquet. dvt finds the types over the whole file, or is given them, then extracts. Every side is a
process of its own with two threads; the file is in the page cache. Seconds are of CPU, of all threads.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.mariadb import peak

_READERS = {"csv": "read_csv", "json": "read_json"}
"""Format → DuckDB's function that reads it."""


def make(folder: Path, scale: float) -> dict[str, str]:
    """Write lineitem as CSV and as JSON; return its columns and their types."""
    import duckdb

    from dvt.drivers.duckdb import load_extension

    with duckdb.connect() as source:
        load_extension(source, "tpch")
        source.execute(f"CALL dbgen(sf={scale})")
        source.execute(f"COPY lineitem TO '{folder / 'lineitem.csv'}'")
        source.execute(f"COPY lineitem TO '{folder / 'lineitem.json'}'")
        columns = source.execute("SELECT * FROM lineitem LIMIT 0").description
    return {name: str(type_) for name, type_, *_ in columns}


def duckdb_alone(folder: Path, format_: str, sample: int) -> dict[str, float]:
    """Copy the file to Parquet by DuckDB's own inference."""
    import duckdb

    start = time.process_time()
    with duckdb.connect(config={"threads": 2}) as connection:
        source = f"{_READERS[format_]}('{folder / f'lineitem.{format_}'}', sample_size = {sample})"
        connection.execute("SET preserve_insertion_order = false")
        connection.execute(f"COPY (SELECT * FROM {source}) TO '{folder / 'out.parquet'}'")
    return {"seconds": time.process_time() - start, "megabytes": peak()}


def dvt(folder: Path, format_: str, types: dict[str, str]) -> dict[str, float]:
    """Describe and extract the file as a run does; `types` are given, or empty."""
    from tests.local_bucket import local_sink

    from dvt.connectors import CONNECTORS
    from dvt.core.names import TableRef
    from dvt.core.ports.connectors import ConnectorContext, Job
    from dvt.core.queries import ExtractedColumn, SourceQuery
    from dvt.drivers.duckdb import MemoryInstance

    instance = MemoryInstance(threads=2)
    context = ConnectorContext(duckdb=instance, project_dir=folder, scratch=folder / "scratch")
    options: dict[str, Any] = {"columns": types} if types else {}
    settings = {"type": "files", "path": str(folder), "format": format_, "options": options}
    start = time.process_time()
    connector = CONNECTORS.load("files")("lake", settings, context)
    ref = TableRef(connection="lake", identifier="lineitem")
    columns = connector.describe([ref])[ref].columns
    described = time.process_time()
    query = SourceQuery(
        alias="t",
        connection="lake",
        tables=(ref,),
        select=tuple(f'"{column.name}"' for column in columns),
        columns=tuple(ExtractedColumn(name=column.name, column=column) for column in columns),
        scan=True,
    )
    sink = local_sink(folder / "staging", "lineitem")
    with connector.snapshot() as snapshot:
        snapshot.extract([Job(query, sink)], lambda _, __: None)
    spent = time.process_time() - start
    sink.discard()
    connector.close()
    instance.close()
    return {"seconds": spent, "described": described - start, "megabytes": peak()}


SIDES = ("duckdb", "duckdb, all rows", "dvt", "dvt, types given")
"""What is compared; the first is the measure."""


def run(side: str, folder: Path, format_: str, types: dict[str, str]) -> dict[str, float]:
    """Run one side in this process."""
    if side.startswith("duckdb"):
        return duckdb_alone(folder, format_, -1 if "all" in side else 20_480)
    return dvt(folder, format_, types if "given" in side else {})


def in_a_process(side: str, folder: Path, format_: str, types: dict[str, str]) -> dict[str, float]:
    """Run one side in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.files", "--side", side, "--format", format_, str(folder)]
    process = subprocess.run(command, check=True, input=json.dumps(types), stdout=subprocess.PIPE, text=True)
    answer: dict[str, float] = json.loads(process.stdout)
    return answer


def compare(folder: Path, format_: str, types: dict[str, str], times: int) -> None:
    """Run all sides in turn, and print the medians."""
    spent: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for _ in range(times):
        for side in SIDES:
            spent[side].append(in_a_process(side, folder, format_, types))
    measure = statistics.median(answer["seconds"] for answer in spent[SIDES[0]])
    for side, answers in spent.items():
        seconds = statistics.median(answer["seconds"] for answer in answers)
        described = statistics.median(answer.get("described", 0.0) for answer in answers)
        size = max(answer["megabytes"] for answer in answers)
        found = f"   of which finding types {described:.2f} s" if described else ""
        print(
            f"{format_:5} {side:18} {seconds:6.2f} s   ratio {seconds / measure:.2f}   {size:.0f} MB{found}"
        )


def main() -> None:
    """Compare CSV, then JSON."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", nargs="?", type=Path)
    options.add_argument("--side", choices=SIDES)
    options.add_argument("--format", default="csv")
    options.add_argument("--scale", type=float, default=0.5)
    options.add_argument("--times", type=int, default=3)
    chosen = options.parse_args()
    if chosen.side:
        print(json.dumps(run(chosen.side, chosen.folder, chosen.format, json.load(sys.stdin))))
        return
    with tempfile.TemporaryDirectory(prefix="dvt-files-") as name:
        folder = Path(name)
        types = make(folder, chosen.scale)
        sizes = ", ".join(f"{file.name} {file.stat().st_size / 1e6:.0f} MB" for file in folder.iterdir())
        print(f"lineitem, scale factor {chosen.scale}: {sizes}")
        for format_ in _READERS:
            compare(folder, format_, types, chosen.times)


if __name__ == "__main__":
    main()
