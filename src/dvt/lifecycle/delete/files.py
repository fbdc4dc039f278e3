"""Deletes files that have a verified backup: moved into the quarantine, looked at again, and removed."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Self

from dvt.core.errors import DvtError
from dvt.core.ports.lifecycle import VerifiedBackup
from dvt.core.retention import Action, Item, Moment, Outcome, PlannedItem, Result
from dvt.lifecycle.back_up.back_up import FileBackups
from dvt.lifecycle.back_up.manifest import Entry
from dvt.lifecycle.back_up.sources import Source
from dvt.lifecycle.back_up.vault import Vault
from dvt.lifecycle.delete.compression import is_compressed
from dvt.lifecycle.delete.deletion import FOLDERS_AT_ONCE, Deletion
from dvt.lifecycle.delete.quarantine import Quarantine, move_of
from dvt.lifecycle.files import Places, Stays, folder_of, in_words, name_of


class FileRemover:
    """Backs up and deletes the files of one run; see Remover. Use it in a `with`."""

    def __init__(
        self,
        vault: Vault,
        run: str,
        places: Places,
        *,
        keep: timedelta = timedelta(days=7),
        remove_empty_folders: Collection[str] = (),
        sources: Mapping[str, Source] | None = None,
        clock: Callable[[], Moment] = time.time_ns,
    ) -> None:
        """Begin a run.

        `remove_empty_folders`: data types whose folders go when they are left empty.
        `sources`: see FileBackups.
        """
        self.run = run
        self.backups = FileBackups(vault, run, places, keep=keep, sources=sources, clock=clock)
        """The backups of the run, of items that are no files, too."""
        self._places, self._empty_folders = places, remove_empty_folders
        self._made: dict[str, Entry] = {}
        """The backups that this object has made, by location: it deletes for no others."""
        self._quarantines: dict[str, Quarantine] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the manifest, and remove quarantines that are empty. May be called twice."""
        self.backups.close()
        while self._quarantines:
            self._quarantines.popitem()[1].close()

    def back_up(self, planned: Sequence[PlannedItem]) -> list[VerifiedBackup | Outcome]:
        """See Remover."""
        due = [one for one in planned if not _is_compressed(one)]
        answers = iter(self.backups.back_up(due))
        return [
            Stays(Result.CHANGED, "it is compressed already").outcome(one.item)
            if _is_compressed(one)
            else self._noted(one, next(answers))
            for one in planned
        ]

    def _noted(self, planned: PlannedItem, answer: Entry | Outcome) -> VerifiedBackup | Outcome:
        if isinstance(answer, Outcome):
            return answer
        self._made[answer.location] = answer
        return VerifiedBackup(planned, answer.sha256, answer.location)

    def delete(self, backups: Sequence[VerifiedBackup]) -> list[Outcome]:
        """See Remover."""
        outcomes = {
            backup.location: Stays(Result.FAILED, "this run has made no backup of it").outcome(_item(backup))
            for backup in backups
        }
        made = [backup for backup in backups if backup.location in self._made]
        for some in _in_few_folders(made):
            done = self._delete_some(_item(some[0]).root, some)
            outcomes |= {backup.location: outcome for backup, outcome in zip(some, done, strict=True)}
        return [outcomes[backup.location] for backup in backups]

    def _delete_some(self, root_path: str, backups: Sequence[VerifiedBackup]) -> list[Outcome]:
        try:
            quarantine = self._quarantine(root_path)
            moves = [move_of(self._made.pop(backup.location)) for backup in backups]
            quarantine.will_take(moves)
        except (OSError, DvtError) as error:
            why = error.message if isinstance(error, DvtError) else in_words(error)
            return [Stays(Result.FAILED, why).outcome(backup.planned.item) for backup in backups]
        with Deletion(self._places, quarantine, remove_empty_folders=self._empty_folders) as deletion:
            return deletion.run(moves)

    def _quarantine(self, root_path: str) -> Quarantine:
        if root_path not in self._quarantines:
            self._quarantines[root_path] = Quarantine(self._places.root(root_path), self.run, new=True)
        return self._quarantines[root_path]


def _is_compressed(planned: PlannedItem) -> bool:
    return planned.decision.action is Action.COMPRESS and is_compressed(name_of(planned.item))


def _item(backup: VerifiedBackup) -> Item:
    return backup.planned.item


def _in_few_folders(backups: Sequence[VerifiedBackup]) -> Iterator[list[VerifiedBackup]]:
    """Yield groups of backups, each of one root and of few enough folders to have them open at once."""
    some: list[VerifiedBackup] = []
    folders: set[tuple[str, bytes]] = set()
    for backup in sorted(backups, key=lambda backup: (_item(backup).root, folder_of(_item(backup)))):
        place = (_item(backup).root, folder_of(_item(backup)))
        if some and (place[0] != _item(some[0]).root or len(folders | {place}) > FOLDERS_AT_ONCE):
            yield some
            some, folders = [], set()
        folders.add(place)
        some.append(backup)
    if some:
        yield some
