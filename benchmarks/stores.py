"""TPC-H's 22 queries as one `dvt run` that stages in MinIO, against the same run that stages on local disk.

The tables are placed as `_split.py` says; the server of the store is on this machine, too. The runs take
turns, after a run that warms the caches. Prints wall seconds, CPU seconds of dvt and of all servers, and peak
memory of dvt; the answers are compared.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any, NamedTuple

import duckdb
import yaml
from benchmarks._measuring import Meter, cpu, peak
from benchmarks._split import Placed, placed
from tests.acceptance import tpch
from tests.acceptance.project import Project
from tests.stores.minio import minio

BUCKETS = ("local", "lake")
MUST = 1.2
"""Highest ratio of wall seconds, and of CPU seconds without those of the store's server."""


class Figures(NamedTuple):
    """What one run took."""

    wall: float
    cpu: float
    """CPU seconds of dvt and the databases."""
    store: float
    """CPU seconds of the store's server."""
    peak: int
    """Kilobytes."""


def run(dag: Project, bucket: str, databases: list[Any], store: Any) -> Figures:
    """Run all models with their staged data in one bucket."""
    meter = Meter([*databases, store])
    before, started = cpu(store.process.pid), time.perf_counter()
    process = dag.start("run", "--threads", "2", "--bucket", bucket, env={"TZ": "UTC"})
    peaks: list[int] = []
    watcher = threading.Thread(target=peak, args=(process, peaks))
    watcher.start()
    out, _ = process.communicate()
    watcher.join()
    if process.returncode:
        raise SystemExit(out)
    wall = time.perf_counter() - started
    of_store = cpu(store.process.pid) - before
    return Figures(wall, meter.seconds() - of_store, of_store, max(peaks))


def check(dag: Project, queries: Mapping[str, str], single: duckdb.DuckDBPyConnection) -> None:
    """Compare the answers with those of one engine."""
    with closing(duckdb.connect(str(dag.root / "warehouse.duckdb"), read_only=True)) as warehouse:
        for name, query in queries.items():
            tpch.assert_same(warehouse.sql(f"FROM {name}").fetchall(), single.sql(query).fetchall(), name)


def project(tables: Placed, store: Any) -> Project:
    """Write a project with the queries as models, and its two buckets."""
    dag = tables.project("warehouse")
    for name, query in tables.queries.items():
        dag.model(name, tpch.as_model(query), dialect="duckdb")
    lake = {"type": "s3", **store.settings(store.new_bucket())}
    buckets = {"shop": {"target": "local", "buckets": {"local": {"type": "filesystem"}, "lake": lake}}}
    (dag.root / "buckets.yml").write_text(yaml.safe_dump(buckets))
    dag.dvt("parse").ok()
    return dag


def main() -> None:
    """Place the tables, run in turns, print the ratio of the medians."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scale", type=float, default=1.0)
    options.add_argument("--turns", type=int, default=3)
    arguments = options.parse_args()
    with placed(arguments.scale) as tables, minio() as store:
        databases = list(tables.servers.values())
        dag = project(tables, store)
        run(dag, "local", databases, store)
        taken: dict[str, list[Figures]] = {bucket: [] for bucket in BUCKETS}
        for _ in range(arguments.turns):
            for bucket in BUCKETS:
                figures = run(dag, bucket, databases, store)
                check(dag, tables.queries, tables.single)
                taken[bucket].append(figures)
                print(
                    f"{bucket:6} wall {figures.wall:6.1f} s   CPU {figures.cpu:6.1f} s, "
                    f"the store's {figures.store:5.1f} s   peak {figures.peak // 1024} MB",
                    flush=True,
                )
        for what in ("wall", "cpu"):
            ours, local = (
                statistics.median(getattr(figures, what) for figures in taken[bucket])
                for bucket in ("lake", "local")
            )
            print(f"ratio of {what} {ours / local:.2f}   must ≤ {MUST}", flush=True)


if __name__ == "__main__":
    main()
