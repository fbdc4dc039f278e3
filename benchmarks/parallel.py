"""One large table over four connections against one, in one state: PostgreSQL by pages, MariaDB by key.

TPC-H's lineitem, all columns, to Parquet; each side is a process of its own, in turn, with warm caches.
Servers and dvt share the machine's cores, so that the ratio says what is left of those, and not what a
server of its own gives.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.mariadb import fill
from benchmarks.postgres import generated
from tests.conformance.measure import Measurement, measure
from tests.databases.mariadb import mariadb
from tests.databases.postgres import postgres

from dvt.core.extraction import Extraction
from dvt.core.plan import Load
from dvt.core.queries import SourceQuery
from dvt.testing.connectors import Bench

CONNECTIONS = 4
"""Connections of the parallel side."""
_LIMIT = CONNECTIONS + 1
"""Connections of the output: one holds the snapshot, or the lock."""


def race(title: str, server: Any, folder: Path, query: SourceQuery, pairs: int, **settings: Any) -> None:
    """Read by one connection and by four in turn; print medians and their ratio."""

    def read(parallel: int) -> Measurement:
        asked = replace(query, extraction=Extraction(max_parallel=parallel))
        return measure(server, folder, asked, limit=_LIMIT, **settings)

    read(1)
    pairs_of = [(read(1), read(CONNECTIONS)) for _ in range(pairs)]
    if len({side.rows for pair in pairs_of for side in pair}) != 1:
        raise SystemExit(f"{title}: the two sides have other numbers of rows")
    single, parallel = zip(*pairs_of, strict=True)
    ratio = statistics.median(four.seconds / one.seconds for one, four in pairs_of)
    print(f"{title}: lineitem, {single[0].rows:,} rows")
    print(f"  one connection     {statistics.median(side.seconds for side in single):6.2f} s")
    print(f"  four connections   {statistics.median(side.seconds for side in parallel):6.2f} s")
    print(f"  ratio              {ratio:6.2f}")
    print(f"  peak memory        {max(side.megabytes for side in parallel):6} MB", flush=True)


def main() -> None:
    """Run both races."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scale", type=float, default=1.0)
    options.add_argument("--pairs", type=int, default=3)
    chosen: Any = options.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dvt-bench-")))
        folder.chmod(0o755)
        server: Any = stack.enter_context(postgres())
        bench = Bench(server, folder)
        stack.callback(bench.close)
        dataset = generated(bench, chosen.scale, folder)
        table = server.table("lineitem")
        bench.loader.fill(Load(stage=table, columns=bench.loader.columns(dataset.columns)), dataset)
        server.execute(f"vacuum analyze {server.quoted(table)}", "checkpoint")
        race("PostgreSQL", server, folder, bench.extraction(bench.describe(table)), chosen.pairs)
        server = stack.enter_context(mariadb())
        (folder / "tpch.duckdb").unlink()
        fill(server, chosen.scale, folder)
        bench = Bench(server, folder)
        stack.callback(bench.close)
        query = bench.extraction(bench.describe(server.table("lineitem")))
        race("MariaDB, under a lock", server, folder, query, chosen.pairs, consistent_reads="lock")


if __name__ == "__main__":
    main()
