"""MariaDB → Parquet against `mariadb --quick` to nowhere: TPC-H's lineitem, all 16 columns.

Prints seconds, the ratio (must ≤ 1.6, goal ≤ 1.15) and the peak memory of dvt (must ≤ 512 MB).
Both sides run in turn, each in a process of its own, against the same server with warm caches.
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

MUST, GOAL, MOST_MEGABYTES = 1.6, 1.15, 512

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
    from dvt.buckets.filesystem import FilesystemBucket
    from dvt.connectors import CONNECTORS
    from dvt.core.names import TableRef
    from dvt.core.plan import ExtractedColumn, Extraction
    from dvt.core.ports import ConnectorContext, Dataset, Job
    from dvt.drivers.duckdb import MemoryInstance
    from dvt.staging.parquet import ParquetSink

    instance = MemoryInstance(threads=2)
    context = ConnectorContext(duckdb=instance, project_dir=folder)
    start = time.perf_counter()
    connector = CONNECTORS.load(settings["type"])("mariadb", settings, context)
    ref = TableRef(connection="mariadb", schema=settings["schema"], identifier="lineitem")
    columns = tuple(
        ExtractedColumn(name=one.name, column=one) for one in connector.describe([ref])[ref].columns
    )
    values = ", ".join(f"{one.column.read.format(f'`{one.name}`')} AS `{one.name}`" for one in columns)
    extraction = Extraction(
        alias="t",
        connection="mariadb",
        table=ref,
        select=f"SELECT {values} FROM `{ref.schema}`.`lineitem`",
        columns=columns,
        scan=True,
    )
    sink = ParquetSink(FilesystemBucket(folder / "staging"), "lineitem")
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
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found.group(1)) / 1024 if found else 0.0


def extracted(server: Any, folder: Path) -> dict[str, float]:
    """`extract` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.mariadb", "--extract", str(folder)]
    done = subprocess.run(
        command, check=True, input=json.dumps(server.settings()), stdout=subprocess.PIPE, text=True
    )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def compare(scale: float, pairs: int) -> None:
    """Both sides in turn, and what came of it."""
    from tests.databases.mariadb import mariadb

    with (
        tempfile.TemporaryDirectory(prefix="dvt-bench-") as name,
        mariadb("--innodb-buffer-pool-size=3G", "--innodb-log-file-size=1G") as server,
    ):
        folder = Path(name)
        folder.chmod(0o755)
        rows = fill(server, scale, folder)
        theirs, ours = [], []
        quick(server)
        for _ in range(pairs):
            theirs.append(quick(server))
            ours.append(extracted(server, folder))
            if ours[-1]["rows"] != rows:
                raise SystemExit(f"{ours[-1]['rows']} rows arrived, not {rows}")
    ratio = statistics.median(one["seconds"] / other for one, other in zip(ours, theirs, strict=True))
    mine = statistics.median(one["seconds"] for one in ours)
    most = max(one["megabytes"] for one in ours)
    print(f"MariaDB → Parquet: lineitem, {rows:,} rows, {ours[0]['bytes'] / 2**20:.0f} MB of Parquet")
    print(f"  mariadb --quick to nowhere  {statistics.median(theirs):6.2f} s")
    print(f"  dvt                         {mine:6.2f} s")
    print(f"  ratio                       {ratio:6.2f}     must ≤ {MUST}, goal ≤ {GOAL}")
    print(f"  peak memory of dvt          {most:6.0f} MB  must ≤ {MOST_MEGABYTES}")


def main() -> None:
    """Compare, or be the one that is compared."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scale", type=float, default=1.0)
    options.add_argument("--pairs", type=int, default=3)
    options.add_argument("--extract", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.extract:
        print(json.dumps(extract(chosen.extract, json.load(sys.stdin))))
    else:
        compare(chosen.scale, chosen.pairs)


if __name__ == "__main__":
    main()
