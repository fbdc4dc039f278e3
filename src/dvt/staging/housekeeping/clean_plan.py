"""What a clean of a project's folder deletes, what it leaves, and why: decided here, and deleted elsewhere.

Nothing here has a bucket, so that a dry run cannot delete.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dvt.core.errors import DvtError
from dvt.core.ports.staging import StoredObject
from dvt.staging.housekeeping.inventory import Folder, Inventory, Kind
from dvt.staging.leases import LEASES, VALID_SECONDS, HeldLease, is_within

_DAYS_FROM = 48
"""Hours from which an age is told in days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a clean is decided by."""

    inventory: Inventory
    now: datetime
    """The store's time."""
    leases: Sequence[HeldLease] = ()
    """Those of others."""
    states: Mapping[str, str] = field(default_factory=dict)
    """Folder of a state → folder of the dataset that it names."""
    deletions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Folder of a deletion → the run that deletes, and the folder that is deleted."""
    runs: Mapping[str, bool] = field(default_factory=dict)
    """Runs that this machine has a record of → whether they are alive. Others may be, elsewhere."""
    refusal: DvtError | None = None
    """What has kept unfinished uploads from being listed."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What is deleted together: a dataset and the states that name it, or a folder of another kind."""

    folder: Folder
    states: tuple[Folder, ...] = ()
    reason: str = ""
    """Why it stays; empty if it is deleted."""

    @property
    def parts(self) -> tuple[Folder, ...]:
        """All folders."""
        return (self.folder, *self.states)

    @property
    def objects(self) -> int:
        """Number of objects."""
        return sum(len(part.objects) for part in self.parts)

    @property
    def bytes(self) -> int:
        """Bytes of all objects."""
        return sum(part.bytes for part in self.parts)

    @property
    def identity(self) -> str:
        """Another text as soon as an object has come, gone, or was put again."""
        return identity_of(stored for part in self.parts for stored in part.objects)

    @property
    def newest(self) -> datetime:
        """When the newest object was put: the unit's age is counted from then."""
        return max(part.newest for part in self.parts)


@dataclass(frozen=True, slots=True)
class CleanPlan:
    """What a clean does in a project's folder."""

    units: tuple[Unit, ...] = ()
    foreign: tuple[StoredObject, ...] = ()
    """Objects that stay since they are not dvt's by their names."""
    failure: DvtError | None = None
    """What has kept the rest of the plan from being carried out."""
    refusal: DvtError | None = None
    """What has kept unfinished uploads from being listed."""

    @property
    def deleted(self) -> tuple[Unit, ...]:
        """What is deleted."""
        return tuple(unit for unit in self.units if not unit.reason)

    @property
    def kept(self) -> tuple[Unit, ...]:
        """What stays, though it is dvt's."""
        return tuple(unit for unit in self.units if unit.reason)


def identity_of(objects: Iterable[StoredObject]) -> str:
    """Return what tells objects from any others, and from themselves before one was put again."""
    lines = (f"{one.key}\n{one.bytes}\n{one.modified.isoformat()}\n" for one in sorted(objects))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def plan_clean(facts: Facts, older_than: timedelta | None = None) -> CleanPlan:
    """Decide what is deleted: all of dvt's that nothing is at work on, and that is older than a duration."""
    judge = _Judge(facts, older_than)
    units = [replace(unit, reason=judge.reason_to_keep(unit)) for unit in _units(facts)]
    expired = {lease.run for lease in facts.leases if not lease.is_valid}
    left = {unit.folder.run for unit in units if unit.reason} & expired
    units = [_with_what_it_tells_of(unit, left) for unit in units]
    staying = [unit.folder.path for unit in units if unit.reason and unit.folder.kind is not Kind.DELETION]
    return CleanPlan(
        tuple(_unless_needed(unit, facts.deletions, staying) for unit in units),
        facts.inventory.foreign,
        refusal=facts.refusal,
    )


def _with_what_it_tells_of(unit: Unit, left: Collection[str]) -> Unit:
    """Return the unit, which stays if it is an expired lease of a run that has `left` something.

    By such leases later runs find what they may take.
    """
    stays = not unit.reason and unit.folder.kind is Kind.LEASE and unit.folder.run in left
    return replace(unit, reason="something that its run has left stays") if stays else unit


def _unless_needed(unit: Unit, deletions: Mapping[str, tuple[str, str]], staying: Sequence[str]) -> Unit:
    """Return the unit, which stays if it is a deletion of what stays: else that would exist again."""
    _, deleted = deletions.get(unit.folder.path, ("", ""))
    stays = next((path for path in staying if deleted and is_within(path, deleted)), "")
    return replace(unit, reason=f"{stays} stays") if stays and not unit.reason else unit


def _units(facts: Facts) -> Iterator[Unit]:
    """Yield what is deleted together. A state goes with its dataset, and alone only if that is gone."""
    datasets = {folder.path for folder in facts.inventory.of(Kind.DATASET)}
    states: dict[str, list[Folder]] = {}
    for state in facts.inventory.of(Kind.STATE):
        named = facts.states.get(state.path, "")
        states.setdefault(named if named in datasets else state.path, []).append(state)
    for folder in facts.inventory.folders:
        if folder.kind is not Kind.STATE:
            yield Unit(folder, tuple(states.get(folder.path, ())))
        elif folder.path in states:
            yield Unit(folder)


class _Judge:
    """Says why a unit stays."""

    def __init__(self, facts: Facts, older_than: timedelta | None) -> None:
        self._facts = facts
        self._older_than = older_than
        dead = {run for run, is_alive in facts.runs.items() if not is_alive}
        self._leases = [lease for lease in facts.leases if lease.is_valid and lease.run not in dead]
        at_work = {lease.run for lease in self._leases}
        self._cut_off = [folder for run, folder in facts.deletions.values() if run not in at_work]

    def reason_to_keep(self, unit: Unit) -> str:
        """Return why a unit stays; an empty text if it is deleted."""
        if any(part.foreign for part in unit.parts):
            foreign = next(part.foreign for part in unit.parts if part.foreign)
            return f"{foreign!r} is in it, which is not dvt's"
        if unit.folder.kind is Kind.DELETION:
            return self._of_deletion(unit.folder)
        if unit.folder.kind is Kind.LEASE:
            return self._at_work(unit.folder.run)  # a dead lease, however young, keeps nothing
        path = unit.folder.path
        in_use = self._at_work(unit.folder.run) or self._read_by(path)
        if unit.folder.kind is Kind.UPLOAD:
            return in_use or self._may_be_under_way(unit) or self._too_young(unit)
        if in_use or any(is_within(path, folder) for folder in self._cut_off):
            return in_use  # a deletion that was cut off is finished, however young the dataset is
        return self._too_young(unit)

    def _of_deletion(self, folder: Folder) -> str:
        if folder.path not in self._facts.deletions:
            return "this version of dvt cannot read it"
        run, deleted = self._facts.deletions[folder.path]
        if any(lease.run == run for lease in self._leases):
            return f"{run} is deleting {deleted}"
        return self._read_by(deleted)

    def _at_work(self, run: str) -> str:
        if self._facts.runs.get(run):
            return f"run {run} is at work on this machine"
        for lease in self._leases:
            if run and lease.run == run:
                return f"run {run} is at work on {lease.host}, since {lease.started}"
        return ""

    def _read_by(self, path: str) -> str:
        for lease in self._leases:
            if lease.covers(path):
                return f"run {lease.run} reads it on {lease.host}"
        return ""

    def _may_be_under_way(self, unit: Unit) -> str:
        """Return why a young upload stays that is in no run's folder: of such, leases say nothing.

        That of a lease may be the first one that its command puts.
        """
        age = self._facts.now - unit.newest
        is_of_a_run = bool(unit.folder.run) and not unit.folder.path.startswith(f"{LEASES}/")
        return "" if is_of_a_run or age > timedelta(seconds=VALID_SECONDS) else f"it is {_age(age)} old"

    def _too_young(self, unit: Unit) -> str:
        age = self._facts.now - unit.newest
        if self._older_than is None or age > self._older_than:
            return ""
        return f"its newest object is {_age(age)} old"


def _age(age: timedelta) -> str:
    """Write a duration by its largest unit; one that is not over yet is none."""
    minutes = max(0, int(age.total_seconds() // 60))
    hours = minutes // 60
    if hours >= _DAYS_FROM:
        return f"{hours // 24} days"
    return f"{hours} h" if hours else f"{minutes} min"
