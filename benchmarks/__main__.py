"""`make bench`: every benchmark of this folder in turn, each in a process of its own.

Arguments are names (`python -m benchmarks postgres`); without any, all of them. Figures of one
machine mean little, so each benchmark runs the database's own tool beside dvt and prints the ratio.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def main(arguments: list[str]) -> int:
    """Run the benchmarks that are named, or all; return 1 when one of them failed."""
    names = sorted(file.stem for file in FOLDER.glob("*.py") if not file.stem.startswith("_"))
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Run benchmarks, each in a process of its own; without names, all of them.",
        epilog="Options of a benchmark: python -m benchmarks.NAME --help",
    )
    parser.add_argument("name", nargs="*", help=", ".join(names))
    chosen = parser.parse_args(arguments).name
    if unknown := [name for name in chosen if name not in names]:
        parser.error(f"no benchmark named {', '.join(unknown)}; known: {', '.join(names)}")
    failed = []
    for name in chosen or names:
        print(f"\n## {name}", flush=True)
        process = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=FOLDER.parent, check=False)
        if process.returncode:
            failed.append(name)
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
