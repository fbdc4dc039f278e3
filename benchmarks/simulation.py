"""What a simulation costs: of items alone, of groups, with a largest size, and of a long record.

Items are made as they are asked for, so that what is measured is the simulation, without finding. Each case
runs in a process of its own, whose peak of memory is told beside that of an empty simulation.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator

from dvt.core.moments import DAY
from dvt.core.past import Deleted
from dvt.core.retention import Item, Policy, Result, Rule, Status
from dvt.lifecycle.simulate import Evidence, Steps, simulate

_NOW = 20_000 * DAY
_CASES = {
    "alone": Rule(days=30),
    "groups": Rule(days=30, min_keep=1, keep_last=5, keep_daily=7),
    "limited": Rule(days=60, max_total_bytes=20_000_000_000),
    "record": Rule(days=45, keep_last=5),
}


def items(case: str, number: int) -> Iterator[Item]:
    """Yield items of the last 180 days, of one group in a thousand items."""
    chance = random.Random(1)
    for at in range(number):
        moment = _NOW - chance.randrange(180 * DAY)
        yield Item(
            data_type="x",
            key=f"/exports/job_{at // 1000:04}/part-{at % 1000:05}.log",
            identity=f"{at}",
            group="" if case == "alone" else f"job_{at // 1000}",
            bytes=100_000,
            status=Status.COMPLETED if at % 10 else Status.FAILED,
            recorded=moment,
            modified=moment,
            changed=moment,
        )


def measure(case: str, number: int, days: int) -> None:
    """Simulate, and print seconds and MB."""
    begin = time.monotonic()
    past: Iterator[Deleted] = iter(())
    found = items(case, number)
    if case == "record":
        past = (Deleted(of, min(_NOW, (of.modified or 0) + 30 * DAY), Result.DELETED) for of in found)
        found = iter(())
    evidence = Evidence(data_type="x", changes=past, items=found, looks=(), pins=())
    result = simulate(evidence, [Policy(data_type="x", rule=_CASES[case])], Steps(_NOW, days))[0]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(
        f"{case:8} {number:>10,} items  {days:>5} days  {len(result.steps):>4} steps  "
        f"{time.monotonic() - begin:6.1f} s  {peak:6.0f} MB  {result.end.simulated.items:,} left",
        flush=True,
    )


def main() -> None:
    """Measure each case, or the one that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", choices=_CASES)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=90)
    asked = parser.parse_args()
    if asked.case:
        measure(asked.case, asked.items, asked.days)
        return
    for case in _CASES:
        for number in (asked.items // 10, asked.items):
            command = [sys.executable, "-m", "benchmarks.simulation", "--case", case]
            subprocess.run([*command, "--items", str(number), "--days", str(asked.days)], check=True)


if __name__ == "__main__":
    main()
