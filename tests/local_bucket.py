"""A bucket in a folder of the machine, as tests and benchmarks use it."""

from __future__ import annotations

from pathlib import Path

from dvt.buckets.filesystem import FilesystemBucket
from dvt.core.ports.staging import BucketContext


def local_bucket(folder: Path) -> FilesystemBucket:
    """A bucket whose keys are files below `folder`."""
    return FilesystemBucket("staging", {"path": str(folder)}, BucketContext(project_dir=folder.parent))
