"""Wires `dvt clean`: cleans the project's folder in each bucket of the profile, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta

    import click

    from dvt.app.own_folders import OwnFolder
    from dvt.config.buckets import Buckets
    from dvt.core.housekeeping import CleanRequest
    from dvt.staging.housekeeping.clean_report import CleanedBucket


def command() -> click.Command:
    """Make the click command."""
    from dvt.dbt_bridge.commands.clean import make_command
    from dvt.staging.housekeeping.clean_report import as_lines, as_object

    return make_command(clean_buckets, as_lines, as_object)


def clean_buckets(request: CleanRequest) -> Iterator[CleanedBucket]:
    """Clean what is asked for, and yield what was done in each bucket; an error is that of its bucket.

    What is wrong with the request is raised before anything is cleaned.
    """
    from dvt.app.own_folders import own_folders
    from dvt.core.durations import duration

    older_than = duration(request.older_than) if request.older_than is not None else None
    folders = own_folders(request.place, _profiles(request), request.bucket)
    reports = ((folder, _cleaned(request, folder, older_than)) for folder in folders)
    return (report for folder, report in reports if folder.is_named or not report.is_empty)


def _profiles(request: CleanRequest) -> Mapping[str, Buckets]:
    """Return the buckets of the profiles that are asked for."""
    from dvt.config.buckets import load_all_buckets, load_buckets

    place = request.place
    if request.all_profiles:
        return load_all_buckets(place.profile, place.profiles_dir, project_dir=place.project_dir)
    return {place.profile: load_buckets(place.profile, place.profiles_dir, project_dir=place.project_dir)}


def _cleaned(request: CleanRequest, folder: OwnFolder, older_than: timedelta | None) -> CleanedBucket:
    from dataclasses import replace

    from dvt.core.errors import DvtError
    from dvt.runs import operations
    from dvt.staging.housekeeping.clean_report import CleanedBucket
    from dvt.staging.housekeeping.cleaning import clean

    records = request.place.project_dir / ".dvt" / "operations"
    report = CleanedBucket(profile=folder.profile, bucket=folder.name, dry_run=request.dry_run)
    try:
        bucket = folder.open()
        if bucket is None:
            return report
        plan = clean(
            bucket, lambda: operations.known(records), older_than=older_than, dry_run=request.dry_run
        )
        return replace(report, address=bucket.address, plan=plan, error=plan.failure)
    except DvtError as error:
        skipped = bool(folder.entry.errors) and not folder.is_asked_for
        return replace(report, error=error, skipped=skipped)
