"""Wires the tests of outputs that `dvt debug` does: each is used as a run uses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dvt.app.connectors import OutsideRun
    from dvt.config.profiles import Profile
    from dvt.core.housekeeping import ProjectPlace, WantedOutputs
    from dvt.core.ports.staging import Dataset
    from dvt.federation.outputs_health import OutputHealth
    from dvt.staging.housekeeping.diagnosis import OutputDiagnosis


def diagnose_outputs(place: ProjectPlace, wanted: WantedOutputs) -> tuple[tuple[OutputDiagnosis, ...], int]:
    """Test outputs of a profile; return how they do, and the number of those that were not tested."""
    from dvt.app.connectors import outside_run
    from dvt.config.profiles import load_profile
    from dvt.core.errors import DvtError
    from dvt.staging.housekeeping.diagnosis import OutputDiagnosis
    from dvt.staging.housekeeping.health import failed_check

    if not wanted.target:
        return (), 0  # dbt has said what is wrong with the profile
    try:
        profile = load_profile(place.profiles_dir, place.profile, variables=wanted.variables)
        names = profile.names if wanted.every else (wanted.target,)
        with outside_run(profile, place.project_dir) as run:
            rows = _rows(run, place)
            found = tuple(_diagnosed(profile, name, name == wanted.target, run, rows) for name in names)
    except DvtError as error:
        checks = (failed_check("settings", error),)
        return (OutputDiagnosis(name=wanted.target, kind="", is_target=True, checks=checks),), 0
    return found, len({*profile.names} - {*names})


def _diagnosed(
    profile: Profile, name: str, is_target: bool, run: OutsideRun, rows: Dataset
) -> OutputDiagnosis:
    from dvt.core.errors import DvtError
    from dvt.staging.housekeeping.diagnosis import OutputDiagnosis
    from dvt.staging.housekeeping.health import failed_check

    kind = ""
    try:
        settings = profile.output(name)
        kind = str(settings.get("type", ""))
        health = _examined(name, settings, run, rows, is_target=is_target)
    except DvtError as error:
        return OutputDiagnosis(
            name=name, kind=kind, is_target=is_target, checks=(failed_check("settings", error),)
        )
    return OutputDiagnosis(
        name=name,
        kind=kind,
        is_target=is_target,
        checks=health.checks,
        version=health.version,
        packages=_packages(kind),
    )


def _packages(kind: str) -> tuple[str, ...]:
    """Return the installed packages that an output of a type needs, each with its version."""
    from dvt.environment.installed import own_environment
    from dvt.environment.needs import Use, needs_of
    from dvt.resolution.output_types import output_type

    environment = own_environment()
    needs = needs_of([Use(kind, output_type(kind).requirement)], environment.version("duckdb"))
    versions = [(need.name, environment.version(need.name)) for need in needs]
    return tuple(f"{name} {version}" for name, version in versions if version)


def _examined(
    name: str, settings: Mapping[str, Any], run: OutsideRun, rows: Dataset, *, is_target: bool
) -> OutputHealth:
    from dvt.connectors import CONNECTORS
    from dvt.core.errors import DriverMissing
    from dvt.core.names import TableRef, stage_name
    from dvt.federation.outputs_health import OutputHealth, examine_output
    from dvt.staging.housekeeping.health import Check, Status

    if settings.get("type") not in CONNECTORS:
        detail = "dbt alone uses this output: dvt moves no data from or to its type"
        return OutputHealth((Check("federation", Status.SKIP, detail),))
    schema = settings.get("schema")
    stage = TableRef(
        connection=name,
        schema=None if schema is None else str(schema),
        identifier=stage_name(run.operation.run, f"dvt debug {name}"),
    )
    try:
        return examine_output(run.open_connector(name), stage, rows, run.operation, is_target=is_target)
    except DriverMissing as error:
        return OutputHealth((Check("package", Status.MISS, f"{error.code} {error.message}", fix="dvt sync"),))


def _rows(run: OutsideRun, place: ProjectPlace) -> Dataset:
    """Stage a row to load."""
    from dvt.buckets.filesystem import FilesystemBucket
    from dvt.core.ports.staging import BucketContext, Location
    from dvt.core.tables import StageColumn
    from dvt.core.types import INTEGER
    from dvt.drivers.duckdb.staging import write
    from dvt.staging.parquet import ParquetSink

    folder = str(run.operation.scratch / "debug")
    bucket = FilesystemBucket("debug", {"path": folder}, BucketContext(project_dir=place.project_dir))
    sink = ParquetSink(Location(bucket, "rows"))
    return sink.commit([StageColumn("n", INTEGER)], write(run.instance.cursor(), "SELECT 1 AS n", sink))
