"""Finds datasets in a project's folders of buckets. What keeps a dataset is what `dvt clean` says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from dvt.core.errors import DvtError
from dvt.core.moments import moment_of_time, time_of_moment
from dvt.core.ports.lifecycle import StagedFolder
from dvt.core.ports.staging import Bucket
from dvt.core.retention import Hold, HoldCode, Item, ItemKind, Moment, Status
from dvt.staging.housekeeping.clean_plan import Unit, plan_clean
from dvt.staging.housekeeping.inventory import Kind, take_inventory
from dvt.staging.housekeeping.survey import facts_of
from dvt.staging.leases import leases

STAGING, STATE = "staging", "extraction_state"
"""Data types: what runs have staged, and what is kept for later extractions, with the state that names it."""
KINDS = frozenset({Kind.DATASET, Kind.RESULT, Kind.STATE})
"""What is an item: leases, deletions, probes and unfinished uploads are `dvt clean`'s alone."""


class StagedFinder:
    """Implements Finder for what is staged. It puts nothing into a bucket, no lease either."""

    def __init__(
        self,
        folders: Callable[[], Sequence[StagedFolder]],
        runs: Callable[[], Mapping[str, bool]],
        data_types: Sequence[str] = (STAGING, STATE),
    ) -> None:
        """`runs`: those that this machine has a record of, and whether they are alive."""
        self._folders, self._runs = folders, runs
        self._data_types = tuple(data_types)
        self._problems: list[DvtError] = []
        self._roots: list[str] = []

    @property
    def data_types(self) -> tuple[str, ...]:
        """See Finder."""
        return self._data_types

    @property
    def roots(self) -> tuple[str, ...]:
        """See Finder."""
        return tuple(self._roots)

    @property
    def problems(self) -> Sequence[DvtError]:
        """See Finder."""
        return tuple(self._problems)

    def find(self, now: Moment) -> Iterator[Item]:
        """See Finder. A bucket that cannot be looked at is noted in `problems`."""
        self._problems, self._roots = [], []
        for bucket in self._buckets():
            self._roots.append(bucket.address)
            try:
                yield from self._items(bucket, now)
            except DvtError as error:
                self._problems.append(error)

    def look(self, items: Sequence[Item], now: Moment) -> Sequence[Item | None]:
        """See Finder."""
        present = {item.key: item for item in self.find(now)}
        unseen = tuple(Hold(HoldCode.UNREADABLE, error.message) for error in self._problems)
        return [present.get(item.key) or (replace(item, holds=unseen) if unseen else None) for item in items]

    def _buckets(self) -> Iterator[Bucket]:
        try:
            folders = self._folders()
        except DvtError as error:
            self._problems.append(error)
            return
        for folder in folders:
            try:
                bucket = folder.open()
            except DvtError as error:
                self._problems.append(error)
                continue
            if bucket is not None:
                yield bucket

    def _items(self, bucket: Bucket, now: Moment) -> Iterator[Item]:
        moment = time_of_moment(now)
        inventory = take_inventory(bucket.objects(""))
        facts = facts_of(bucket, inventory, moment, list(leases(bucket, moment)), self._runs())
        for unit in plan_clean(facts).units:
            if unit.folder.kind in KINDS and data_type_of(unit) in self._data_types:
                yield item_of(unit, bucket.address)


def data_type_of(unit: Unit) -> str:
    """Return the data type of what is deleted together."""
    return STATE if unit.states or unit.folder.kind is Kind.STATE else STAGING


def item_of(unit: Unit, address: str) -> Item:
    """Return what is deleted together, in the bucket of an address, as an item."""
    folder = unit.folder
    status = None
    if folder.kind is not Kind.STATE:
        status = Status.COMPLETED if folder.is_committed else Status.FAILED
    return Item(
        data_type=data_type_of(unit),
        kind=ItemKind.DATASET,
        key=key_of(address, folder.path),
        root=address,
        identity=unit.identity,
        group=_group(unit),
        bytes=unit.bytes,
        files=unit.objects,
        status=status,
        modified=moment_of_time(unit.newest),
        holds=(Hold(HoldCode.LEASED, unit.reason),) if unit.reason else (),
    )


def _group(unit: Unit) -> str:
    """Return the table that a state is of, else the connection; results of models are versions of nothing."""
    states = [part.path for part in unit.parts if part.kind is Kind.STATE]
    if states:
        return "/".join(states[0].split("/")[1:-1])
    return unit.folder.path.split("/")[1] if unit.folder.kind is Kind.DATASET else ""


def key_of(address: str, path: str) -> str:
    """Return the key of a folder in a bucket."""
    return f"{address.rstrip('/')}/{path}"
