"""Begins runs in the project's `.dvt` folder: the run's record, its bucket, and what dead runs left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dvt.core.ports.staging import Bucket
    from dvt.core.reports import Notice
    from dvt.federation.leftovers import Leftovers
    from dvt.runs.operations import Operation
    from dvt.staging.shared import Staging

BUCKET: Mapping[str, Any] = {"type": "filesystem", "path": ".dvt/staging"}
"""The type and the settings of the bucket in which runs stage their data by default."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has begun: its record is written, its bucket is open."""

    bucket: Bucket
    operation: Operation
    staging: Staging
    leftovers: Leftovers

    def abandon(self) -> None:
        """End a run that could not start: delete everything of it, or leave it on record for the next run."""
        from dvt.core.errors import DvtError

        with suppress(DvtError):
            self.bucket.delete(self.operation.run)
            self.operation.is_done_with(self.bucket.address)
        self.operation.close()


def begin_run(
    project_dir: Path,
    notice: Callable[[Notice], None],
    *,
    bucket: Mapping[str, Any],
    keep_staging: bool,
    spill: Sequence[Path],
) -> Run:
    """Begin a run, and find what dead runs left.

    `spill` are the folders outside of `.dvt` that the run may write to: its record lists them.
    """
    from dvt.drivers.disk import own_folder
    from dvt.drivers.duckdb.staging import CONSUMER
    from dvt.federation.leftovers import Leftovers
    from dvt.runs import operations
    from dvt.staging.local_copies import LocalCopies
    from dvt.staging.shared import Staging

    folder = own_folder(project_dir / ".dvt")
    opened = open_bucket(project_dir, bucket)
    leftovers = Leftovers(list(operations.dead(folder / "operations")), [opened], notice)
    operation = operations.begin(folder / "operations", buckets=[opened.address], spill=spill)
    if CONSUMER not in opened.consumers:
        opened = LocalCopies(opened, CONSUMER, operation.scratch / "staging")
    staging = Staging(opened, operation.run, keep=keep_staging)
    return Run(opened, operation, staging, leftovers)


def open_bucket(project_dir: Path, settings: Mapping[str, Any]) -> Bucket:
    """Open the bucket in which a project's runs stage their data; `settings` has its type and other keys."""
    from dvt.buckets import BUCKETS
    from dvt.core.ports.staging import BucketContext

    context = BucketContext(project_dir=project_dir)
    bucket: Bucket = BUCKETS.load(settings["type"])("staging", settings, context)
    return bucket
