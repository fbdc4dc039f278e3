"""A process that streams a large object into a bucket and back; `measure_stream` starts it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast


class Measured(NamedTuple):
    """Whether it came back as it was, and the process's peak memory."""

    is_same: bool
    megabytes: int


def measure_stream(kind: str, settings: Mapping[str, Any], megabytes: int) -> Measured:
    """Stream an object of this size into a new bucket of a type, and back."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.stores.measure", kind, json.dumps(settings), str(megabytes)],
        capture_output=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr.decode()
    return Measured(*json.loads(done.stdout))


def main(kind: str, settings: str, megabytes: str) -> None:
    from dvt.buckets import BUCKETS
    from dvt.core.ports.staging import BucketContext
    from dvt.testing.suites.buckets import _Stream
    from tests.conformance.measure import peak_memory

    bucket = BUCKETS.load(kind)("lake", json.loads(settings), BucketContext(project_dir=Path.cwd()))
    stream, digest = _Stream(int(megabytes) * 2**20), hashlib.sha256()
    bucket.put("run/large", cast(BinaryIO, stream))
    with bucket.get("run/large") as data:
        while piece := data.read(2**20):
            digest.update(piece)
    sys.stdout.write(json.dumps([digest.digest() == stream.digest.digest(), peak_memory()]))


if __name__ == "__main__":
    main(*sys.argv[1:])
