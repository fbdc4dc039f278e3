"""Datasets in buckets as items: backed up by reading them, deleted by what `dvt clean` deletes them by."""

from __future__ import annotations

import os
import secrets
import tarfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO, cast

from dvt.core.errors import DvtError
from dvt.core.ports.lifecycle import StagedFolder
from dvt.core.ports.staging import Bucket, StoredObject
from dvt.core.retention import Item, Outcome, PlannedItem, Result
from dvt.lifecycle.back_up.manifest import Entry
from dvt.lifecycle.back_up.sources import NotRestored
from dvt.lifecycle.files import Stays
from dvt.lifecycle.staged.finder import STAGING, STATE, StagedFinder, key_of
from dvt.staging.deletion import Deletions, deletions
from dvt.staging.housekeeping.clean_plan import Unit, identity_of
from dvt.staging.housekeeping.cleaning import clean
from dvt.staging.housekeeping.inventory import Kind, take_inventory
from dvt.staging.housekeeping.survey import dataset_of, read_json
from dvt.staging.leases import Lease, is_within
from dvt.staging.parquet import MARKER_FILE
from dvt.staging.state import STATES

_STATE = 2
"""Rank of states: they name a dataset that is there."""


class StagedDatasets:
    """Implements Kind for what runs have staged."""

    automatic = True

    def __init__(
        self,
        folders: Callable[[], Sequence[StagedFolder]],
        runs: Callable[[], Mapping[str, bool]],
        *,
        without_backup: frozenset[str] = frozenset(),
    ) -> None:
        """`without_backup`: data types whose items need none, since runs can extract them again."""
        self._folders, self._runs, self._without = folders, runs, without_backup
        self._opened: dict[str, Bucket] = {}

    @property
    def data_types(self) -> tuple[str, ...]:
        """See Kind."""
        return (STAGING, STATE)

    def finder(self, data_types: frozenset[str]) -> StagedFinder:
        """See Kind."""
        return StagedFinder(
            self._folders, self._runs, [name for name in self.data_types if name in data_types]
        )

    def needs_backup(self, item: Item) -> bool:
        """See Kind."""
        return item.data_type not in self._without

    def close(self) -> None:
        """See Kind."""
        self._opened.clear()

    def prepare(self, items: Sequence[Item]) -> None:
        """See Kind."""

    def copy(self, item: Item, target: int) -> None:
        """See Kind. The backup is a tar archive of the objects, by their keys; a marker is the last."""
        bucket = self._bucket(item.root)
        try:
            keys = self._unchanged(bucket, item)
            with os.fdopen(os.dup(target), "wb") as file, tarfile.open(fileobj=file, mode="w|") as archive:
                for stored in sorted(keys, key=lambda one: (_rank(one.key), one.key)):
                    _add(archive, bucket, stored)
            self._unchanged(bucket, item)
        except DvtError as error:
            raise Stays(Result.FAILED, error.message) from error

    def restore(self, entry: Entry, backup: int) -> str:
        """See Kind. What reads the dataset sees it when its marker is there, which comes last."""
        path = entry.item.key.removeprefix(key_of(entry.item.root, ""))
        bucket = self._bucket(entry.item.root, new=True)
        with Lease(bucket, f"restore-{secrets.token_hex(4)}") as lease:
            Deletions(bucket, lease).finish()
            if any(is_within(path, deletion.folder) for deletion in deletions(bucket)):
                raise NotRestored("somebody is deleting it, or has it read meanwhile: try again later")
            lease.uses(path)
            return _put_back(bucket, lease, path, backup)

    def is_there(self, item: Item) -> bool:
        """See Kind."""
        try:
            bucket = self._bucket(item.root)
            return next(iter(bucket.objects(item.key.removeprefix(key_of(item.root, "")))), None) is not None
        except (NotRestored, DvtError):
            return True

    def delete(self, planned: Sequence[PlannedItem], hashes: Sequence[str]) -> list[Outcome]:  # noqa: ARG002
        """See Kind. Leases are asked once more; readers see a dataset whole, or not at all."""
        by_bucket: dict[str, dict[str, Item]] = defaultdict(dict)
        for of in planned:
            by_bucket[of.item.root][of.item.key] = of.item
        outcomes: dict[str, Outcome] = {}
        for address, items in by_bucket.items():
            outcomes |= self._delete(address, items)
        return [outcomes[of.item.key] for of in planned]

    def _delete(self, address: str, items: Mapping[str, Item]) -> dict[str, Outcome]:
        def kept(unit: Unit) -> str:
            item = items.get(key_of(address, unit.folder.path))
            if item is None:
                return "the plan does not have it"
            return "" if item.identity == unit.identity else "it has changed since the plan was made"

        try:
            done = clean(self._bucket(address), self._runs, kept=kept)
        except (DvtError, NotRestored) as error:
            why = error.message if isinstance(error, DvtError) else str(error)
            return {key: Stays(Result.FAILED, why).outcome(item) for key, item in items.items()}
        failed = "" if done.failure is None else done.failure.message
        reasons = {key_of(address, unit.folder.path): unit.reason for unit in done.units}
        return {key: _outcome(item, reasons.get(key), failed) for key, item in items.items()}

    def _unchanged(self, bucket: Bucket, item: Item) -> list[StoredObject]:
        """Return the objects of an item: of its folder, and of the states that name it; Stays if changed."""
        path = item.key.removeprefix(key_of(item.root, ""))
        states = _states_of(bucket, path) if item.data_type == STATE else []
        objects = [stored for name in (path, *states) for stored in bucket.objects(name)]
        if not objects:
            raise Stays(Result.CHANGED, "it is gone")
        if identity_of(objects) != item.identity:
            raise Stays(Result.CHANGED, "it has changed since the plan was made")
        return objects

    def _bucket(self, address: str, *, new: bool = False) -> Bucket:
        """Return the bucket of an address; NotRestored if the project has none there."""
        if address not in self._opened:
            for folder in self._folders():
                bucket = folder.open(new=new)
                if bucket is not None:
                    self._opened[bucket.address] = bucket
        if address not in self._opened:
            raise NotRestored(f"the project has no bucket at {address} any more")
        return self._opened[address]


def _outcome(item: Item, reason: str | None, failed: str) -> Outcome:
    if reason is None:
        return Stays(Result.CHANGED, "it is gone").outcome(item)
    if not reason:
        return Outcome(item=item, result=Result.DELETED)
    if failed:
        return Stays(Result.FAILED, f"{reason}: {failed}").outcome(item)
    return Stays(Result.CHANGED, reason).outcome(item)


def _states_of(bucket: Bucket, path: str) -> list[str]:
    """Return the states that name a dataset."""
    if path.startswith(f"{STATES}/"):
        return []
    states = take_inventory(bucket.objects(STATES)).of(Kind.STATE)
    return [of.path for of in states if dataset_of(read_json(bucket, of.objects[0].key)) == path]


def _rank(key: str) -> int:
    """Return the place of an object in the order in which objects are put: the marker, then states."""
    if key.startswith(f"{STATES}/"):
        return _STATE
    return 1 if key.endswith(f"/{MARKER_FILE}") else 0


def _add(archive: tarfile.TarFile, bucket: Bucket, stored: StoredObject) -> None:
    info = tarfile.TarInfo(stored.key)
    info.size, info.mtime, info.mode = stored.bytes, int(stored.modified.timestamp()), 0o600
    try:
        with bucket.get(stored.key) as content:
            archive.addfile(info, content)
            if content.read(1):
                raise Stays(Result.CHANGED, "it has changed while it was backed up")
    except FileNotFoundError as error:
        raise Stays(Result.CHANGED, "it has gone while it was backed up") from error


def _put_back(bucket: Bucket, lease: Lease, path: str, backup: int) -> str:
    """Put objects back in their order; return what is not as it was."""
    there = {} if path.startswith(f"{STATES}/") else dict(bucket.list(path))
    with os.fdopen(os.dup(backup), "rb") as file, tarfile.open(fileobj=file, mode="r:") as archive:
        infos = archive.getmembers()
        own = {info.name: info.size for info in infos if _rank(info.name) != _STATE}
        if any(own.get(key) != size for key, size in there.items()):
            raise NotRestored("another dataset is in its place")
        lacking = ["it is there already"] if there and there == own else []
        for info in infos:
            content = archive.extractfile(info)
            assert content is not None  # noqa: S101  a regular file has one
            if not lacking or _rank(info.name) == _STATE:
                lease.check()
                lacking += _put(bucket, info.name, cast(BinaryIO, content))
    return "; ".join(lacking)


def _put(bucket: Bucket, key: str, content: BinaryIO) -> list[str]:
    if not _rank(key):
        bucket.put(key, content)
        return []
    data = content.read()
    try:
        bucket.put_once(key, data)
    except FileExistsError:
        with bucket.get(key) as there:
            if there.read() != data:
                return [f"{key} is another one by now, and stays"]
    return []
