"""`make bench`: every benchmark of this folder in turn, each in a process of its own.

Arguments are names (`python -m benchmarks postgres`); without any, all of them. Figures of one
machine mean little, so each benchmark runs the database's own tool beside dvt and prints the ratio.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(wanted: list[str]) -> int:
    """Run them; 1 when one of them failed."""
    names = sorted(file.stem for file in HERE.glob("*.py") if not file.stem.startswith("_"))
    unknown = [name for name in wanted if name not in names]
    if unknown:
        print(f"no benchmark named {', '.join(unknown)}; known: {', '.join(names)}", file=sys.stderr)
        return 2
    failed = []
    for name in wanted or names:
        print(f"\n## {name}", flush=True)
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=HERE.parent, check=False)
        if done.returncode:
            failed.append(name)
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
