"""Spark as compute: against DuckDB, against a script of Spark's own JDBC, and on two workers against one.

`script`: TPC-H's Q1 over lineitem in PostgreSQL, its answer back to PostgreSQL, whole commands: dvt with
Spark on this machine against a script that reads and writes with Spark's JDBC over one connection.
`crossover`: Q1 and a join from Parquet files into DuckDB, by DuckDB and by Spark, in rising scales.
`workers`: a query of much work on a standalone cluster of one and of two workers with one core each. On a
machine of two cores the driver and both workers share them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb
from benchmarks.postgres import generated
from tests.acceptance.project import Project
from tests.acceptance.spark_bench import make_bench
from tests.databases.jars import jar
from tests.databases.postgres import PASSWORD, postgres
from tests.stores.spark import spark_cluster

from dvt.core.plan import Load
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT
from dvt.drivers.duckdb import load_extension
from dvt.testing.connectors import Bench

MEMORY = "4g"
"""Memory of Spark's driver, on both sides."""
Q1 = """
select l_returnflag, l_linestatus, sum(l_quantity) as quantity, sum(l_extendedprice) as price,
  sum(l_extendedprice * (1 - l_discount)) as discounted, count(*) as lines
from {lineitem} where l_shipdate <= date '1998-09-02' group by l_returnflag, l_linestatus
"""
JOIN = """
select o_orderpriority, count(*) as lines, sum(l_extendedprice) as price,
  count(distinct o_custkey) as customers
from {lineitem} join {orders} on l_orderkey = o_orderkey group by o_orderpriority
"""
SCRIPT = """
import sys
from pyspark.sql import SparkSession
url, user, password, jar = sys.argv[1:]
spark = (SparkSession.builder.master("local[*]").config("spark.jars", jar)
  .config("spark.driver.memory", "{memory}").config("spark.ui.enabled", "false").getOrCreate())
options = dict(url=url, user=user, password=password, driver="org.postgresql.Driver", fetchsize="10000")
spark.read.format("jdbc").options(dbtable={table!r}, **options).load().createOrReplaceTempView("lineitem")
spark.sql({sql!r}).write.format("jdbc").options(dbtable="script_answer", **options).mode("overwrite").save()
"""


def timed(command: list[str], folder: Path) -> float:
    """Return the seconds of a command."""
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:6])} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return time.perf_counter() - started


def run_model(project: Project, *options: str) -> float:
    """Return the seconds of a whole `dvt run`."""
    command = [sys.executable, "-m", "dvt.cli.main", "run", "--profiles-dir", ".", *options]
    return timed(command, project.root)


def with_spark(folder: Path, outputs: Mapping[str, Any], default: str) -> Project:
    """Make a project with Spark on all cores of this machine."""
    project = Project(folder, outputs, default)
    entry = f"{{type: spark, master: 'local[*]', config: {{spark.driver.memory: {MEMORY}}}}}"
    project.file("computes.yml", f"shop: {{target: duckdb, computes: {{here: {entry}}}}}\n")
    return project


def script(scale: float, folder: Path) -> None:
    """Race dvt on Spark against a script of Spark's own JDBC."""
    with ExitStack() as stack:
        server: Any = stack.enter_context(postgres())
        bench = Bench(server, folder)
        stack.callback(bench.close)
        dataset = generated(bench, scale, folder)
        table = server.table("lineitem")
        bench.loader.fill(Load(stage=table, columns=bench.loader.columns(dataset.columns)), dataset)
        server.execute(f"vacuum analyze {server.quoted(table)}", "checkpoint")
        settings = server.settings(schema=table.schema)
        local = {"type": "duckdb", "path": str(folder / "local.duckdb")}
        project = with_spark(folder / "project", {"pg": settings, "local": local}, "pg")
        project.source("shop", "pg", ["lineitem"], schema=table.schema)
        sql = Q1.format(lineitem="{{ source('shop', 'lineitem') }}")
        project.model("answer", sql, materialized="table", compute="here", dialect="spark")
        ours = run_model(project)
        url = f"jdbc:postgresql://{settings['host']}:{settings['port']}/{settings['dbname']}"
        text = SCRIPT.format(memory=MEMORY, table=server.quoted(table), sql=Q1.format(lineitem="lineitem"))
        file = project.file("script.py", text)
        driver = str(jar("org.postgresql:postgresql:42.7.7"))
        login = [str(settings["user"]), PASSWORD]
        theirs = timed([sys.executable, str(file), url, *login, driver], folder)
        columns = "l_returnflag, l_linestatus, quantity, lines"
        answers = [
            server.execute(f"select {columns} from {name} order by 1, 2")
            for name in (f"{table.schema}.answer", "script_answer")
        ]
        print(f"script: Q1 over {dataset.rows:,} rows of PostgreSQL, {len(answers[0])} rows back")
        print(f"  Spark's own JDBC   {theirs:6.1f} s\n  dvt on Spark       {ours:6.1f} s")
        print(f"  ratio              {theirs / ours:6.2f} times as fast   goal 3")
        print(f"  answers            {'are the same' if answers[0] == answers[1] else 'DIFFER'}", flush=True)


def crossover(scales: list[float], folder: Path) -> None:
    """Race DuckDB against Spark, over the same staged files."""
    print("crossover: seconds of whole commands")
    for scale in scales:
        place = folder / f"sf{scale:g}"
        place.mkdir()
        with duckdb.connect(str(place / "tpch.duckdb")) as db:
            load_extension(db, "tpch")
            db.execute(f"CALL dbgen(sf={scale})")
            for name in ("lineitem", "orders"):
                db.execute(f"COPY {name} TO '{place / name}.parquet' (FORMAT parquet)")
        outputs = {
            "files": {"type": "files", "path": str(place)},
            "local": {"type": "duckdb", "path": str(place / "local.duckdb")},
        }
        project = with_spark(place / "project", outputs, "local")
        project.source("shop", "files", ["lineitem", "orders"])
        tables = {name: f"{{{{ source('shop', '{name}') }}}}" for name in ("lineitem", "orders")}
        for name, sql in (("q1", Q1), ("joined", JOIN)):
            project.model(name, sql.format(**tables), materialized="table", dialect="compute")
            seconds = {
                compute: run_model(project, "--select", name, "--compute", compute)
                for compute in ("duckdb", "here")
            }
            ratio = seconds["here"] / seconds["duckdb"]
            print(
                f"  sf {scale:<5g} {name:<7} DuckDB {seconds['duckdb']:6.1f} s"
                f"   Spark {seconds['here']:6.1f} s   ratio {ratio:5.2f}",
                flush=True,
            )


def workers(rows: int, folder: Path) -> None:
    """Race two workers against one."""
    parts = "(SELECT /*+ REPARTITION(8) */ n FROM t)"
    sql = f"SELECT SUM(HASH(n, id)) AS v FROM {parts} LATERAL VIEW EXPLODE(SEQUENCE(1, 20000)) AS id"
    taken = {}
    for number in (1, 2):
        place = folder / f"workers-{number}"
        place.mkdir()
        with spark_cluster(workers=number) as cluster, make_bench(place, cluster.url) as bench:
            column = StageColumn("v", BIGINT)
            numbers = bench.numbers(rows)
            bench.run("SELECT COUNT(*) AS v FROM t", column, t=numbers)  # starts the workers' processes
            started = time.perf_counter()
            bench.run(sql, column, t=numbers)
            taken[number] = time.perf_counter() - started
    print(f"workers: one {taken[1]:.1f} s, two {taken[2]:.1f} s, ratio {taken[2] / taken[1]:.2f}", flush=True)


def main() -> None:
    """Run the races."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("race", nargs="*", default=["script", "crossover", "workers"])
    options.add_argument("--scale", type=float, default=1.0, help="of `script`")
    options.add_argument("--scales", type=float, nargs="+", default=[0.1, 1.0], help="of `crossover`")
    options.add_argument("--rows", type=int, default=200, help="of `workers`")
    chosen: Any = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="dvt-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for race, run in {
            "script": lambda at: script(chosen.scale, at),
            "crossover": lambda at: crossover(chosen.scales, at),
            "workers": lambda at: workers(chosen.rows, at),
        }.items():
            if race in chosen.race:
                place = folder / race
                place.mkdir()
                place.chmod(0o755)
                run(place)


if __name__ == "__main__":
    main()
