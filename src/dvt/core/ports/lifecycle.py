"""The interfaces between the steps of the lifecycle: find, back up, delete, audit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from dvt.core.errors import DvtError
from dvt.core.found import Countable, Counted, Similar
from dvt.core.names import TableRef
from dvt.core.ports.staging import Bucket
from dvt.core.retention import Asking, Item, Moment, Outcome, PlanHead, PlannedItem, RunStatus


class Finder(Protocol):
    """Finds the items of one or several data types. It has no way to change them."""

    @property
    def data_types(self) -> tuple[str, ...]:
        """The data types of its items."""

    @property
    def roots(self) -> tuple[str, ...]:
        """The places in which it looks, as plans and reports name them."""

    @property
    def problems(self) -> Sequence[DvtError]:
        """Why the last `find` did not look into some of its places."""

    def find(self, now: Moment) -> Iterator[Item]:
        """Yield every item that is there, once, in no order, in constant memory.

        What cannot be judged is yielded with a hold, so that it stays and is told.
        """

    def look(self, items: Sequence[Item], now: Moment) -> Sequence[Item | None]:
        """Return for each of these items what is there now under its key: None if nothing is.

        Holds are asked for anew.
        """


@runtime_checkable
class CountingFinder(Finder, Protocol):
    """A finder that need not make an item of everything that it finds."""

    def find_or_count(
        self, now: Moment, countable: Mapping[str, Countable]
    ) -> Iterator[Item | Similar | Counted]:
        """Yield as `find` does, but of the items that `countable` is for some as numbers, or as similar.

        `countable`: by data type.
        """

    def halves(self) -> tuple[Finder, Finder] | None:
        """Return two finders that find what this one finds, each about half of it; None: that is too little.

        The first has the problems of both.
        """


@dataclass(frozen=True, slots=True)
class VerifiedBackup:
    """Proof that an item can be restored, or made again. Only `Remover.back_up` makes one."""

    planned: PlannedItem
    sha256: str
    location: str
    """The backup's path relative to the place of backups; for what was moved aside, where it is.

    Empty for what can be made again, where the settings say that it needs no backup (docs/adr/0038)."""


class StagedFolder(Protocol):
    """A project's folder in a bucket; nothing is opened yet."""

    @property
    def name(self) -> str:
        """The bucket's name."""

    def open(self, *, new: bool = False) -> Bucket | None:
        """Return the folder as a bucket, None if it is empty; `new`: begin it then.

        DvtError if it cannot be reached, or is not this project's.
        """


def _drop_nothing(tables: Mapping[str, Sequence[TableRef]]) -> Mapping[TableRef, str]:
    return {table: "the outputs of the project are not known here" for of in tables.values() for table in of}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is around a project's lifecycle, which only whoever starts the program knows."""

    staged: Callable[[], Sequence[StagedFolder]] = tuple
    """Returns the project's folders in all buckets of its profile; DvtError if settings are wrong."""
    drop: Callable[[Mapping[str, Sequence[TableRef]]], Mapping[TableRef, str]] = _drop_nothing
    """Takes stage tables by the run that has them on record, and drops those of runs that are dead.

    Returns why each stays, an empty text for one that is gone; DvtError if settings are wrong."""


class Remover(Protocol):
    """Backs up and deletes items of one kind. What deletes takes only what was backed up."""

    def back_up(self, planned: Sequence[PlannedItem]) -> Sequence[VerifiedBackup | Outcome]:
        """Back up items, and read back what was written. An item with an Outcome has no backup.

        When this returns, backups and what the manifest says of them are on the disk.
        """

    def delete(self, backups: Sequence[VerifiedBackup]) -> Sequence[Outcome]:
        """Do to items what their rules say; an item that is not what was backed up stays.

        After a kill at any step, an item is either where it was, or its backup is on the manifest.
        """


class RunAudit(Protocol):
    """The record of one run that is under way."""

    def planned(self, planned: Sequence[PlannedItem]) -> None:
        """Put on record, before anything is done, that these items are to be deleted."""

    def ended(self, outcomes: Sequence[Outcome]) -> None:
        """Put on record what became of items."""

    def close(self, status: RunStatus, detail: str = "") -> None:
        """Put the end of the run on record."""


class Audit(Protocol):
    """The record of runs, append-only. Each method returns when its rows are on the disk, or raises."""

    def begin(self, plan: PlanHead, run: str, asking: Asking, began: Moment) -> RunAudit:
        """Put a new run on record."""

    def note(
        self, asking: Asking, action: str, details: Mapping[str, object], *, run: str | None = None
    ) -> None:
        """Put on record what is no run: a restore, a pin, a changed policy, a call of the API.

        `run`: the id of the run that it is about.
        """


class Locks(Protocol):
    """Sees to it that one cleaner is at work at a time."""

    def one_cleaner(self) -> AbstractContextManager[None]:
        """Hold the lock; CleanerAtWork if somebody else has it, with who and since when."""
