"""`make demo`: the shop of examples/shop, from nothing to a table, with dvt's own output.

Everything it does can be typed by hand in examples/shop; each command is printed before it runs.
Given a folder, it works in that copy of the shop instead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

SHOP = Path(__file__).parent.parent / "examples" / "shop"
BIN = Path(sys.executable).parent
COLOURS = sys.stdout.isatty() and "NO_COLOR" not in os.environ

RESULT = "select * from {{ ref('sales_by_country') }} order by revenue desc"

STEPS = (
    (
        "Customers in SQLite, orders in a DuckDB file, 1.2 million page views in Parquet files.",
        "python generate.py",
    ),
    (
        "One build: seeds, native and federated models, a snapshot and the tests, in the DAG's order.",
        "dvt build",
    ),
    (
        "The plan of a model over two databases: which query goes where, and why. `explain` runs nothing.",
        "dvt explain --select customer_value",
    ),
    (
        "The page views of January: 100,000 more, in one more file.",
        "python generate.py --next-month",
    ),
    (
        "The incremental model reads only new page views, and everything downstream is built.",
        "dvt build --select activity+",
    ),
    (
        "The resulting table.",
        f'dvt show --quiet --limit 10 --inline "{RESULT}"',
    ),
)


def main(shop: Path) -> int:
    """Build the shop anew."""
    for leftover in ("data", "target", ".dvt", "logs"):
        shutil.rmtree(shop / leftover, ignore_errors=True)
    return run_steps(STEPS, shop)


def run_steps(steps: Sequence[tuple[str, str]], folder: Path) -> int:
    """Run commands in a folder; the first that fails ends the demo with its exit code."""
    started = time.monotonic()
    environment = {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
        "DBT_USE_COLORS": str(COLOURS),
    }
    for title, command in steps:
        print(f"\n{_bold('# ' + title)}\n{_bold('$ ' + command)}", flush=True)
        process = subprocess.run(command, shell=True, cwd=folder, env=environment, check=False)
        if process.returncode:
            print(f"\n{command} failed with exit code {process.returncode}", file=sys.stderr)
            return process.returncode
    took = time.monotonic() - started
    where = f"examples/{folder.name}" if folder.parent == SHOP.parent else folder
    print(f"\n{_bold(f'That took {took:.0f} s. The project is in {where}.')}")
    return 0


def _bold(text: str) -> str:
    return f"\033[1m{text}\033[0m" if COLOURS else text


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else SHOP))
