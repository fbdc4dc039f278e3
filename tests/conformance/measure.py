"""A process of its own that extracts or fills once, and says how much memory it took: see `measured`."""

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
from dvt.core.ports.connectors import ConnectorContext, Job
from dvt.core.ports.staging import Dataset
from dvt.core.queries import SourceQuery
from dvt.drivers.duckdb import MemoryInstance
from tests.local_bucket import local_sink


class Measured(NamedTuple):
    """What a process moved, and what it took."""

    rows: int
    bytes: int
    megabytes: int
    seconds: float


def measured(database: Any, folder: Path, what: SourceQuery | tuple[Load, Dataset]) -> Measured:
    """An extraction or a load in a process of its own."""
    order = pickle.dumps((database.name, database.settings(), str(folder), what))
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-m", "tests.conformance.measure"],
        input=order,
        capture_output=True,
        cwd=root,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return Measured(*json.loads(done.stdout))


def main() -> None:
    name, settings, folder, what = pickle.load(sys.stdin.buffer)
    context = ConnectorContext(
        duckdb=MemoryInstance(threads=2, memory_limit="1GiB"),
        project_dir=Path(folder),
        scratch=Path(folder, "scratch"),
        limit=4,
    )
    connector = CONNECTORS.load(settings["type"])(name, settings, context)
    moved = []
    start = time.perf_counter()
    if isinstance(what, SourceQuery):
        Path(folder).mkdir(parents=True, exist_ok=True)
        sink = local_sink(Path(tempfile.mkdtemp(prefix="measured-", dir=folder)), "measured")
        with connector.snapshot() as snapshot:
            snapshot.extract(
                [Job(what, sink)], lambda _, dataset: moved.append((dataset.rows, dataset.bytes))
            )
    else:
        moved.append((connector.fill(*what), what[1].bytes))
    spent = time.perf_counter() - start
    connector.close()
    sys.stdout.write(json.dumps([*moved[0], peak_memory(), spent]))


def peak_memory() -> int:
    """Megabytes. Not `ru_maxrss` where there is better: it starts with what the parent process had."""
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        return int(found.group(1)) // 1024 if found else 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
