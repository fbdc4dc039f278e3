"""Writes what a clean did, or would do, in a bucket: as lines for people, and as an object for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from dvt.core.errors import DvtError
from dvt.core.reports import count, size
from dvt.staging.housekeeping.clean_plan import CleanPlan, Unit
from dvt.staging.housekeeping.inventory import Kind

_MOST_NAMES = 10
"""Objects that are not dvt's and that are named; of more the number is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanedBucket:
    """What was done, or would be done, in the project's folder of a bucket."""

    profile: str
    bucket: str
    dry_run: bool
    address: str = ""
    """The folder's; empty if it was not reached, or is empty."""
    plan: CleanPlan = field(default_factory=CleanPlan)
    error: DvtError | None = None
    """What has kept the bucket from being cleaned, or a part of it."""
    skipped: bool = False
    """Whether the bucket cannot be used on this machine, and nobody has asked for it."""

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing, and nothing failed."""
        return not (self.plan.units or self.plan.foreign or self.error)


def as_lines(cleaned: CleanedBucket) -> Iterator[str]:
    """Yield lines for people: what goes, then what stays and why."""
    plan = cleaned.plan
    if cleaned.error is None:
        done = "Would clean staging bucket" if cleaned.dry_run else "Cleaned staging bucket"
        yield f"{done}: {cleaned.bucket} ({figures(plan.deleted)})"
    elif plan.deleted:
        yield f"Cleaned staging bucket in part: {cleaned.bucket} ({figures(plan.deleted)})"
    if cleaned.dry_run:
        yield from (f"  would delete {_line(unit)}" for unit in plan.deleted)
    yield from (f"  kept {_line(unit)}: {unit.reason}" for unit in plan.kept)
    for stored in plan.foreign[:_MOST_NAMES]:
        yield f"  not dvt's, so it stays: {printable(stored.key)}"
    if len(plan.foreign) > _MOST_NAMES:
        yield f"  not dvt's, so they stay: {len(plan.foreign) - _MOST_NAMES} more objects"


def figures(units: Sequence[Unit]) -> str:
    """Return how much units hold, such as `3 datasets, 12 objects, 1.2 MB`."""
    datasets = sum(unit.folder.kind is Kind.DATASET for unit in units)
    objects = sum(unit.objects for unit in units)
    return (
        f"{count(datasets, 'dataset')}, {count(objects, 'object')}, {size(sum(unit.bytes for unit in units))}"
    )


def printable(name: str) -> str:
    """Return a name on one line, quoted where it has what no terminal shows."""
    return name if name.isprintable() else repr(name)


def as_object(reports: Sequence[CleanedBucket]) -> dict[str, Any]:
    """Return all buckets as an object for JSON."""
    return {"buckets": [_bucket(report) for report in reports]}


def _line(unit: Unit) -> str:
    figures = f"{count(unit.objects, 'object')}, {size(unit.bytes)}"
    return f"{unit.folder.kind} {unit.folder.path} ({figures})"


def _bucket(report: CleanedBucket) -> dict[str, Any]:
    plan, error = report.plan, report.error
    deleted = plan.deleted
    return {
        "profile": report.profile,
        "bucket": report.bucket,
        "address": report.address,
        "dry_run": report.dry_run,
        "skipped": report.skipped,
        "error": error and {"code": error.code, "message": error.message, "hint": error.hint},
        "deleted": {
            "datasets": sum(unit.folder.kind is Kind.DATASET for unit in deleted),
            "objects": sum(unit.objects for unit in deleted),
            "bytes": sum(unit.bytes for unit in deleted),
        },
        "units": [_unit(unit) for unit in plan.units],
        "not_dvts": [stored.key for stored in plan.foreign],
    }


def _unit(unit: Unit) -> dict[str, Any]:
    return {
        "kind": str(unit.folder.kind),
        "folders": [part.path for part in unit.parts],
        "objects": unit.objects,
        "bytes": unit.bytes,
        "newest": unit.newest.isoformat(),
        "kept": unit.reason or None,
    }
