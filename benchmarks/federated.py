"""TPC-H Q1, Q3, Q5 and Q9 federated end to end, tables split over PostgreSQL, MariaDB, SQLite and DuckDB.

Each is one `dvt run` of one model into a DuckDB warehouse. Prints what the model moved, seconds of the
whole command and of the model alone, and beside them the single engine: the same query in one DuckDB that
already holds all tables, which is the time that remains when no data has to move. Answers are compared.

Last, the whole of lineitem as a model on PostgreSQL, stage by stage: publishing is a rename, whatever the
number of rows.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import duckdb
from benchmarks._measuring import peak
from benchmarks._split import load_table
from tests.acceptance import placing, tpch
from tests.acceptance.project import Project
from tests.databases.mariadb import mariadb
from tests.databases.postgres import postgres

QUERIES = ("q01", "q03", "q05", "q09")
SPLIT = tpch.SPLITS["by subject"]


def place(single: duckdb.DuckDBPyConnection, folder: Path, servers: dict[str, Any]) -> None:
    """Put each table in the database that SPLIT names, by that database's own bulk load."""
    for table, where in SPLIT.items():
        if where == "sqlite":
            placing.on_sqlite(single, table, folder / "crm.sqlite")
        elif where == "duck":
            placing.in_duckdb(single, table, folder / "reference.duckdb")
        else:
            load_table(single, table, folder, where, servers[where])


def project(folder: Path, servers: dict[str, Any], single: duckdb.DuckDBPyConnection) -> Project:
    """Write a project with the queries as models."""
    outputs = {
        "pg": servers["pg"].settings(),
        "maria": servers["maria"].settings(),
        "sqlite": {"type": "sqlite", "path": str(folder / "crm.sqlite")},
        "duck": {"type": "duckdb", "path": str(folder / "reference.duckdb")},
        "warehouse": {"type": "duckdb", "path": str(folder / "warehouse.duckdb")},
        "answers": servers["pg"].settings(schema="answers"),
    }
    config = {"models": {"shop": {"+materialized": "table"}}}
    bench_project = Project(folder, outputs, default="warehouse", config=config)
    schemas = {"pg": "shop", "maria": "shop", "sqlite": "main", "duck": "main"}
    for table, where in SPLIT.items():
        bench_project.source(f"tpch_{table}", where, [table], schema=schemas[where])
    queries = tpch.queries(single)
    for name in QUERIES:
        bench_project.model(name, tpch.as_model(queries[name]), dialect="duckdb")
    bench_project.model("copied", tpch.as_model("SELECT * FROM lineitem"), target="answers")
    return bench_project


def measure(bench_project: Project, name: str, single: duckdb.DuckDBPyConnection) -> None:
    """Run one model, compare its answer and print its figures."""
    query = tpch.queries(single)[name]
    started = time.perf_counter()
    expected = single.sql(query).fetchall()
    alone = time.perf_counter() - started
    started = time.perf_counter()
    process = bench_project.start("run", "--select", name, env={"TZ": os.environ.get("TZ", "UTC")})
    peaks: list[int] = []
    watcher = threading.Thread(target=peak, args=(process, peaks))
    watcher.start()
    out, _ = process.communicate()
    whole = time.perf_counter() - started
    watcher.join()
    if process.returncode:
        raise SystemExit(out)
    with duckdb.connect(str(bench_project.root / "warehouse.duckdb"), read_only=True) as warehouse:
        tpch.assert_same(warehouse.sql(f"FROM {name}").fetchall(), expected, name)
    (result,) = json.loads((bench_project.root / "target" / "run_results.json").read_text())["results"]
    moved = out.rsplit("Moved between databases: ", 1)[-1].strip().splitlines()[0]
    print(
        f"{name}   command {whole:6.2f} s   model {result['execution_time']:6.2f} s   "
        f"single engine {alone:5.2f} s   peak {max(peaks) // 1024} MB   {moved}",
        flush=True,
    )


def copy(bench_project: Project) -> None:
    """Copy lineitem from one PostgreSQL output to another and print the seconds of each stage."""
    bench_project.dvt("run", "--select", "copied").ok()
    (result,) = json.loads((bench_project.root / "target" / "run_results.json").read_text())["results"]
    stages = "   ".join(
        f"{stage['what']} {stage['seconds']:.2f} s" for stage in result["adapter_response"]["dvt"]
    )
    print(f"copied {result['adapter_response']['rows_affected']:,} rows to PostgreSQL   {stages}", flush=True)


def main() -> None:
    """Measure every query in turn, then the copy."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scale", type=float, default=1.0)
    scale = options.parse_args().scale
    with (
        tempfile.TemporaryDirectory(prefix="dvt-bench-") as name,
        postgres() as pg,
        mariadb("--innodb-buffer-pool-size=1G") as maria,
        tpch.generate(scale) as single,
    ):
        folder = Path(name)
        folder.chmod(0o755)
        servers = {"pg": pg, "maria": maria}
        place(single, folder, servers)
        bench_project = project(folder, servers, single)
        bench_project.dvt("parse").ok()
        for query in QUERIES:
            measure(bench_project, query, single)
        copy(bench_project)


if __name__ == "__main__":
    main()
