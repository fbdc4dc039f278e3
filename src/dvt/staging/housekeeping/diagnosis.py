"""Writes what `dvt debug` finds of outputs, buckets and computes, as lines and as an object for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dvt.core.housekeeping import NATIVE
from dvt.core.reports import count, size
from dvt.staging.housekeeping.health import Check, Health, Metrics, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketDiagnosis:
    """How a bucket of the profile does."""

    name: str
    kind: str
    place: str
    """The store's own name of it, or the folder; empty for the project's own."""
    is_default: bool
    health: Health
    address: str = ""

    @property
    def status(self) -> Status:
        """The worst of its tests."""
        return _worst(self.health.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputDiagnosis:
    """How an output of the profile does."""

    name: str
    kind: str
    is_target: bool
    checks: tuple[Check, ...]
    version: str = ""
    """The database's product and version; empty if it was not told."""
    packages: tuple[str, ...] = ()
    """What talks to it on this machine, each with its version."""

    @property
    def status(self) -> Status:
        """The worst of its tests."""
        return _worst(self.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What `dvt debug` finds beside what dbt does."""

    profile: str
    buckets_file: str | None
    """The buckets.yml in use; None if there is none."""
    files: tuple[Check, ...]
    """buckets.yml and computes.yml."""
    compute: str = ""
    """The compute in use."""
    buckets: tuple[BucketDiagnosis, ...] = ()
    outputs: tuple[OutputDiagnosis, ...] = ()
    """Those that were tested."""
    other_outputs: int = 0
    """Outputs of the profile that were not tested."""

    @property
    def native(self) -> tuple[str, ...]:
        """Warehouses that can reach one of the buckets by themselves."""
        kinds = {bucket.kind for bucket in self.buckets}
        return tuple(name for name, reached in NATIVE.items() if reached & kinds)

    @property
    def missing(self) -> tuple[str, ...]:
        """What keeps federated models from running."""
        files = [check.what for check in self.files if check.status is Status.FAIL]
        default = [
            f"bucket {bucket.name}"
            for bucket in self.buckets
            if bucket.is_default and not bucket.status.works
        ]
        targets = [
            f"output {output.name}" for output in self.outputs if output.is_target and output.status in _BAD
        ]
        return (*targets, *files, *default)

    @property
    def fixes(self) -> tuple[str, ...]:
        """The commands and statements that mend what is missing, or what errors advise, each once."""
        return self._fixes([output for output in self.outputs if output.is_target])

    @property
    def all_fixes(self) -> tuple[str, ...]:
        """Those for what is missing, then those for other outputs that have failed."""
        return tuple(dict.fromkeys((*self.fixes, *self._fixes(self.outputs))))

    def _fixes(self, outputs: Sequence[OutputDiagnosis]) -> tuple[str, ...]:
        of_outputs = [check for output in outputs for check in output.checks]
        buckets = [check for bucket in self.buckets if bucket.is_default for check in bucket.health.checks]
        bad = [check for check in (*of_outputs, *self.files, *buckets) if check.status in _BAD]
        return tuple(dict.fromkeys(check.fix for check in bad if check.fix))

    @property
    def has_failed(self) -> bool:
        """Whether anything does not work that is configured."""
        found = {*(check.status for check in self.files), *(bucket.status for bucket in self.buckets)}
        return bool(found & _BAD) or any(output.status in _BAD for output in self.outputs)


_TIMES = ("oldest", "newest", "oldest_orphan")
_BAD = frozenset({Status.FAIL, Status.MISS})
_WORST_FIRST = (Status.FAIL, Status.MISS, Status.WARN, Status.OK, Status.SKIP)


def as_lines(diagnosis: Diagnosis) -> Iterator[str]:
    """Yield lines for people."""
    yield from _output_lines(diagnosis)
    yield "Buckets and computes:"
    for check in diagnosis.files:
        yield _line(check, "  ")
    for bucket in diagnosis.buckets:
        yield from _bucket_lines(bucket)
    if diagnosis.native:
        names = ", ".join(diagnosis.native)
        yield f"  within reach of native connectors: {names}"
    if diagnosis.missing:
        yield f"  federation [NOT READY]: {', '.join(diagnosis.missing)}"
        yield from (f"    to mend it: {fix}" for fix in diagnosis.fixes)
    else:
        yield "  federation [READY]"


def as_object(diagnosis: Diagnosis) -> dict[str, Any]:
    """Return an object for JSON."""
    return {
        "profile": diagnosis.profile,
        "buckets_yml_exists": diagnosis.buckets_file is not None,
        "buckets_yml": diagnosis.buckets_file,
        "files": [_check(check) for check in diagnosis.files],
        "compute": diagnosis.compute,
        "outputs": [_output(output) for output in diagnosis.outputs],
        "buckets_configured": [_bucket(bucket) for bucket in diagnosis.buckets],
        "native_connectors_available": list(diagnosis.native),
        "federation": {"ready": not diagnosis.missing, "missing": list(diagnosis.missing)},
        "fixes": list(diagnosis.all_fixes),
    }


def _worst(checks: Sequence[Check]) -> Status:
    found = {check.status for check in checks}
    return next(status for status in _WORST_FIRST if status in found)


def _output_lines(diagnosis: Diagnosis) -> Iterator[str]:
    if not diagnosis.outputs:
        return
    yield "Outputs:"
    for output in diagnosis.outputs:
        what = ", ".join(filter(None, (output.kind, "the target" if output.is_target else "")))
        version = f": {output.version}" if output.version else ""
        yield f"  output {output.name} ({what}) [{output.status}]{version}"
        if output.packages:
            yield f"    by {', '.join(output.packages)}"
        good = [_timed(check) for check in output.checks if check.status is Status.OK]
        if good:
            yield f"    {', '.join(good)} [OK]"
        yield from (_line(check, "    ") for check in output.checks if check.status is not Status.OK)
    if diagnosis.other_outputs:
        yield f"  {count(diagnosis.other_outputs, 'other output')} not tested: dvt debug --all"


def _timed(check: Check) -> str:
    if check.seconds is None:
        return check.what
    way = f" {check.detail}" if check.detail else ""
    return f"{check.what} in {check.seconds * 1000:.0f} ms{way}"


def _bucket_lines(bucket: BucketDiagnosis) -> Iterator[str]:
    default = ", the default" if bucket.is_default else ""
    yield f"  bucket {bucket.name} ({bucket.kind}{default}) [{bucket.status}]"
    if bucket.address:
        yield f"    at {bucket.address}"
    good = [check.what for check in bucket.health.checks if check.status is Status.OK]
    if good:
        yield f"    {', '.join(good)} [OK]"
    yield from (_line(check, "    ") for check in bucket.health.checks if check.status is not Status.OK)
    if bucket.health.metrics is not None:
        yield f"    staged: {_counts(bucket.health.metrics)}"
        if bucket.health.metrics.uploads is None:
            yield "    unfinished uploads: not told by this bucket"


def _counts(metrics: Metrics) -> str:
    if not metrics.objects:
        return "nothing"
    counts = (
        (metrics.datasets, "dataset"), (metrics.results, "result"), (metrics.states, "state"),
        (metrics.leases, "run at work"), (metrics.uploads or 0, "unfinished upload"),
    )  # fmt: skip
    parts = [
        f"{number:,} {noun}" if noun == "run at work" else count(number, noun)
        for number, noun in counts
        if number
    ]
    text = ", ".join([*parts, count(metrics.objects, "object"), size(metrics.bytes)])
    if metrics.oldest and metrics.newest:
        text += f", put from {metrics.oldest:%Y-%m-%d %H:%M} to {metrics.newest:%Y-%m-%d %H:%M} UTC"
    return text


def _line(check: Check, indent: str) -> str:
    said = "; ".join(filter(None, (check.detail, check.fix)))
    return f"{indent}{check.what} [{check.status}]" + (f": {said}" if said else "")


def _output(output: OutputDiagnosis) -> dict[str, Any]:
    return {
        "name": output.name,
        "type": output.kind,
        "version": output.version,
        "packages": list(output.packages),
        "target": output.is_target,
        "status": str(output.status),
        "checks": [_check(check) for check in output.checks],
    }


def _bucket(bucket: BucketDiagnosis) -> dict[str, Any]:
    metrics = bucket.health.metrics
    counted = asdict(metrics) if metrics else None
    if counted is not None:
        counted |= {key: counted[key] and counted[key].isoformat() for key in _TIMES}
    return {
        "name": bucket.name,
        "type": bucket.kind,
        "bucket": bucket.place,
        "address": bucket.address,
        "default": bucket.is_default,
        "status": str(bucket.status),
        "checks": [_check(check) for check in bucket.health.checks],
        "staged": counted,
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "check": check.what,
        "status": str(check.status),
        "detail": check.detail,
        "fix": check.fix,
        "seconds": check.seconds,
    }
