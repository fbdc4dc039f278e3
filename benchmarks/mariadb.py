"""MariaDB out and in: TPC-H's lineitem, all 16 columns, against the server's own client, in turn.

Out: MariaDB → Parquet against `mariadb --quick` to nowhere (must ≤ 1.6, goal ≤ 1.15).
In: Parquet → stage table against `LOAD DATA LOCAL INFILE` of the same rows as ready CSV (must ≤ 1.4,
goal ≤ 1.15). Each side is a process of its own, against the same server with warm caches; the peak
memory of dvt's must be ≤ 512 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

GOAL, MUST_OUT, MUST_IN = 1.15, 1.6, 1.4
"""Seconds of dvt per second of the server's client: wanted, and allowed out of and into MariaDB."""
MAX_MEGABYTES = 512
"""Peak memory that dvt's process may have."""

TABLE = """
create table lineitem (
  l_orderkey bigint not null, l_partkey bigint not null,
  l_suppkey bigint not null, l_linenumber bigint not null,
  l_quantity decimal(15,2) not null, l_extendedprice decimal(15,2) not null,
  l_discount decimal(15,2) not null, l_tax decimal(15,2) not null,
  l_returnflag varchar(1) not null, l_linestatus varchar(1) not null,
  l_shipdate date not null, l_commitdate date not null, l_receiptdate date not null,
  l_shipinstruct varchar(25) not null, l_shipmode varchar(10) not null, l_comment varchar(44) not null,
  primary key (l_orderkey, l_linenumber)
) engine = innodb
"""


def fill(server: Any, scale: float, folder: Path) -> int:
    """Create lineitem on the server and return its number of rows."""
    import duckdb

    from dvt.drivers.duckdb import load_extension

    csv = folder / "lineitem.csv"
    with duckdb.connect(str(folder / "tpch.duckdb")) as source:
        load_extension(source, "tpch")
        source.execute(f"CALL dbgen(sf={scale})")
        source.execute(f"COPY lineitem TO '{csv}' (HEADER false, DELIMITER '|', QUOTE '')")
    csv.chmod(0o644)
    server.execute(
        TABLE,
        f"load data infile '{csv}' into table lineitem character set utf8mb4 fields terminated by '|'",
        "analyze table lineitem",
    )
    csv.unlink()
    ((rows,),) = server.execute("select count(*) from lineitem")
    return int(rows)


def quick(server: Any) -> float:
    """Return the seconds in which the server's own client reads lineitem and discards it."""
    from tests.databases.mariadb import PASSWORD, SCHEMA, USER

    command = ["mariadb", "--no-defaults", "--quick", "--host=127.0.0.1", f"--port={server.port}"]
    command += [f"--user={USER}", SCHEMA, "--execute=select * from lineitem"]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"MYSQL_PWD": PASSWORD})
    return time.perf_counter() - start


def extract(folder: Path, settings: dict[str, Any]) -> dict[str, float]:
    """Extract lineitem in this process; return seconds, rows, bytes of Parquet and peak megabytes."""
    from tests.local_bucket import local_sink

    from dvt.connectors import CONNECTORS
    from dvt.core.names import TableRef
    from dvt.core.ports.connectors import ConnectorContext, Job
    from dvt.core.ports.staging import Dataset
    from dvt.core.queries import ExtractedColumn, SourceQuery
    from dvt.drivers.duckdb import MemoryInstance

    instance = MemoryInstance(threads=2)
    context = ConnectorContext(duckdb=instance, project_dir=folder, scratch=folder / "scratch")
    start = time.perf_counter()
    connector = CONNECTORS.load(settings["type"])("mariadb", settings, context)
    ref = TableRef(connection="mariadb", schema=settings["schema"], identifier="lineitem")
    columns = tuple(
        ExtractedColumn(name=column.name, column=column) for column in connector.describe([ref])[ref].columns
    )
    select = tuple(
        f"{extracted.column.read.format(f'`{extracted.name}`')} AS `{extracted.name}`"
        for extracted in columns
    )
    extraction = SourceQuery(
        alias="t",
        connection="mariadb",
        tables=(ref,),
        select=select,
        columns=columns,
        scan=True,
    )
    sink = local_sink(folder / "staging", "lineitem")
    datasets: list[Dataset] = []
    with connector.snapshot() as snapshot:
        snapshot.extract([Job(extraction, sink)], lambda _, dataset: datasets.append(dataset))
    spent = time.perf_counter() - start
    sink.discard()
    connector.close()
    instance.close()
    return {"seconds": spent, "rows": datasets[0].rows, "bytes": datasets[0].bytes, "megabytes": peak()}


def peak() -> float:
    """Return this process's peak memory in megabytes (`ru_maxrss` may be its parent's)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(peak.group(1)) / 1024 if peak else 0.0


def extracted(server: Any, folder: Path) -> dict[str, float]:
    """Run `extract` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.mariadb", "--extract", str(folder)]
    process = subprocess.run(
        command, check=True, input=json.dumps(server.settings()), stdout=subprocess.PIPE, text=True
    )
    answer: dict[str, float] = json.loads(process.stdout)
    return answer


def ready(folder: Path, scale: float) -> Any:
    """Write lineitem as Parquet, and as CSV beside it; return the Parquet dataset."""
    import duckdb
    from tests.local_bucket import local_sink

    from dvt.core.tables import StageColumn
    from dvt.core.types import StageType
    from dvt.drivers.duckdb import load_extension
    from dvt.drivers.duckdb.staging import write

    sink = local_sink(folder / "ready", "lineitem")
    with duckdb.connect() as source:
        load_extension(source, "tpch")
        source.execute(f"CALL dbgen(sf={scale})")
        columns = [
            StageColumn(row[0], StageType.parse(row[1]))
            for row in source.execute("DESCRIBE lineitem").fetchall()
        ]
        rows = write(source, "FROM lineitem", sink)
        source.execute(f"COPY lineitem TO '{folder / 'lineitem.csv'}' (FORMAT csv, HEADER false)")
    return sink.commit(columns, rows)


def load_ready(server: Any, folder: Path, columns: Any) -> float:
    """Return the seconds in which the server's own client loads the ready CSV into a table."""
    from tests.databases.mariadb import PASSWORD, SCHEMA, USER

    server.execute("drop table if exists plain")
    typed = ", ".join(f"`{column.name}` {column.native}" for column in columns)
    statements = (
        f"create table plain ({typed}); load data local infile '{folder / 'lineitem.csv'}' into table plain "
        "character set utf8mb4 fields terminated by ',' optionally enclosed by '\"'"
    )
    command = ["mariadb", "--no-defaults", "--local-infile=1", "--host=127.0.0.1", f"--port={server.port}"]
    command += [f"--user={USER}", SCHEMA, f"--execute={statements}"]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"MYSQL_PWD": PASSWORD})
    return time.perf_counter() - start


def compare_out(server: Any, folder: Path, scale: float, pairs: int) -> None:
    """Extract with the server's client and with dvt in turn, and print both."""
    rows = fill(server, scale, folder)
    theirs, ours = [], []
    quick(server)
    for _ in range(pairs):
        theirs.append(quick(server))
        ours.append(extracted(server, folder))
        if ours[-1]["rows"] != rows:
            raise SystemExit(f"{ours[-1]['rows']} rows arrived, not {rows}")
    server.execute("drop table lineitem")
    show("MariaDB → Parquet", "mariadb --quick to nowhere", theirs, ours, MUST_OUT)


def compare_in(server: Any, folder: Path, scale: float, pairs: int) -> None:
    """Load with the server's client and with dvt in turn, and print both."""
    from tests.conformance.measure import measure

    from dvt.core.plan import Load
    from dvt.testing.connectors import Bench

    dataset = ready(folder, scale)
    bench = Bench(server, folder)
    columns = bench.connector.columns(dataset.columns)
    bench.close()
    stage = server.table("dvt_bench")
    theirs, ours = [], []
    load_ready(server, folder, columns)
    for _ in range(pairs):
        theirs.append(load_ready(server, folder, columns))
        server.execute("drop table if exists dvt_bench")
        ours.append(measure(server, folder, (Load(stage=stage, columns=columns), dataset))._asdict())
        if ours[-1]["rows"] != dataset.rows:
            raise SystemExit(f"{ours[-1]['rows']} rows arrived, not {dataset.rows}")
    show("Parquet → stage table", "LOAD DATA of ready CSV", theirs, ours, MUST_IN)


def show(title: str, yardstick: str, theirs: Any, ours: Any, must: float) -> None:
    """Print medians, their ratio and dvt's peak memory."""
    ratio = statistics.median(
        run["seconds"] / their_seconds for run, their_seconds in zip(ours, theirs, strict=True)
    )
    median = statistics.median(run["seconds"] for run in ours)
    peak_megabytes = max(run["megabytes"] for run in ours)
    rows, size = ours[0]["rows"], ours[0]["bytes"] / 2**20
    print(f"{title}: lineitem, {rows:,} rows, {size:.0f} MB of Parquet")
    print(f"  {yardstick:<28}{statistics.median(theirs):6.2f} s")
    print(f"  dvt                         {median:6.2f} s")
    print(f"  ratio                       {ratio:6.2f}     must ≤ {must}, goal ≤ {GOAL}")
    print(f"  peak memory of dvt          {peak_megabytes:6.0f} MB  must ≤ {MAX_MEGABYTES}", flush=True)


def main() -> None:
    """Compare both directions; with --extract, be the process that is measured."""
    from tests.databases.mariadb import mariadb

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scale", type=float, default=1.0)
    options.add_argument("--pairs", type=int, default=3)
    options.add_argument("--only", choices=("out", "in"))
    options.add_argument("--extract", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.extract:
        print(json.dumps(extract(chosen.extract, json.load(sys.stdin))))
        return
    with (
        tempfile.TemporaryDirectory(prefix="dvt-bench-") as name,
        mariadb("--innodb-buffer-pool-size=3G", "--innodb-log-file-size=1G") as server,
    ):
        folder = Path(name)
        folder.chmod(0o755)
        for way, race in (("out", compare_out), ("in", compare_in)):
            if chosen.only in {None, way}:
                race(server, folder, chosen.scale, chosen.pairs)


if __name__ == "__main__":
    main()
