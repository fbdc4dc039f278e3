"""Stage tables as items: those on the record of a run, by dvt's own names, and due once that run is dead."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from dvt.core.errors import DvtError
from dvt.core.names import STAGE_PREFIX, TableRef
from dvt.core.retention import Hold, HoldCode, Item, ItemKind, Moment, Outcome, PlannedItem, Result
from dvt.lifecycle.back_up.manifest import Entry
from dvt.lifecycle.back_up.sources import NotRestored
from dvt.lifecycle.files import Stays
from dvt.runs.operations import Left, left_tables

STAGE_TABLES = "stage_tables"
"""The data type."""


class StageTableFinder:
    """Implements Finder for stage tables. It reads records alone: no database is asked."""

    def __init__(self, records: Path) -> None:
        """`records`: the folder of the runs' records."""
        self._records = records

    @property
    def data_types(self) -> tuple[str, ...]:
        """See Finder."""
        return (STAGE_TABLES,)

    @property
    def roots(self) -> tuple[str, ...]:
        """See Finder."""
        return (str(self._records),)

    @property
    def problems(self) -> Sequence[DvtError]:
        """See Finder."""
        return ()

    def find(self, now: Moment) -> Iterator[Item]:  # noqa: ARG002  records have their own times
        """See Finder."""
        yield from (_item(left, self._records) for left in left_tables(self._records))

    def look(self, items: Sequence[Item], now: Moment) -> Sequence[Item | None]:
        """See Finder."""
        present = {item.key: item for item in self.find(now)}
        return [present.get(item.key) for item in items]


class LeftTables:
    """Implements Kind for stage tables. They need no backup: nobody reads what a dead run has staged."""

    data_types = (STAGE_TABLES,)

    def __init__(
        self,
        records: Path,
        drop: Callable[[Mapping[str, Sequence[TableRef]]], Mapping[TableRef, str]],
        *,
        automatic: bool,
    ) -> None:
        """`drop`: see Surroundings. `automatic`: whether runs of a schedule drop them, too."""
        self._records, self._drop = records, drop
        self.automatic = automatic

    def finder(self, data_types: frozenset[str]) -> StageTableFinder:  # noqa: ARG002
        """See Kind."""
        return StageTableFinder(self._records)

    def needs_backup(self, item: Item) -> bool:  # noqa: ARG002
        """See Kind."""
        return False

    def close(self) -> None:
        """See Kind."""

    def prepare(self, items: Sequence[Item]) -> None:
        """See Kind."""

    def copy(self, item: Item, target: int) -> None:  # noqa: ARG002
        """See Kind."""
        raise Stays(Result.FAILED, "a stage table has no backup: its run is dead, and nobody else reads it")

    def restore(self, entry: Entry, backup: int) -> str:  # noqa: ARG002
        """See Kind."""
        raise NotRestored("a stage table does not come back: the next run makes its own")

    def is_there(self, item: Item) -> bool:
        """See Kind."""
        return StageTableFinder(self._records).look([item], 0) != [None]

    def delete(self, planned: Sequence[PlannedItem], hashes: Sequence[str]) -> list[Outcome]:  # noqa: ARG002
        """See Kind. The lock of each run is held meanwhile, so that nobody sweeps it a second time."""
        on_record = {left.table: left for left in left_tables(self._records)}
        tables = {str(table): table for table in on_record}
        wanted: dict[str, list[TableRef]] = defaultdict(list)
        for of in planned:
            table = tables.get(of.item.key)
            if table is not None and _item(on_record[table], self._records).identity == of.item.identity:
                wanted[on_record[table].run].append(table)
        try:
            reasons = {str(table): reason for table, reason in self._drop(wanted).items()} if wanted else {}
        except DvtError as error:
            return [Stays(Result.FAILED, error.message).outcome(of.item) for of in planned]
        return [_outcome(of.item, reasons.get(of.item.key)) for of in planned]


def _outcome(item: Item, reason: str | None) -> Outcome:
    if reason is None:
        return Stays(Result.CHANGED, "it is not on record any more").outcome(item)
    if reason:
        return Stays(Result.FAILED, reason).outcome(item)
    return Outcome(item=item, result=Result.DELETED)


def _item(left: Left, records: Path) -> Item:
    return Item(
        data_type=STAGE_TABLES,
        kind=ItemKind.TABLE,
        key=str(left.table),
        root=str(records),
        identity=f"{left.run} {json.dumps(asdict(left.table))}",
        modified=left.recorded,
        holds=tuple(_holds(left)),
    )


def _holds(left: Left) -> Iterator[Hold]:
    if not left.is_dead:
        yield Hold(HoldCode.RUNNING, f"run {left.run} is alive, or may be")
    if not left.table.identifier.startswith(STAGE_PREFIX):
        yield Hold(HoldCode.FOREIGN, f"its name does not begin with {STAGE_PREFIX}, so it may not be dvt's")
