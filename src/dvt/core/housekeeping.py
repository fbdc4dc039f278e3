"""What the commands that look after buckets are asked to do, as their command lines say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NATIVE: Mapping[str, frozenset[str]] = {
    "redshift": frozenset({"s3"}),
    "bigquery": frozenset({"gcs"}),
    "snowflake": frozenset({"s3", "azure", "gcs"}),
}
"""Warehouse that dvt has a connector for → types of buckets that it unloads to and copies from by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectPlace:
    """A project, and where its files and its buckets are told."""

    project_dir: Path
    project: str
    """Name of the dbt project."""
    profiles_dir: Path
    profile: str
    """Name of the profile in use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedOutputs:
    """Which outputs of the profile `dvt debug` tests."""

    target: str
    """The target, which is tested in any case; empty: the profile could not be loaded, and nothing is."""
    every: bool = False
    """Whether all others are tested, too."""
    variables: Mapping[str, Any] = field(default_factory=dict)
    """Those of --vars, which outputs may name."""
    manifest: Path | None = None
    """Where dbt writes what it has parsed: the last one tells the schemas of sources."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanRequest:
    """What `dvt clean` is asked to clean."""

    place: ProjectPlace
    bucket: str | None = None
    """The only bucket to clean; None: all of the profile."""
    older_than: str | None = None
    """A duration: only what is older is deleted."""
    all_profiles: bool = False
    """Whether the buckets of all profiles in buckets.yml are meant."""
    dry_run: bool = False
    """Whether nothing is to be deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyRequest:
    """What `dvt bucket copy` is asked to copy."""

    place: ProjectPlace
    source: str
    """The bucket that has the datasets."""
    target: str
    """The bucket that gets them."""
    datasets: tuple[str, ...] = ()
    """Folders in the project's folder; empty: all datasets."""
