"""Wires a run's own things in the project's `.dvt` folder: its record, its bucket, what dead runs left."""

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
"""Where a project's runs stage their data, unless told another: a type of bucket, and its settings."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has begun: on record, with a place to stage in."""

    bucket: Bucket
    operation: Operation
    staging: Staging
    leftovers: Leftovers

    def abandon(self) -> None:
        """End a run that did not come to work: nothing of it stays, or it is on record for the next run."""
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
    """Begin a run, and take over what dead runs left; `spill`: folders outside that it may write to."""
    from dvt.drivers.disk import own_folder
    from dvt.drivers.duckdb.staging import CONSUMER
    from dvt.federation.leftovers import Leftovers
    from dvt.runs import operations
    from dvt.staging.local_copies import LocalCopies
    from dvt.staging.shared import Staging

    home = own_folder(project_dir / ".dvt")
    opened = open_bucket(project_dir, bucket)
    leftovers = Leftovers(list(operations.dead(home / "operations")), [opened], notice)
    operation = operations.begin(home / "operations", buckets=[opened.address], spill=spill)
    if CONSUMER not in opened.consumers:
        opened = LocalCopies(opened, CONSUMER, operation.scratch / "staging")
    staging = Staging(opened, operation.run, keep=keep_staging)
    return Run(opened, operation, staging, leftovers)


def open_bucket(project_dir: Path, settings: Mapping[str, Any]) -> Bucket:
    """The bucket that a project's runs stage in."""
    from dvt.buckets import BUCKETS
    from dvt.core.ports.staging import BucketContext

    context = BucketContext(project_dir=project_dir)
    bucket: Bucket = BUCKETS.load(settings["type"])("staging", settings, context)
    return bucket
