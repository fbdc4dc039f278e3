"""Wires the tests of outputs that `dvt debug` does: each is used as a run uses it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from dvt.app.connectors import OutsideRun
    from dvt.config.profiles import Profile
    from dvt.core.housekeeping import ProjectPlace, WantedOutputs
    from dvt.core.ports.staging import Dataset, Sink
    from dvt.federation.outputs_health import OutputHealth
    from dvt.staging.housekeeping.diagnosis import OutputDiagnosis


def diagnose_outputs(place: ProjectPlace, wanted: WantedOutputs) -> tuple[tuple[OutputDiagnosis, ...], int]:
    """Test outputs of a profile; return how they do, and the number of those that were not tested."""
    from dvt.app.connectors import outside_run
    from dvt.app.debug_transfers import BulkWays, opened_transfers
    from dvt.config.profiles import load_profile
    from dvt.core.errors import DvtError
    from dvt.staging.housekeeping.diagnosis import OutputDiagnosis
    from dvt.staging.housekeeping.health import failed_check

    if not wanted.target:
        return (), 0  # dbt has said what is wrong with the profile
    try:
        profile = load_profile(place.profiles_dir, place.profile, variables=wanted.variables)
        names = profile.names if wanted.every else (wanted.target,)
        schemas = source_schemas(wanted.manifest, wanted.target)
        transfers = opened_transfers(place)
        with (
            outside_run(BulkWays(profile), place.project_dir, transfers=transfers) as run,
            transfers.staging_of(profile, run.operation) if transfers else nullcontext(),
        ):
            tests = _Tests(run, place, wanted.target, schemas, _rows(run, place))
            found = tuple(tests.diagnosed(profile, name) for name in names)
    except DvtError as error:
        checks = (failed_check("settings", error),)
        return (OutputDiagnosis(name=wanted.target, kind="", is_target=True, checks=checks),), 0
    return found, len({*profile.names} - {*names})


def source_schemas(manifest: Path | None, target: str) -> Mapping[str, tuple[str, ...]]:
    """Return the schemas of a project's sources by output, as it was last parsed; nothing if it was not."""
    try:
        sources = json.loads(manifest.read_text(encoding="utf-8"))["sources"].values() if manifest else ()
        found = {(_connection(source) or target, str(source["schema"])) for source in sources}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):  # it is not what dbt writes
        return {}
    outputs = {output for output, _ in found}
    return {name: tuple(sorted(schema for output, schema in found if output == name)) for name in outputs}


def _connection(source: Mapping[str, Any]) -> str | None:
    """Return the connection of a source in a manifest; None if it has none, or several."""
    named = source["config"].get("connection") or source["meta"].get("connection")
    names = set(named.values()) if isinstance(named, dict) else {named}
    return str(names.pop()) if len(names) == 1 and None not in names else None


@dataclass(frozen=True, slots=True)
class _Tests:
    """What outputs of a profile are tested with."""

    run: OutsideRun
    place: ProjectPlace
    target: str
    schemas: Mapping[str, tuple[str, ...]]
    rows: Dataset

    def diagnosed(self, profile: Profile, name: str) -> OutputDiagnosis:
        """Test an output."""
        from dvt.core.errors import DvtError
        from dvt.staging.housekeeping.diagnosis import OutputDiagnosis
        from dvt.staging.housekeeping.health import failed_check

        kind = ""
        is_target = name == self.target
        try:
            settings = profile.output(name)
            kind = str(settings.get("type", ""))
            health = self._examined(name, settings)
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

    def _examined(self, name: str, settings: Mapping[str, Any]) -> OutputHealth:
        from dvt.connectors import CONNECTORS
        from dvt.core.errors import DriverMissing
        from dvt.core.names import TableRef, stage_name
        from dvt.federation.outputs_health import OutputHealth, Trial, examine_output
        from dvt.staging.housekeeping.health import Check, Status

        if settings.get("type") not in CONNECTORS:
            detail = "dbt alone uses this output: dvt moves no data from or to its type"
            return OutputHealth((Check("federation", Status.SKIP, detail),))
        run, schema = self.run, settings.get("schema")
        own = None if schema is None else str(schema)
        stage = TableRef(
            connection=name, schema=own, identifier=stage_name(run.operation.run, f"dvt debug {name}")
        )
        trial = Trial(
            stage=stage,
            dataset=self.rows,
            new_sink=lambda: _sink(run, self.place, f"answer of {name}"),
            operation=run.operation,
            is_target=name == self.target,
            schemas=tuple(other for other in self.schemas.get(name, ()) if other != own),
        )
        try:
            return examine_output(run.open_connector(name), trial)
        except DriverMissing as error:
            check = Check("package", Status.MISS, f"{error.code} {error.message}", fix="dvt sync")
            return OutputHealth((check,))


def _packages(kind: str) -> tuple[str, ...]:
    """Return the installed packages that an output of a type needs, each with its version."""
    from dvt.environment.installed import own_environment
    from dvt.environment.needs import Use, needs_of
    from dvt.resolution.output_types import output_type

    environment = own_environment()
    needs = needs_of([Use(kind, output_type(kind).requirement)], environment.version("duckdb"))
    versions = [(need.name, environment.version(need.name)) for need in needs]
    return tuple(f"{name} {version}" for name, version in versions if version)


def _rows(run: OutsideRun, place: ProjectPlace) -> Dataset:
    """Stage a row to load."""
    from dvt.core.tables import StageColumn
    from dvt.core.types import INTEGER
    from dvt.drivers.duckdb.staging import write

    sink = _sink(run, place, "rows")
    return sink.commit([StageColumn("n", INTEGER)], write(run.instance.cursor(), "SELECT 1 AS n", sink))


def _sink(run: OutsideRun, place: ProjectPlace, folder: str) -> Sink:
    """Make what takes rows in the operation's own folder."""
    from dvt.buckets.filesystem import FilesystemBucket
    from dvt.core.ports.staging import BucketContext, Location
    from dvt.staging.parquet import ParquetSink
    from dvt.staging.paths import escaped

    path = str(run.operation.scratch / "debug")
    bucket = FilesystemBucket("debug", {"path": path}, BucketContext(project_dir=place.project_dir))
    return ParquetSink(Location(bucket, escaped(folder)))
