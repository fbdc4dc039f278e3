"""Carries out the plan of a clean: deletes each unit as a whole, or leaves it and says why."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

from dvt.core.errors import DvtError
from dvt.core.ports.staging import Bucket, HasUploads, UnfinishedUpload
from dvt.drivers.objects.parallel import in_parallel
from dvt.staging.deletion import Deletions
from dvt.staging.housekeeping.clean_plan import CleanPlan, Unit, plan_clean
from dvt.staging.housekeeping.inventory import Folder, Kind
from dvt.staging.housekeeping.survey import dataset_of, is_empty, read_json, survey
from dvt.staging.leases import Lease, is_within
from dvt.staging.parquet import MARKER_FILE

_DELETES_AT_ONCE = 8
"""Units that are deleted at once: each takes some five requests, one after the other."""
_ORDER = (
    Kind.LEASE,
    Kind.DATASET,
    Kind.RESULT,
    Kind.TRANSFER,
    Kind.UPLOAD,
    Kind.STATE,
    Kind.DELETION,
    Kind.PROBE,
)
"""Kinds in the order in which they are deleted. A dead run's lease would cover its datasets; a deletion that
was cut off ends when its dataset is gone. Unfinished uploads may go with their dataset's folder."""


def clean(
    bucket: Bucket,
    runs: Callable[[], Mapping[str, bool]],
    *,
    older_than: timedelta | None = None,
    dry_run: bool = False,
    kept: Callable[[Unit], str] = lambda _unit: "",
) -> CleanPlan:
    """Clean a project's folder of a bucket, and return what was done; a dry run returns what would be done.

    `runs` returns the runs that this machine has a record of, and whether they are alive. `kept` returns why
    something stays that could be deleted; an empty text if nothing keeps it.
    """
    if is_empty(bucket):
        return CleanPlan()
    with Lease(bucket, f"clean-{secrets.token_hex(4)}") as lease:
        plan = plan_clean(survey(bucket, lease, runs), older_than)
        units = (unit if unit.reason else replace(unit, reason=kept(unit)) for unit in plan.units)
        plan = replace(plan, units=tuple(units))
        return plan if dry_run else _Cleaner(bucket, lease).carry_out(plan)


class _Cleaner:
    """Deletes what a plan says."""

    def __init__(self, bucket: Bucket, lease: Lease) -> None:
        self._bucket = bucket
        self._lease = lease
        self._deletions = Deletions(bucket, lease)
        self._failure: DvtError | None = None

    def carry_out(self, plan: CleanPlan) -> CleanPlan:
        """Delete what the plan says; return the plan with the reasons of what has stayed nevertheless."""
        outcome = list(plan.kept)
        for kind in _ORDER:
            units = [unit for unit in plan.deleted if unit.folder.kind is kind]
            tried = partial(self._try, {unit.folder.path for unit in outcome if unit.reason})
            outcome += in_parallel(tried, units, at_once=_DELETES_AT_ONCE)
        if self._failure is None:
            self._remove_empty_folders(outcome)
        outcome.sort(key=lambda unit: unit.folder.path)
        return CleanPlan(tuple(outcome), plan.foreign, self._failure, plan.refusal)

    def _try(self, staying: Collection[str], unit: Unit) -> Unit:
        """Delete a unit, and return it, with the reason if it stays. After an error all others stay."""
        if self._failure is not None:
            return replace(unit, reason="the bucket failed before")
        try:
            return replace(unit, reason=self._delete(staying, unit))
        except DvtError as error:
            self._failure = self._failure or error
            return replace(unit, reason="the bucket failed")

    def _delete(self, staying: Collection[str], unit: Unit) -> str:
        match unit.folder.kind:
            case Kind.DATASET:
                return self._delete_dataset(unit)
            case Kind.STATE:
                return self._delete_state(unit.folder, "")
            case Kind.DELETION:
                return self._end_deletion(unit.folder, staying)
            case Kind.UPLOAD:
                self._abort(unit.folder.upload)
                return ""
        self._bucket.delete(unit.folder.path)
        return ""

    def _abort(self, upload: UnfinishedUpload | None) -> None:
        """Abort an upload. Who has begun it had a lease before, so nobody who begins now has begun it."""
        if upload is not None and isinstance(self._bucket, HasUploads):
            self._bucket.abort(upload)

    def _delete_dataset(self, unit: Unit) -> str:
        """Delete a dataset, then what names it: the other way round, it would stay alone after a crash."""
        if not self._deletions.delete(unit.folder.path):
            return "a run began to read it meanwhile"
        for state in unit.states:
            self._delete_state(state, unit.folder.path)
        return ""

    def _delete_state(self, state: Folder, dataset: str) -> str:
        """Delete a state, unless it has got another dataset meanwhile; return why it stays."""
        named = dataset_of(read_json(self._bucket, state.objects[0].key))
        if named != dataset and named and self._is_committed(named):
            return f"it was replaced meanwhile, and names {named}"
        self._bucket.delete(state.path)
        return ""

    def _end_deletion(self, deletion: Folder, staying: Collection[str]) -> str:
        deleted = str(read_json(self._bucket, deletion.objects[0].key).get("folder"))
        stays = next((path for path in staying if is_within(path, deleted)), "")
        if not stays:
            self._bucket.delete(deletion.path)
        return f"{stays} stays" if stays else ""

    def _is_committed(self, dataset: str) -> bool:
        try:
            self._bucket.get(f"{dataset}/{MARKER_FILE}").close()
        except (FileNotFoundError, ValueError):
            return False
        return True

    def _remove_empty_folders(self, outcome: Iterable[Unit]) -> None:
        """Remove what file systems keep of runs that are gone: folders, and what a killed writer left."""
        staying = {unit.folder.run for unit in outcome if unit.reason}
        for run in sorted({unit.folder.run for unit in outcome} - staying - {""}):
            if next(iter(self._bucket.objects(run)), None) is None:
                self._bucket.delete(run)
