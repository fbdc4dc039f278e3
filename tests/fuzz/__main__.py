"""`python -m tests.fuzz`: any number of random queries; each failing one is shrunk and shown."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.databases import load
from tests.fuzz.expressions import DIALECTS
from tests.fuzz.judging import FuzzWorkspace, Judge
from tests.fuzz.trying import shrink, trial_of

_REASONS = 25
"""Number of reasons of refusals that are shown."""


def main() -> int:
    """Try queries, and print what came of them; return 1 if a query failed."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("-n", type=int, default=2000, help="number of queries, of all dialects")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--dialect", choices=DIALECTS, action="append", help="default: all")
    parser.add_argument("--place", default="", help="place of all of them: target, source, duckdb, spark")
    parser.add_argument("--failures", type=int, default=20, help="show so many failures of a dialect")
    parser.add_argument("--quick", action="store_true", help="do not shrink")
    options = parser.parse_args()
    dialects = options.dialect or list(DIALECTS)
    seeds = range(options.first, options.first + options.n // len(dialects))
    with ExitStack() as stack:
        opened: dict[str, Any] = {}

        def database(name: str) -> Any:
            if name not in opened:
                opened[name] = stack.enter_context(load(name)())
            return opened[name]

        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="dvt-fuzz-"))
        workspace = FuzzWorkspace(Path(folder), database)
        stack.callback(workspace.close)
        failed = [_try(workspace, dialect, seeds, options) for dialect in dialects]
    return 1 if any(failed) else 0


def _try(workspace: FuzzWorkspace, dialect: str, seeds: range, options: argparse.Namespace) -> bool:
    """Try the seeds in one dialect; return whether one fails."""
    verdicts, reasons, started = Counter[str](), Counter[str](), time.monotonic()
    failures = 0
    with Judge(workspace, dialect) as judge:
        for seed in seeds:
            choices, trial = trial_of(judge, dialect, seed, options.place)
            judgement = judge.judge(trial)
            verdicts[f"{trial.compute}: {judgement.verdict}"] += 1
            if not judgement.fails and judgement.reason:
                reasons[f"{judgement.verdict}: {judgement.reason.splitlines()[0][:150]}"] += 1
            failures += judgement.fails
            if judgement.fails and failures <= options.failures:
                if not options.quick:
                    trial, judgement = shrink(judge, dialect, choices, judgement, options.place)
                where = f"{dict(trial.placement)} {trial.pushdown} {trial.compute}"
                sys.stdout.write(
                    f"--- {dialect} {seed} {judgement.verdict} {where}\n{trial.sql}\n  {judgement.reason}\n"
                )
    sys.stdout.write(f"=== {dialect} {dict(verdicts)} in {time.monotonic() - started:.0f} s\n")
    sys.stdout.flush()
    for reason, count in reasons.most_common(_REASONS):
        sys.stdout.write(f"    {count} {reason}\n")
    return failures > 0


sys.exit(main())
