"""Opens buckets from their entries in buckets.yml, when the first dataset goes there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dvt.config.buckets import BucketEntry, Buckets
    from dvt.core.keeping import Keeping
    from dvt.core.ports.bridge import RunContext
    from dvt.core.ports.staging import Bucket
    from dvt.federation.forecast import Forecast
    from dvt.federation.resuming import ResumableConnections
    from dvt.runs.operations import Operation
    from dvt.staging.shared import Staging


def staging_opener(context: RunContext, buckets: Buckets, operation: Operation) -> Callable[[str], Staging]:
    """Return a function that opens a bucket, given its name, for what the run stages there."""
    from dvt.drivers.duckdb.staging import CONSUMER
    from dvt.staging import ownership
    from dvt.staging.local_copies import LocalCopies
    from dvt.staging.paths import escaped
    from dvt.staging.shared import Staging

    folder = project_folder(buckets, context.project)

    def open_staging(name: str) -> Staging:
        entry = buckets.get(name).checked()
        for notice in entry.notices:
            context.reporter.notice("", notice)
        bucket = open_bucket(entry, context.project_dir)
        if entry.is_shared:
            bucket = ownership.claim(bucket, folder, context.project)
        operation.will_stage_in(bucket.address)
        if CONSUMER not in bucket.consumers:
            bucket = LocalCopies(bucket, CONSUMER, operation.scratch / "staging" / escaped(entry.name))
        return Staging(
            bucket,
            operation.run,
            keep=context.keep_staging,
            keeping=entry.keeping,
            compression=entry.compression,
        )

    return open_staging


def bucket_finder(context: RunContext, buckets: Buckets) -> Callable[[str], tuple[Bucket, Keeping] | None]:
    """Return a function that returns the project's folder at an address in any of the profile's buckets.

    With it comes how long data stays there.
    """
    from dvt.config.buckets import LOCAL, BucketEntry
    from dvt.staging.in_folder import InFolder

    folder = project_folder(buckets, context.project)
    written = [buckets.entries[name] for name in buckets.written]
    # Before there was a buckets.yml, runs have staged in the project's own folder.
    usable = [*(entry for entry in written if not entry.errors), BucketEntry(LOCAL)]

    def bucket_at(address: str) -> tuple[Bucket, Keeping] | None:
        for entry in usable:
            bucket = open_bucket(entry, context.project_dir)
            own = InFolder(bucket, folder) if entry.is_shared else bucket
            if own.address == address:
                return own, entry.keeping
        return None

    return bucket_at


def bucket_namer(context: RunContext, buckets: Buckets) -> Callable[[str], str]:
    """Return a function that returns the name of the bucket in use for what a config says."""
    default = buckets.get(context.bucket).name
    return lambda name: default if context.bucket or not name else buckets.get(name).name


def make_forecast(
    context: RunContext,
    buckets: Buckets,
    name_of: Callable[[str], str],
    resumable: ResumableConnections | None,
) -> Forecast:
    """Return what tells what is in the buckets before a run; it reads each once, and puts nothing there."""
    from functools import cache

    from dvt.core.errors import DvtError
    from dvt.federation.forecast import Forecast, ViewedBucket
    from dvt.staging import ownership
    from dvt.staging.earlier_runs import look_for_committed
    from dvt.staging.in_folder import InFolder

    folder = project_folder(buckets, context.project)

    @cache
    def viewed(name: str, is_read: bool) -> ViewedBucket:
        entry, address = buckets.get(name), ""
        try:
            bucket = open_bucket(entry.checked(), context.project_dir)
            address = InFolder(bucket, folder).address if entry.is_shared else bucket.address
            if not is_read or not entry.keeping.for_later_runs:
                return ViewedBucket(name, address)
            own = ownership.existing(bucket, folder, context.project) if entry.is_shared else bucket
            left = [] if own is None else look_for_committed(own, entry.keeping.resume_within)
            return ViewedBucket(name, address, left)
        except DvtError as error:
            return ViewedBucket(name, address, problem=f"{error.code} {error.message}")

    return Forecast(lambda name, is_read: viewed(name_of(name), is_read), resumable)


def open_bucket(entry: BucketEntry, project_dir: Path) -> Bucket:
    """Open the bucket of an entry: an object is made; most types connect when they are first asked."""
    from dvt.config.buckets import BUCKETS
    from dvt.core.ports.staging import BucketContext

    context = BucketContext(project_dir=project_dir)
    bucket: Bucket = BUCKETS.load(entry.kind)(entry.name, entry.settings, context)
    return bucket


def project_folder(buckets: Buckets, project: str) -> str:
    """Return the name of a project's folder in buckets that are shared."""
    from dvt.staging.paths import escaped

    return escaped(buckets.project_id or project)
