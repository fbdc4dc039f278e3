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

GOAL, MOST_MEGABYTES = 1.15, 512
MUST_OUT, MUST_IN = 1.6, 1.4

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
    """Make lineitem on the server; how many rows it has."""
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
    """Seconds of the server's own client, its answer thrown away."""
    from tests.databases.mariadb import PASSWORD, SCHEMA, USER

    command = ["mariadb", "--no-defaults", "--quick", "--host=127.0.0.1", f"--port={server.port}"]
    command += [f"--user={USER}", SCHEMA, "--execute=select * from lineitem"]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"MYSQL_PWD": PASSWORD})
    return time.perf_counter() - start


def extract(folder: Path, settings: dict[str, Any]) -> dict[str, float]:
    """What dvt does of it, in this process: seconds, rows, bytes of Parquet, peak megabytes."""
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
    """The most memory this process has had, in megabytes (`ru_maxrss` would be its parent's, too)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(peak.group(1)) / 1024 if peak else 0.0


def extracted(server: Any, folder: Path) -> dict[str, float]:
    """`extract` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.mariadb", "--extract", str(folder)]
    done = subprocess.run(
        command, check=True, input=json.dumps(server.settings()), stdout=subprocess.PIPE, text=True
    )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def ready(folder: Path, scale: float) -> Any:
    """Lineitem staged as Parquet, and as CSV beside it."""
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
    """Seconds of the server's own client, making a table of the ready CSV."""
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
    """Both ways out, in turn."""
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
    """Both ways in, in turn."""
    from tests.conformance.measure import measured

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
        ours.append(measured(server, folder, (Load(stage=stage, columns=columns), dataset))._asdict())
        if ours[-1]["rows"] != dataset.rows:
            raise SystemExit(f"{ours[-1]['rows']} rows arrived, not {dataset.rows}")
    show("Parquet → stage table", "LOAD DATA of ready CSV", theirs, ours, MUST_IN)


def show(title: str, yardstick: str, theirs: Any, ours: Any, must: float) -> None:
    """What came of it."""
    ratio = statistics.median(race["seconds"] / other for race, other in zip(ours, theirs, strict=True))
    mine = statistics.median(race["seconds"] for race in ours)
    most = max(race["megabytes"] for race in ours)
    rows, size = ours[0]["rows"], ours[0]["bytes"] / 2**20
    print(f"{title}: lineitem, {rows:,} rows, {size:.0f} MB of Parquet")
    print(f"  {yardstick:<28}{statistics.median(theirs):6.2f} s")
    print(f"  dvt                         {mine:6.2f} s")
    print(f"  ratio                       {ratio:6.2f}     must ≤ {must}, goal ≤ {GOAL}")
    print(f"  peak memory of dvt          {most:6.0f} MB  must ≤ {MOST_MEGABYTES}", flush=True)


def main() -> None:
    """Compare, or be the one that is compared."""
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
