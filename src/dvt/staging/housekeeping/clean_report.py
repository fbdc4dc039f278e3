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
        return not (self.plan.units or self.plan.foreign or self.error or self.plan.refusal)


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
    if plan.refusal is not None:
        yield f"  unfinished uploads are left: {plan.refusal.message}; {plan.refusal.hint}"
    for stored in plan.foreign[:_MOST_NAMES]:
        yield f"  not dvt's, so it stays: {printable(stored.key)}"
    if len(plan.foreign) > _MOST_NAMES:
        yield f"  not dvt's, so they stay: {len(plan.foreign) - _MOST_NAMES} more objects"


def figures(units: Sequence[Unit]) -> str:
    """Return how much units hold, such as `3 datasets, 12 objects, 1 unfinished upload, 1.2 MB`."""
    uploads = _uploads(units)
    parts = [count(_datasets(units), "dataset"), count(_objects(units), "object")]
    parts += [count(uploads, "unfinished upload")] if uploads else []
    return ", ".join([*parts, size(sum(unit.bytes for unit in units))])


def _datasets(units: Sequence[Unit]) -> int:
    return sum(unit.folder.kind is Kind.DATASET for unit in units)


def _uploads(units: Sequence[Unit]) -> int:
    return sum(unit.folder.kind is Kind.UPLOAD for unit in units)


def _objects(units: Sequence[Unit]) -> int:
    return sum(unit.objects for unit in units if unit.folder.kind is not Kind.UPLOAD)


def printable(name: str) -> str:
    """Return a name on one line, quoted where it has what no terminal shows."""
    return name if name.isprintable() else repr(name)


def as_object(reports: Sequence[CleanedBucket]) -> dict[str, Any]:
    """Return all buckets as an object for JSON."""
    return {"buckets": [_bucket(report) for report in reports]}


def _line(unit: Unit) -> str:
    folder = unit.folder
    if folder.upload is None:
        return f"{folder.kind} {folder.path} ({count(unit.objects, 'object')}, {size(unit.bytes)})"
    sized = "of unknown size" if folder.upload.bytes is None else size(unit.bytes)
    name = printable(folder.path) or "of the project's folder"
    return f"{folder.kind} {name} ({sized}, of {unit.newest:%Y-%m-%d %H:%M} UTC)"


def _bucket(report: CleanedBucket) -> dict[str, Any]:
    plan = report.plan
    deleted = plan.deleted
    return {
        "profile": report.profile,
        "bucket": report.bucket,
        "address": report.address,
        "dry_run": report.dry_run,
        "skipped": report.skipped,
        "error": _error(report.error),
        "deleted": {
            "datasets": _datasets(deleted),
            "objects": _objects(deleted),
            "unfinished_uploads": _uploads(deleted),
            "bytes": sum(unit.bytes for unit in deleted),
        },
        "units": [_unit(unit) for unit in plan.units],
        "not_dvts": [stored.key for stored in plan.foreign],
        "uploads_not_listed": _error(plan.refusal),
    }


def _error(error: DvtError | None) -> dict[str, str] | None:
    if error is None:
        return None
    return {"code": error.code, "message": error.message, "hint": error.hint}


def _unit(unit: Unit) -> dict[str, Any]:
    upload = unit.folder.upload
    return {
        "kind": str(unit.folder.kind),
        "folders": [part.path for part in unit.parts],
        "objects": unit.objects,
        "bytes": None if upload is not None and upload.bytes is None else unit.bytes,
        "newest": unit.newest.isoformat(),
        "kept": unit.reason or None,
    }
