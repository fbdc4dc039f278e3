"""Wires `dvt debug`: tests outputs and buckets of the profile, and its files, after dbt's own tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

    from dvt.app.own_folders import OwnFolder
    from dvt.core.housekeeping import ProjectPlace, WantedOutputs
    from dvt.staging.housekeeping.diagnosis import BucketDiagnosis, Diagnosis
    from dvt.staging.housekeeping.health import Check, Health


def command() -> click.Command:
    """Make the click command."""
    from dvt.dbt_bridge.commands.debug import make_command
    from dvt.staging.housekeeping.diagnosis import as_lines, as_object

    return make_command(diagnose, as_lines, as_object)


def diagnose(place: ProjectPlace, wanted: WantedOutputs) -> Diagnosis:
    """Test outputs, buckets and the computes of a profile; what is wrong is in the answer."""
    from dvt.app.debug_outputs import diagnose_outputs
    from dvt.app.own_folders import own_folders
    from dvt.config.buckets import NO_FILE, find_file, load_buckets
    from dvt.core.errors import DvtError
    from dvt.staging.housekeeping.diagnosis import Diagnosis
    from dvt.staging.housekeeping.health import Check, Status, failed_check

    file = find_file(place.profiles_dir)
    found = Check("buckets.yml", Status.OK, str(file))
    if file is None:
        found = Check("buckets.yml", Status.SKIP, "there is none, so data is staged in .dvt/staging")
    buckets = NO_FILE
    try:
        buckets = load_buckets(place.profile, place.profiles_dir, project_dir=place.project_dir)
    except DvtError as error:
        found = failed_check("buckets.yml", error)
    computes, compute = _computes(place)
    outputs, others = diagnose_outputs(place, wanted)
    folders = own_folders(place, {place.profile: buckets})
    return Diagnosis(
        profile=place.profile,
        buckets_file=None if file is None else str(file),
        files=(found, computes),
        compute=compute,
        outputs=outputs,
        other_outputs=others,
        buckets=tuple(
            _diagnosed(folder, buckets.default) for folder in folders if folder.is_named or _is_used(folder)
        ),
    )


def _computes(place: ProjectPlace) -> tuple[Check, str]:
    """Return the test of computes.yml, and the compute in use."""
    from dvt.config.computes import load_computes
    from dvt.core.errors import DvtError
    from dvt.staging.housekeeping.health import Check, Status, failed_check

    try:
        computes = load_computes(place.profile, place.profiles_dir)
        engine = computes.get(None)
    except DvtError as error:
        return failed_check("computes.yml", error), ""
    used = f"{computes.default}, computed by {engine.name} ({engine.kind})"
    if computes.file is None:
        return Check("computes.yml", Status.SKIP, f"there is none: {used}"), computes.default
    master = engine.keys.get("master")
    return Check(
        "computes.yml", Status.OK, f"{computes.file}: {used}" + (f" at {master}" if master else "")
    ), (computes.default)


def _is_used(folder: OwnFolder) -> bool:
    """Return whether there is anything in a bucket that nobody has named, or it cannot be told."""
    from dvt.core.errors import DvtError
    from dvt.staging.housekeeping.survey import is_empty

    try:
        bucket = folder.open()
        return bucket is not None and not is_empty(bucket)
    except DvtError:
        return True


def _diagnosed(folder: OwnFolder, default: str) -> BucketDiagnosis:
    from dvt.staging.housekeeping.diagnosis import BucketDiagnosis

    settings = folder.entry.settings
    keys = ("bucket", "container", "path")
    health, address = _examined(folder)
    return BucketDiagnosis(
        name=folder.name,
        kind=folder.entry.kind,
        place=next((str(settings[key]) for key in keys if key in settings), ""),
        is_default=folder.name == default,
        health=health,
        address=address,
    )


def _examined(folder: OwnFolder) -> tuple[Health, str]:
    """Return how a bucket does, and its address if it could be opened."""
    from contextlib import suppress
    from datetime import UTC, datetime

    from dvt.core.errors import BucketLibraryMissing, BucketRefused, DvtError
    from dvt.runs import operations
    from dvt.staging.housekeeping.health import Check, Health, Status, examine, failed_check
    from dvt.staging.in_folder import InFolder

    if folder.entry.errors and not folder.is_asked_for:
        reason = f"{folder.entry.errors[0].message}, and no config here has to use it"
        return Health((Check("settings", Status.SKIP, reason),)), ""
    address = ""
    try:
        bucket = folder.bucket()
        address = bucket.address
        own = bucket if not folder.folder else InFolder(bucket, folder.folder)
        address = own.address
        with suppress(BucketRefused):  # whose the folder is cannot be read: the tests tell what is missing
            folder.open()
        records = folder.place.project_dir / ".dvt" / "operations"
        return examine(own, lambda: datetime.now(UTC), lambda: operations.known(records)), address
    except BucketLibraryMissing as error:
        return Health(
            (Check("package", Status.MISS, f"{error.code} {error.message}; {error.hint}"),)
        ), address
    except DvtError as error:
        return Health((failed_check("folder", error),)), address
