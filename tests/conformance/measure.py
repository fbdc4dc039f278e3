"""A process that extracts or fills once and reports its peak memory; `measure` starts it."""

from __future__ import annotations

import json
import pickle
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from dvt.connectors import CONNECTORS
from dvt.core.plan import Load
from dvt.core.ports.connectors import CONNECTIONS, ConnectorContext, Job
from dvt.core.ports.staging import Dataset
from dvt.core.queries import SourceQuery
from dvt.drivers.duckdb import MemoryInstance
from tests.local_bucket import local_sink


class Measurement(NamedTuple):
    """What a process moved, and the memory and time that it took."""

    rows: int
    bytes: int
    megabytes: int
    """Peak memory of the process."""
    seconds: float


def measure(
    database: Any,
    folder: Path,
    work: SourceQuery | tuple[Load, Dataset],
    *,
    limit: int = CONNECTIONS,
    **settings: Any,
) -> Measurement:
    """Measure an extraction or a load in a process of its own, over at most `limit` connections."""
    task = pickle.dumps((database.name, database.settings(**settings), str(folder), work, limit))
    root = str(Path(__file__).parents[2])
    completed = subprocess.run(
        [sys.executable, "-m", "tests.conformance.measure"],
        input=task,
        capture_output=True,
        cwd=root,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr.decode()
    return Measurement(*json.loads(completed.stdout))


def main() -> None:
    name, settings, folder, work, limit = pickle.load(sys.stdin.buffer)
    context = ConnectorContext(
        duckdb=MemoryInstance(threads=2, memory_limit="1GiB"),
        project_dir=Path(folder),
        scratch=Path(folder, "scratch"),
        limit=limit,
    )
    connector = CONNECTORS.load(settings["type"])(name, settings, context)
    moved = []
    start = time.perf_counter()
    if isinstance(work, SourceQuery):
        connector.describe(work.tables)
        sink = local_sink(Path(tempfile.mkdtemp(prefix="measured-", dir=folder)), "measured")
        with connector.snapshot() as snapshot:
            snapshot.extract(
                [Job(work, sink)], lambda _, dataset: moved.append((dataset.rows, dataset.bytes))
            )
    else:
        moved.append((connector.fill(*work), work[1].bytes))
    seconds = time.perf_counter() - start
    connector.close()
    sys.stdout.write(json.dumps([*moved[0], peak_memory(), seconds]))


def peak_memory() -> int:
    """Return the process's peak memory in megabytes.

    `ru_maxrss` is only the fallback: it begins at the parent process's memory.
    """
    status = Path("/proc/self/status")
    if status.exists():
        match = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        return int(match.group(1)) // 1024 if match else 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
