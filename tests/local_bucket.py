"""A bucket in a folder of the machine, as tests and benchmarks use it."""

from __future__ import annotations

from pathlib import Path

from dvt.buckets.filesystem import FilesystemBucket
from dvt.core.ports.staging import BucketContext, Dataset, Location
from dvt.drivers.duckdb.staging import CONSUMER
from dvt.federation.buckets import RunBuckets
from dvt.staging.parquet import ParquetSink
from dvt.staging.shared import Staging


def local_bucket(folder: Path) -> FilesystemBucket:
    """Make a bucket whose keys are files below `folder`."""
    return FilesystemBucket("staging", {"path": str(folder)}, BucketContext(project_dir=folder.parent))


def local_sink(folder: Path, prefix: str) -> ParquetSink:
    """Make a sink whose parts are files in `folder / prefix`."""
    return ParquetSink(Location(local_bucket(folder), prefix))


def files(dataset: Dataset) -> list[str]:
    """Return the paths of a dataset's files."""
    return [dataset.at.bucket.uri_for(CONSUMER, key) for key in dataset.keys]


def one_bucket(staging: Staging) -> RunBuckets:
    """Return the buckets of a run that stages everything in one."""
    return RunBuckets(lambda _: "", lambda _: staging)
