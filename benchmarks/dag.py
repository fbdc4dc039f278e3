"""TPC-H's 22 queries as one `dvt run`, against raw DuckDB that has the same databases attached.

The tables are placed as `_split.py` says. Raw DuckDB runs the same 22 queries in one process. Both write the
answers into a DuckDB file. Prints CPU seconds of servers and tool together, what was moved, and dvt's peak
memory; the answers are compared.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
from benchmarks._measuring import Meter, peak
from benchmarks._split import SCHEMAS, SPLIT, placed
from tests.acceptance import tpch
from tests.acceptance.project import Project

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
    with placed(arguments.scale) as tables:
        servers = list(tables.servers.values())
        queries = tables.queries
        dag = tables.project("warehouse")
        for name, query in queries.items():
            dag.model(name, tpch.as_model(query), dialect="duckdb")
        dag.dvt("parse").ok()
        meter = Meter(servers)
        memory = run(dag, arguments.threads)
        ours, figures = meter.read()
        print(f"dvt  {figures}   peak {memory // 1024} MB, must ≤ 512", flush=True)
        report(dag, queries, tables.single)
        meter = Meter(servers)
        raw(tables.folder, tables.servers, queries)
        theirs, figures = meter.read()
        print(f"raw  {figures}", flush=True)
        print(f"ratio {ours / theirs:.2f}   must ≤ 0.75, goal 0.5", flush=True)


if __name__ == "__main__":
    main()
