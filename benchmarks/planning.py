"""What it costs to plan each of TPC-H's 22 queries as a model whose place dvt chooses (`compute: auto`).

The tables are placed as `_split.py` says, and described already. Measured is the CPU time of one thread for
all that planning takes: reading the SQL, the copies for the target, what is not proven, and the plan for the
engine, with what DuckDB tells of types. What databases answer (catalogs, EXPLAIN) is left out. The must is on
the median of the models, each at the best of several tries.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Mapping
from itertools import pairwise

from benchmarks._split import SPLIT
from tests.acceptance import tpch
from tests.acceptance.oracle import Oracle

from dvt.core.requests import NodeRequest
from dvt.core.tables import Table
from dvt.federation.plan import PlanContext, Planner, parse_model

MUST = 20.0
"""Milliseconds for a model, at the median: the highest."""
TRIES = 8
"""Number of times that each model is planned."""
PARTS = ("read", "copies", "unproven", "engine")
"""What is timed; the analysis that all share counts to the copies, which are planned first."""
DIALECTS = {"pg": "postgres", "maria": "mysql", "duck": "duckdb"}
"""Output → its dialect."""
_SOURCE = re.compile(r"\{\{ source\('\w+', '(\w+)'\) \}\}")


def planned(request: NodeRequest, tables: Mapping[str, Table], context: PlanContext) -> list[float]:
    """Plan a model for every place; return the milliseconds of each part."""
    times = [time.thread_time()]
    parsed = parse_model(request)
    times.append(time.thread_time())
    described = {key: tables[read.table.identifier] for key, read in parsed.inputs.items()}
    planner = Planner(parsed, described, context)
    planner.copies()
    times.append(time.thread_time())
    is_unproven = bool(planner.unproven())
    times.append(time.thread_time())
    if not is_unproven:
        planner.plan()
    times.append(time.thread_time())
    return [1000 * (after - before) for before, after in pairwise(times)]


def measure(dialect: str, queries: Mapping[str, str], oracle: Oracle) -> None:
    """Plan all models, written in the dialect of their target, and print the medians."""
    oracle.dialects = DIALECTS | {"target": dialect}
    tables, context = {name: oracle.table(name) for name in oracle.names()}, oracle.context()
    best = []
    for query in queries.values():
        text = _SOURCE.sub(r"{\1}", tpch.as_model(query))
        request = oracle.request(text, dialect=dialect)
        best.append(min((planned(request, tables, context) for _ in range(TRIES)), key=sum))
    parts = ", ".join(
        f"{part} {statistics.median(times):.1f}"
        for part, times in zip(PARTS, zip(*best, strict=True), strict=True)
    )
    median = statistics.median(map(sum, best))
    print(f"{dialect} on {dialect}: {median:.1f} ms, must ≤ {MUST:.0f} ({parts})", flush=True)


def main() -> None:
    """Plan the models for targets of two kinds."""
    with tpch.generate(0.001) as single:
        oracle = Oracle(single, connections=dict(SPLIT))
        for dialect in ("duckdb", "postgres"):
            measure(dialect, tpch.queries(single), oracle)


if __name__ == "__main__":
    main()
