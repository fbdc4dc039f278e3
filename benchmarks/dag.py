"""TPC-H's 22 queries as one `dvt run`, against raw DuckDB that has the same databases attached.

PostgreSQL holds customer, orders and lineitem, MariaDB part, partsupp and supplier, a DuckDB file the rest.
Raw DuckDB runs the same 22 queries in one process. Both write the answers into a DuckDB file. Prints CPU
seconds of servers and tool together, what was moved, and dvt's peak memory; the answers are compared.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
from benchmarks.federated import load_table, peak
from tests.acceptance import placing, tpch
from tests.acceptance.project import Project
from tests.databases.mariadb import mariadb
from tests.databases.postgres import postgres

SPLIT: Mapping[str, str] = {
    **dict.fromkeys(("customer", "orders", "lineitem"), "pg"),
    **dict.fromkeys(("part", "partsupp", "supplier"), "maria"),
    **dict.fromkeys(("nation", "region"), "duck"),
}
"""Table → output that holds it."""
SCHEMAS = {"pg": "shop", "maria": "shop", "duck": "main"}
"""Output → schema of its tables."""
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu(pid: int) -> float:
    """Return the CPU seconds of a process, its live children and those that have ended."""
    seconds = 0.0
    for process in [pid, *_children(pid)]:
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ended = fields[13:15] if process == pid else []
        seconds += sum(int(ticks) for ticks in [*fields[11:13], *ended]) / _TICKS
    return seconds


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in tasks.read_text().split()] if tasks.exists() else []


class Meter:
    """Measures CPU seconds of servers and of this process's children, and wall seconds."""

    def __init__(self, servers: Sequence[Any]) -> None:
        self._servers = servers
        self._started = time.perf_counter()
        self._before = self._now()

    def _now(self) -> list[float]:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return [used.ru_utime + used.ru_stime, *(cpu(server.process.pid) for server in self._servers)]

    def read(self) -> tuple[float, str]:
        """Return all CPU seconds so far, and the figures for people."""
        tool, *servers = [now - before for now, before in zip(self._now(), self._before, strict=True)]
        wall = time.perf_counter() - self._started
        total = tool + sum(servers)
        parts = "   ".join(f"{part:5.1f}" for part in servers)
        return total, f"CPU {total:6.1f} s (tool {tool:5.1f}, servers {parts})   wall {wall:6.1f} s"


RAW = """
import json, sys, duckdb
from dvt.drivers.duckdb import load_extension
setup, queries, out = json.load(open(sys.argv[1]))
connection = duckdb.connect(out)
connection.execute("SET enable_progress_bar = false")
for extension in ("postgres_scanner", "mysql_scanner"):
    load_extension(connection, extension)
for statement in setup:
    connection.execute(statement)
for name, query in queries.items():
    connection.execute(f"CREATE TABLE {name} AS {query}")
"""
"""The raw run's program."""


def raw(folder: Path, servers: Mapping[str, Any], queries: Mapping[str, str]) -> None:
    """Run all queries in one DuckDB process, in which the databases are attached."""
    pg, maria = servers["pg"].settings(), servers["maria"].settings()
    secrets = [
        _secret("pg", "postgres", HOST=pg["host"], PORT=pg["port"], USER=pg["user"], PASSWORD=pg["pass"]),
        _secret(
            "maria",
            "mysql",
            HOST=maria["host"],
            PORT=maria["port"],
            USER=maria.get("user") or maria["username"],
            PASSWORD=maria.get("password") or maria.get("pass"),
        ),
    ]
    attached = [
        f"ATTACH 'dbname={pg['dbname']}' AS pg (TYPE postgres, SECRET pg, READ_ONLY)",
        "ATTACH 'database=shop' AS maria (TYPE mysql, SECRET maria, READ_ONLY)",
        f"ATTACH '{folder / 'reference.duckdb'}' AS duck (READ_ONLY)",
    ]
    views = [
        f"CREATE VIEW {table} AS FROM {where}.{SCHEMAS[where]}.{table}" for table, where in SPLIT.items()
    ]
    job = folder / "raw.json"
    job.write_text(json.dumps([[*secrets, *attached, *views], dict(queries), str(folder / "raw.duckdb")]))
    subprocess.run([sys.executable, "-c", RAW, str(job)], check=True)


def _secret(name: str, kind: str, **keys: Any) -> str:
    values = ", ".join(f"{key} '{str(value).replace(chr(39), chr(39) * 2)}'" for key, value in keys.items())
    return f"CREATE SECRET {name} (TYPE {kind}, {values})"


def project(folder: Path, servers: Mapping[str, Any], queries: Mapping[str, str]) -> Project:
    """Write a project with the queries as models."""
    outputs = {
        "pg": servers["pg"].settings(),
        "maria": servers["maria"].settings(),
        "duck": {"type": "duckdb", "path": str(folder / "reference.duckdb")},
        "warehouse": {"type": "duckdb", "path": str(folder / "warehouse.duckdb")},
    }
    config = {"models": {"shop": {"+materialized": "table"}}}
    dag = Project(folder, outputs, default="warehouse", config=config)
    for table, where in SPLIT.items():
        dag.source(f"tpch_{table}", where, [table], schema=SCHEMAS[where])
    for name, query in queries.items():
        dag.model(name, tpch.as_model(query), dialect="duckdb")
    return dag


def run(dag: Project, threads: int) -> int:
    """Run all models; return the peak memory in kB."""
    process = dag.start("run", "--threads", str(threads), "--keep-staging", env={"TZ": "UTC"})
    peaks: list[int] = []
    watcher = threading.Thread(target=peak, args=(process, peaks))
    watcher.start()
    out, _ = process.communicate()
    watcher.join()
    if process.returncode:
        raise SystemExit(out)
    print(out.rsplit("Moved between databases: ", 1)[-1].strip().splitlines()[0], flush=True)
    return max(peaks)


def report(dag: Project, queries: Mapping[str, str], single: duckdb.DuckDBPyConnection) -> None:
    """Print how often tables were extracted and what was moved; compare the answers."""
    results = json.loads((dag.root / "target" / "run_results.json").read_text())["results"]
    stages = [stage for result in results for stage in result["adapter_response"]["dvt"]]
    sent = [stage for stage in stages if stage["what"] == "extract" and not stage["reused"]]
    parquet = sum(stage["bytes"] for stage in sent)
    logical = _logical_bytes(dag.root / ".dvt" / "staging")
    rows = sum(stage["rows"] for stage in sent)
    print(f"{len(sent)} extractions of {len(SPLIT)} tables: {rows:,} rows", flush=True)
    print(
        f"bytes moved {logical / 1e6:.0f} MB logical, must ≤ 850; {parquet / 1e6:.0f} MB Parquet, goal ≤ 500"
    )
    with closing(duckdb.connect(str(dag.root / "warehouse.duckdb"), read_only=True)) as warehouse:
        for name, query in queries.items():
            tpch.assert_same(warehouse.sql(f"FROM {name}").fetchall(), single.sql(query).fetchall(), name)


def _logical_bytes(staging: Path) -> float:
    """Return the bytes of all values in staged files, without encodings and compression."""
    total = 0.0
    for file in staging.rglob("*.parquet"):
        if "_results" in file.parts:
            continue
        rows = duckdb.sql(f"FROM read_parquet('{file}')")
        for name, type_ in zip(rows.columns, rows.types, strict=True):
            width = {"VARCHAR": f'strlen("{name}")', "INTEGER": "4", "DATE": "4"}.get(str(type_), "8")
            total += float(rows.aggregate(f"coalesce(sum({width}), 0)").fetchall()[0][0])
    return total


def main() -> None:
    """Place the tables, run both, print the ratio."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scale", type=float, default=1.0)
    options.add_argument("--threads", type=int, default=2)
    arguments = options.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="dvt-bench-") as name,
        postgres() as pg,
        mariadb("--innodb-buffer-pool-size=1G") as maria,
        tpch.generate(arguments.scale) as single,
    ):
        single.execute("SET enable_progress_bar = false")
        folder = Path(name)
        folder.chmod(0o755)
        servers = {"pg": pg, "maria": maria}
        for table, where in SPLIT.items():
            if where == "duck":
                placing.in_duckdb(single, table, folder / "reference.duckdb")
            else:
                load_table(single, table, folder, where, servers[where])
        queries = tpch.queries(single)
        dag = project(folder, servers, queries)
        dag.dvt("parse").ok()
        print("tables are in their databases", flush=True)
        meter = Meter([pg, maria])
        memory = run(dag, arguments.threads)
        ours, figures = meter.read()
        print(f"dvt  {figures}   peak {memory // 1024} MB, must ≤ 512", flush=True)
        report(dag, queries, single)
        meter = Meter([pg, maria])
        raw(folder, servers, queries)
        theirs, figures = meter.read()
        print(f"raw  {figures}", flush=True)
        print(f"ratio {ours / theirs:.2f}   must ≤ 0.75, goal 0.5", flush=True)


if __name__ == "__main__":
    main()
