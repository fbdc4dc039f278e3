"""Each of TPC-H's 22 queries alone: `compute: auto` against the better of its target and the engine.

The tables are placed as `_split.py` says; the models are PostgreSQL's SQL and are built on PostgreSQL. The
queries of its tables alone are native, without any choice, and left out. Prints CPU seconds of servers
and dvt together, less those of a run that moves nothing; the must is on their totals.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks._measuring import Meter
from benchmarks._split import SPLIT, Placed, placed
from tests.acceptance import tpch
from tests.acceptance.project import Project

MUST = 1.3
"""Seconds of `auto` by those of the better place, in total: the highest ratio."""
PLACES = ("target", "duckdb", "auto")
"""Values of --compute; the last is the one under test."""
PATIENCE = 60.0
"""Wall seconds after which a run is ended, by default; the place counts as one that takes this long."""


@dataclass
class Alone:
    """Runs of single models."""

    project: Project
    servers: Sequence[Any]
    patience: float
    """Wall seconds after which a run is ended."""
    idle: float = 0.0
    """CPU seconds of a run that moves nothing."""
    seconds: dict[tuple[str, str], float | None] = field(default_factory=dict)
    """Query and place → CPU seconds, None where it is refused."""

    def run(self, model: str, place: str) -> float | None:
        """Run a model; return the CPU seconds, None if it cannot be computed there."""
        meter = Meter(self.servers)
        process = self.project.start("run", "--select", model, "--compute", place)
        try:
            out, _ = process.communicate(timeout=self.patience)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGTERM)
            process.communicate()
            return self.patience
        if process.returncode and "DVT123" not in out:
            raise SystemExit(f"{model} on {place}:\n{out}")
        return None if process.returncode else max(0.0, meter.seconds() - self.idle)

    def measure(self, model: str) -> None:
        """Run a model at every place, and print its line."""
        for place in PLACES:
            self.seconds[model, place] = self.run(model, place)
        figures = "   ".join(f"{place} {_shown(self.seconds[model, place])}" for place in PLACES)
        print(f"{model}   {figures}   {self.choice(model)}", flush=True)

    def choice(self, model: str) -> str:
        """Return the place that `auto` takes, and what it expects of both."""
        out = self.project.dvt("explain", "--select", model, "--format", "json", "--quiet").ok().output
        (node,) = json.loads(out[out.index("{") :])["nodes"]
        options = [
            f"{option['place']} {option['cost']:,}" if option.get("cost") else f"{option['place']} -"
            for option in node["choice"]["options"]
        ]
        return f"auto: {node['choice']['place']} ({', '.join(options)})"

    def totals(self) -> tuple[float, float]:
        """Return the seconds of `auto` and of the better place, in total."""
        models = sorted({model for model, _ in self.seconds})
        better = [
            min(seconds for place in PLACES[:-1] if (seconds := self.seconds[model, place]) is not None)
            for model in models
        ]
        return sum(self.seconds[model, PLACES[-1]] or 0.0 for model in models), sum(better)


def _shown(seconds: float | None) -> str:
    return "     -  " if seconds is None else f"{seconds:6.2f} s"


def reads_elsewhere(query: str) -> bool:
    """True if a query reads a table that is not on PostgreSQL."""
    words = re.findall(r"\w+", query)
    return any(where != "pg" and table in words for table, where in SPLIT.items())


def models(tables: Placed) -> tuple[Project, list[str]]:
    """Write the queries that are not native as models, and one that moves nothing; return their names."""
    project = tables.project("pg", tables.folder / "places")
    names = []
    for name, query in tables.queries.items():
        if reads_elsewhere(query):
            project.model(name, tpch.as_model(query), dialect="target")
            names.append(name)
    project.model("idle", "SELECT 1 AS one")
    project.dvt("parse").ok()
    return project, names


def main() -> None:
    """Place the tables, run every query at every place, and print the totals."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scale", type=float, default=1.0)
    options.add_argument("--queries", nargs="*", help="names such as q05; by default all that are not native")
    options.add_argument("--patience", type=float, default=PATIENCE, help="wall seconds of a run at most")
    arguments = options.parse_args()
    with placed(arguments.scale) as tables:
        project, names = models(tables)
        alone = Alone(project, list(tables.servers.values()), arguments.patience)
        alone.idle = statistics.median(alone.run("idle", "auto") or 0.0 for _ in range(3))
        print(f"a run that moves nothing: {alone.idle:.2f} s", flush=True)
        for name in arguments.queries or names:
            alone.measure(name)
        ours, better = alone.totals()
        print(f"auto {ours:.1f} s, the better place {better:.1f} s: ratio {ours / better:.2f}, must ≤ {MUST}")


if __name__ == "__main__":
    main()
