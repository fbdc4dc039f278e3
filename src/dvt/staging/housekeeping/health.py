"""Tests a bucket by doing in the project's folder what a run does there, and counts what is staged."""

from __future__ import annotations

import io
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from dvt.core.errors import (
    BucketBusy,
    BucketLibraryMissing,
    BucketLoginRefused,
    BucketMissing,
    BucketUnreachable,
    DvtError,
)
from dvt.core.ports.staging import Bucket
from dvt.core.reports import size
from dvt.staging.housekeeping.clean_plan import Facts, plan_clean
from dvt.staging.housekeeping.inventory import PROBES, Inventory, Kind, take_inventory
from dvt.staging.housekeeping.survey import Uploads, unfinished_uploads
from dvt.staging.leases import leases

_CONTENT = b"dvt debug"
_HOPELESS = (BucketBusy, BucketLoginRefused, BucketMissing, BucketUnreachable)
"""Errors after which a bucket is asked for nothing else."""
SKEW = timedelta(minutes=5)
"""Difference between the clocks of a store and of this machine from which it is told."""


class Status(StrEnum):
    """The result of a test."""

    OK = "OK"
    SKIP = "SKIP"
    """It was not tested, since something before it has failed, or there is nothing to test."""
    WARN = "WARN"
    FAIL = "FAIL"
    MISS = "MISS"
    """A package that it needs is not installed."""

    @property
    def works(self) -> bool:
        """Whether what was tested can be used."""
        return self in (Status.OK, Status.WARN)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tested."""

    what: str
    status: Status
    detail: str = ""
    """What was found; for what failed, the error."""
    is_hopeless: bool = False
    """Whether nothing else can be done in the bucket either."""
    seconds: float | None = None
    """How long it took, where that was measured."""
    fix: str = ""
    """The command or statement that mends what is wrong, or the hint of the error; empty if there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """What is staged in the project's folder."""

    objects: int
    bytes: int
    datasets: int
    """Committed or not."""
    uncommitted: int
    """Datasets without a marker: runs are extracting them, or were when they died."""
    results: int
    states: int
    leases: int
    """Those that are valid: of runs and other commands that are at work."""
    dead_leases: int
    deletions: int
    """Those that were cut off, or are under way."""
    foreign: int
    """Objects that are not dvt's by their names."""
    uploads: int | None
    """Unfinished uploads, of runs at work and others; None if the bucket does not tell them."""
    orphans: int | None
    """Those that nobody is at work on any more: `dvt clean` removes them."""
    orphan_bytes: int | None
    """What is there of them, as far as the store tells; None if it does not tell of one."""
    oldest_orphan: datetime | None
    """When the oldest of them was begun, or last written to."""
    oldest: datetime | None
    """When the oldest object of dvt's was put; None if there is none."""
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class Health:
    """How a bucket does."""

    checks: tuple[Check, ...]
    metrics: Metrics | None = None


@dataclass(slots=True)
class _Probe:
    """An object that is put, read and deleted again."""

    bucket: Bucket
    folder: str = field(default_factory=lambda: f"{PROBES}/{secrets.token_hex(4)}")
    modified: datetime | None = None
    """When it was put, by the store's clock."""

    def list(self) -> str:
        next(iter(self.bucket.objects("")), None)
        return ""

    def put(self) -> str:
        self.bucket.put(f"{self.folder}/put.json", io.BytesIO(_CONTENT))
        return ""

    def get(self) -> str:
        with self.bucket.get(f"{self.folder}/put.json") as data:
            if data.read() != _CONTENT:
                return "other bytes were read than were put"
        self.modified = next(stored.modified for stored in self.bucket.objects(self.folder))
        return ""

    def put_once(self) -> str:
        self.bucket.put_once(f"{self.folder}/once.json", _CONTENT)
        with suppress(FileExistsError):
            self.bucket.put_once(f"{self.folder}/once.json", _CONTENT)
            return "an object was created twice: runs could not keep out of each other's way"
        return ""

    def delete(self) -> str:
        self.bucket.delete(self.folder)
        left = next((stored.key for stored in self.bucket.objects(self.folder)), "")
        return f"{left} is still there" if left else ""


def examine(
    bucket: Bucket,
    here: Callable[[], datetime],
    runs: Callable[[], Mapping[str, bool]] = dict,
) -> Health:
    """Test the project's folder in a bucket.

    `here` returns the time of this machine, `runs` the runs that it has a record of, and whether they are
    alive.
    """
    probe = _Probe(bucket)
    checks = list(_tested(probe))
    if checks[0].status is not Status.OK or probe.modified is None:
        return Health(tuple(checks))
    checks.append(_clocks(probe.modified, here()))
    try:
        uploads = unfinished_uploads(bucket)
        metrics = _metrics(bucket, uploads, probe.modified, runs)
    except DvtError as error:
        return Health((*checks, failed_check("count", error)))
    if uploads.refusal is not None:
        checks.append(_failed("unfinished uploads", Status.WARN, uploads.refusal))
    return Health((*checks, *_leftovers(metrics)), metrics)


def _tested(probe: _Probe) -> Iterator[Check]:
    """Do each thing that a run does; what has no object to work on is skipped."""
    failed: set[str] = set()
    steps: tuple[tuple[str, Callable[[], str], frozenset[str]], ...] = (
        ("list", probe.list, frozenset()),
        ("put", probe.put, frozenset({"unreachable"})),
        ("get", probe.get, frozenset({"unreachable", "put", "list"})),
        ("conditional put", probe.put_once, frozenset({"unreachable"})),
        ("delete", probe.delete, frozenset({"unreachable", "list"})),
    )
    for what, act, needs in steps:
        if needs & failed:
            yield Check(what, Status.SKIP, "not tested, since something before it failed")
            continue
        check = _done(what, act)
        if check.status is not Status.OK:
            failed.add(what)
        if check.status is Status.MISS or check.is_hopeless:
            failed.add("unreachable")
        yield check


def _done(what: str, act: Callable[[], str]) -> Check:
    """Do a thing, and return how it went."""
    began = time.monotonic()
    try:
        problem = act()
    except BucketLibraryMissing as error:
        return _failed(what, Status.MISS, error)
    except DvtError as error:
        return _failed(what, Status.FAIL, error)
    seconds = round(time.monotonic() - began, 4)
    return Check(what, Status.FAIL if problem else Status.OK, problem, seconds=seconds)


def failed_check(what: str, error: DvtError) -> Check:
    """Return what an error says as the result of a test."""
    return _failed(what, Status.FAIL, error)


def _failed(what: str, status: Status, error: DvtError) -> Check:
    said = f"{error.code} {error.message}"
    return Check(what, status, said, is_hopeless=isinstance(error, _HOPELESS), fix=error.hint)


def _clocks(there: datetime, here: datetime) -> Check:
    apart = there - here
    if abs(apart) < SKEW:
        return Check("clock", Status.OK)
    minutes = abs(apart).total_seconds() / 60
    order = "ahead of" if apart > timedelta(0) else "behind"
    detail = f"the store's clock is {minutes:.0f} min {order} this machine's; ages go by the store's"
    return Check("clock", Status.WARN, detail)


def _metrics(
    bucket: Bucket, uploads: Uploads, now: datetime, runs: Callable[[], Mapping[str, bool]]
) -> Metrics:
    """Count what is there. The uploads were listed before, so that the lease of each is seen."""
    inventory = take_inventory(bucket.objects(""), uploads.listed)
    held = list(leases(bucket, now))
    valid = sum(lease.is_valid for lease in held)
    whole = [folder for folder in inventory.folders if folder.upload is None]
    members = [stored for folder in whole for stored in folder.objects]
    plan = plan_clean(Facts(inventory=inventory, now=now, leases=held, runs=runs()))
    orphans = [unit.folder.upload for unit in plan.deleted if unit.folder.upload is not None]
    sizes = [orphan.bytes for orphan in orphans]
    is_told = uploads.is_told and uploads.refusal is None
    return Metrics(
        objects=len(members),
        bytes=sum(stored.bytes for stored in members),
        datasets=_count(inventory, Kind.DATASET),
        uncommitted=sum(not folder.is_committed for folder in inventory.of(Kind.DATASET)),
        results=_count(inventory, Kind.RESULT),
        states=_count(inventory, Kind.STATE),
        leases=valid,
        dead_leases=len(held) - valid,
        deletions=_count(inventory, Kind.DELETION),
        foreign=len(inventory.foreign),
        uploads=_count(inventory, Kind.UPLOAD) if is_told else None,
        orphans=len(orphans) if is_told else None,
        orphan_bytes=None if None in sizes or not is_told else sum(size or 0 for size in sizes),
        oldest_orphan=min((orphan.modified for orphan in orphans), default=None),
        oldest=min((stored.modified for stored in members), default=None),
        newest=max((stored.modified for stored in members), default=None),
    )


def _count(inventory: Inventory, kind: Kind) -> int:
    return len(inventory.of(kind))


def _leftovers(metrics: Metrics) -> Iterator[Check]:
    """Yield warnings of what `dvt clean` would remove, or leave."""
    if metrics.dead_leases:
        detail = f"{metrics.dead_leases} of runs that died: dvt clean removes what they have left"
        yield Check("leases", Status.WARN, detail)
    if metrics.orphans:
        size_of_all = "" if metrics.orphan_bytes is None else f", {size(metrics.orphan_bytes)}"
        oldest = f", the oldest of {metrics.oldest_orphan:%Y-%m-%d %H:%M} UTC"
        detail = f"{metrics.orphans} of writers that died{size_of_all}{oldest}: dvt clean removes them"
        yield Check("unfinished uploads", Status.WARN, detail)
    if metrics.foreign:
        yield Check(
            "names", Status.WARN, f"{metrics.foreign} objects are not dvt's, so dvt clean leaves them"
        )
