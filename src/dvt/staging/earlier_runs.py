"""What runs that have failed or died left in a bucket: what a later run may take, and what it removes."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dvt.core.keeping import Keep, Keeping
from dvt.core.ports.staging import Bucket, Dataset, Location, StoredObject
from dvt.core.tables import StageColumn
from dvt.core.types import StageType
from dvt.staging.deletion import Deletions
from dvt.staging.leases import LEASES, Lease, leases
from dvt.staging.parquet import FACTS, MARKER_FILE
from dvt.staging.state import States


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """A dataset of an earlier run that says of what it is the answer; all its files are there."""

    run: str
    folder: str
    put_at: datetime
    facts: Mapping[str, Any]
    """What its run has noted of it."""
    columns: tuple[StageColumn, ...]
    files: tuple[str, ...]
    rows: int
    bytes: int

    def dataset(self, bucket: Bucket, columns: tuple[StageColumn, ...]) -> Dataset:
        """Return it as an answer with `columns`, which it has; its others are `others`."""
        names = {column.name for column in columns}
        others = tuple(column for column in self.columns if column.name not in names)
        keys = tuple(f"{self.folder}/{file}" for file in self.files)
        return Dataset(Location(bucket, self.folder), keys, columns, self.rows, self.bytes, others)


class EarlierRuns:
    """The runs that are over and have left something, as they are when this is made.

    Each has left an expired lease. What has none is nobody's business here: it stays on purpose, or is not
    dvt's.
    """

    def __init__(self, bucket: Bucket, lease: Lease) -> None:
        self._bucket = bucket
        self._lease = lease
        expired = [other.run for other in lease.others() if not other.is_valid]
        self._runs = {run: list(bucket.objects(run)) for run in expired}

    def committed(self, within: timedelta) -> list[Committed]:
        """Return the datasets that are not older than `within`: the latest first."""
        now = self._lease.now()
        committed = [
            dataset
            for run, objects in self._runs.items()
            for dataset in _committed(self._bucket, run, objects)
            if now - dataset.put_at <= within
        ]
        return sorted(committed, key=lambda dataset: dataset.put_at, reverse=True)

    def remove(self, older_than: timedelta) -> None:
        """Remove what of these runs has not changed for `older_than`, and their leases if nothing is left.

        What a lease covers stays. Deletions that were cut off are finished.
        """
        for run in self._unchanged_for(older_than):
            kept = _named_by_states(self._bucket)
            remove_run(self._bucket, self._lease, run, kept)
            if not _left(self._bucket, run, kept):
                self._bucket.delete(f"{LEASES}/{run}")
        if self._runs:
            Deletions(self._bucket, self._lease).finish()

    def forget(self, older_than: timedelta) -> None:
        """Remove the leases of these runs alone: what they have left stays, and no run takes it any more."""
        for run in self._unchanged_for(older_than):
            self._bucket.delete(f"{LEASES}/{run}")

    def _unchanged_for(self, duration: timedelta) -> list[str]:
        now = self._lease.now()
        return [
            run
            for run, objects in self._runs.items()
            if all(now - stored.modified >= duration for stored in objects)
        ]


def look_for_committed(bucket: Bucket, within: timedelta) -> list[Committed]:
    """Return what `EarlierRuns.committed` would, without a lease: nothing of it is certain to stay.

    The time is the latest that is known of, since nothing is put to ask for the store's.
    """
    latest = max((stored.modified for stored in bucket.objects(LEASES)), default=None)
    if latest is None:
        return []
    now = max(latest, datetime.now(UTC))
    expired = [held.run for held in leases(bucket, now) if not held.is_valid]
    committed = [dataset for run in expired for dataset in resumable(bucket, run)]
    young = [dataset for dataset in committed if now - dataset.put_at <= within]
    return sorted(young, key=lambda dataset: dataset.put_at, reverse=True)


def remove_run(bucket: Bucket, lease: Lease, run: str, kept: Collection[str] = ()) -> None:
    """Remove what a run has staged, but for the datasets in the folders `kept` and what leases cover."""
    folders = [run]
    if any(folder.startswith(f"{run}/") for folder in kept):
        folders = sorted({key.rpartition("/")[0] for key, _ in bucket.list(run)} - set(kept))
    deletions = Deletions(bucket, lease)
    for folder in folders:
        deletions.delete(folder)


def end_dead_run(bucket: Bucket, keeping: Keeping, run: str) -> bool:
    """Remove what a run that is dead for certain has staged, but for what later runs may take.

    It is done under the lease of the dead run, so that only one command does it.

    Returns:
        Whether nothing is left that a later run has to remove.
    """
    lease = Lease(bucket, run)
    left: set[str] = set()
    named = _named_by_states(bucket)
    try:
        now = lease.now()
        committed = resumable(bucket, run) if keeping.for_later_runs else []
        young = (dataset for dataset in committed if now - dataset.put_at < keeping.resume_within)
        left = {dataset.folder for dataset in young} - named
        if keeping.keep is not Keep.ALWAYS:
            remove_run(bucket, lease, run, left | named)
            Deletions(bucket, lease).finish(own=True)
    finally:
        lease.close(leaves=bool(left))
    return keeping.keep is Keep.ALWAYS or not _left(bucket, run, named)


def _named_by_states(bucket: Bucket) -> set[str]:
    """Return the folders of the datasets that states name: those are never removed by runs."""
    return {state.dataset for state in States(bucket).all()}


def _left(bucket: Bucket, run: str, kept: Collection[str]) -> bool:
    """True if a run has anything staged but the datasets in `kept`."""
    return any(key.rpartition("/")[0] not in kept for key, _ in bucket.list(run))


def resumable(bucket: Bucket, run: str) -> list[Committed]:
    """Return the datasets of one run that later ones may take."""
    return list(_committed(bucket, run, list(bucket.objects(run))))


def _committed(bucket: Bucket, run: str, objects: Collection[StoredObject]) -> Iterator[Committed]:
    """Yield the datasets of a run that say what they are, and that are whole."""
    sizes = {stored.key: stored.bytes for stored in objects}
    for stored in objects:
        folder, _, name = stored.key.rpartition("/")
        if name == MARKER_FILE:
            committed = _read(bucket, run, folder, stored.modified)
            if committed is not None and _is_whole(committed, sizes):
                yield committed


def _is_whole(committed: Committed, sizes: Mapping[str, int]) -> bool:
    found = [sizes.get(f"{committed.folder}/{file}") for file in committed.files]
    return None not in found and sum(size or 0 for size in found) == committed.bytes


def _read(bucket: Bucket, run: str, folder: str, put_at: datetime) -> Committed | None:
    """Read a marker; None for one that does not say what its dataset is."""
    try:
        with bucket.get(f"{folder}/{MARKER_FILE}") as data:
            marker = json.loads(data.read())
        return Committed(
            run=run,
            folder=folder,
            put_at=put_at,
            facts=dict(marker[FACTS]),
            columns=tuple(
                StageColumn(column["name"], StageType.parse(column["type"])) for column in marker["columns"]
            ),
            files=tuple(marker["files"]),
            rows=int(marker["rows"]),
            bytes=int(marker["bytes"]),
        )
    except (FileNotFoundError, ValueError, LookupError, TypeError):
        return None
