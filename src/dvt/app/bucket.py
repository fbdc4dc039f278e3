"""Wires `dvt bucket copy`: datasets go from the project's folder in one bucket to that in another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

    from dvt.app.own_folders import OwnFolder
    from dvt.core.housekeeping import CopyRequest
    from dvt.core.ports.staging import Bucket
    from dvt.staging.housekeeping.bucket_copy import CopiedDataset


def command() -> click.Command:
    """Make the click command."""
    from dvt.dbt_bridge.commands.bucket import make_command

    return make_command(copy_datasets)


def copy_datasets(request: CopyRequest) -> Iterator[CopiedDataset]:
    """Copy datasets from one bucket of the profile to another, and yield each when it is there."""
    import secrets

    from dvt.app.own_folders import own_folders
    from dvt.config.buckets import load_buckets
    from dvt.core.errors import DatasetUnknown
    from dvt.staging.housekeeping.bucket_copy import DatasetCopier, OpenFolder
    from dvt.staging.leases import Lease

    place = request.place
    buckets = load_buckets(place.profile, place.profiles_dir, project_dir=place.project_dir)
    profiles = {place.profile: buckets}
    (source_folder,) = own_folders(place, profiles, request.source)
    (target_folder,) = own_folders(place, profiles, request.target)
    source = source_folder.open()
    if source is None:
        raise DatasetUnknown(", ".join(request.datasets), request.source, ())
    target = _claimed(target_folder)
    run = f"copy-{secrets.token_hex(4)}"
    with ExitStack() as stack:
        reading = stack.enter_context(Lease(source, f"{run}-from"))
        writing = stack.enter_context(Lease(target, f"{run}-to"))
        copier = DatasetCopier(
            OpenFolder(request.source, source, reading), OpenFolder(request.target, target, writing)
        )
        yield from copier.copy(request.datasets)


def _claimed(folder: OwnFolder) -> Bucket:
    """Return the project's folder in a bucket that is staged in, as a run does."""
    from dvt.drivers.disk import own_folder
    from dvt.staging import ownership

    bucket = folder.bucket()
    folder.open()  # no link is on the way, and the folder is not another project's
    if folder.folder:
        return ownership.claim(bucket, folder.folder, folder.place.project)
    own_folder(folder.place.project_dir / ".dvt")
    return bucket
