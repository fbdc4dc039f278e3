"""One batch's deletion of files of one root, and what puts them back."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Self

from dvt.core.file_names import as_path
from dvt.core.retention import Action, Item, ItemKind, Outcome, Result
from dvt.drivers.file_system import sync
from dvt.drivers.file_uses import FileUses, file_uses, is_open_elsewhere
from dvt.lifecycle.delete.compression import compress
from dvt.lifecycle.delete.quarantine import Move, Quarantine
from dvt.lifecycle.files import (
    Folders,
    Places,
    Stays,
    found,
    in_words,
    open_unchanged,
    require_unchanged,
    require_unused,
)
from dvt.lifecycle.folders import require_nothing_open, require_unchanged_folder

FOLDERS_AT_ONCE = 128
"""So many folders are open at once, for files to be put back to where they were."""
RESULTS = {
    Action.DELETE: Result.DELETED,
    Action.ARCHIVE: Result.ARCHIVED,
    Action.QUARANTINE: Result.QUARANTINED,
    Action.COMPRESS: Result.COMPRESSED,
}
"""Action → what became of an item when it is done."""


class Deletion:
    """Takes files into the quarantine, and removes them there or puts them back: use it in a `with`."""

    def __init__(
        self, places: Places, quarantine: Quarantine, *, remove_empty_folders: Collection[str] = ()
    ) -> None:
        """`remove_empty_folders`: data types of which folders go that are left empty."""
        self._places, self._quarantine = places, quarantine
        self._remove_empty_folders = remove_empty_folders
        self._folders = Folders(places, most=FOLDERS_AT_ONCE)
        """Open, so that a file goes back to its folder, wherever that is now."""
        self._uses: FileUses | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._folders.__exit__()

    def run(self, moves: Sequence[Move]) -> list[Outcome]:
        """Delete files, of which the journal knows, and return what became of each."""
        taken = [self._take(move) for move in moves]
        # Nobody can open any of them any more: who has one open now is seen, and who had, has changed it.
        outcomes = [stays or self.end(move) for move, stays in zip(moves, taken, strict=True)]
        return self.lasting(outcomes)

    def end(self, move: Move) -> Outcome:
        """Remove a file that is in the quarantine, or put it back if it is not what it should be."""
        try:
            self._look_again(move)
            with found(move.item):
                if move.action is Action.COMPRESS:
                    folder, name = self._folders.of(move.item)
                    compress(self._quarantine.fd, move.slot, move.sha256, folder, name)
                if move.action is not Action.QUARANTINE:
                    self._quarantine.remove(move.slot)
        except Stays as stays:
            return self.put_back(move, stays)
        return Outcome(item=move.item, result=RESULTS[move.action], sha256=move.sha256, backup=move.location)

    def put_back(self, move: Move, stays: Stays) -> Outcome:
        """Put a file back to where it was, and return why it stays; never in the place of another."""
        try:
            folder, name = self._folders.of(move.item)
            self._quarantine.give_back(move, folder, name)
        except FileExistsError:
            why = "something else has its name"
        except OSError as error:
            why = in_words(error)
        except Stays as gone:
            why = gone.detail
        else:
            return stays.outcome(move.item)
        where = f"it is {self._quarantine.path}/{move.slot}, since it cannot be put back: {why}"
        return Outcome(item=move.item, result=Result.FAILED, detail=f"{stays.detail}; {where}")

    def lasting(self, outcomes: list[Outcome]) -> list[Outcome]:
        """Write what was done to the disk, and remove folders that are empty now, if asked."""
        try:
            sync([self._quarantine.fd, *self._folders.descriptors], within=self._quarantine.fd)
        except OSError as error:
            why = f"whether the disk knows of it is not known: {in_words(error)}"
            return [replace(outcome, detail=f"{outcome.detail} {why}".lstrip()) for outcome in outcomes]
        for outcome in outcomes:
            is_gone = outcome.result not in {Result.CHANGED, Result.FAILED}
            if is_gone and outcome.item.data_type in self._remove_empty_folders:
                self._remove_folders(outcome.item)
        return outcomes

    def _take(self, move: Move) -> Outcome | None:
        """Move a file into the quarantine; an Outcome if it stays."""
        item = move.item
        try:
            folder, name = self._folders.of(item)
            foreign = self._places.place(item.root).foreign
            with found(item):
                if item.kind is ItemKind.FILE:
                    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
                    require_unchanged(status, item, foreign=foreign)
                self._quarantine.take(folder, name, move)
        except Stays as stays:
            return stays.outcome(item)
        return None

    def _look_again(self, move: Move) -> None:
        """Raise Stays unless what was moved is the file of the plan, and nobody has it open."""
        if move.item.kind is ItemKind.FOLDER:
            self._look_again_at_folder(move)
            return
        foreign = self._places.place(move.item.root).foreign
        descriptor = open_unchanged(self._quarantine.fd, move.slot.encode(), move.item, foreign=foreign)
        try:
            answer = is_open_elsewhere(descriptor)
            if answer is False:
                return
            if self._uses is None:
                self._uses = file_uses(besides=frozenset({descriptor}))
            require_unused(os.fstat(descriptor), self._uses)
            if answer:
                raise Stays(Result.CHANGED, "somebody has it open")
        finally:
            os.close(descriptor)

    def _look_again_at_folder(self, move: Move) -> None:
        """As `_look_again`: nobody can enter it by its name, but who has something of it open still could."""
        root, foreign = self._places.root(move.item.root), self._places.place(move.item.root).foreign
        with found(move.item):
            uses = file_uses(besides=frozenset(self._folders.descriptors))
            folder = self._quarantine.folder(move.slot)
            try:
                require_unchanged_folder(root, folder, move.item, uses, foreign=foreign)
                require_nothing_open(root, folder)
            finally:
                os.close(folder)

    def _remove_folders(self, item: Item) -> None:
        """Remove the folders above a file, below its root, that are empty."""
        root = self._places.root(item.root)
        parts, _ = root.parts(as_path(item.key))
        with suppress(OSError):
            for length in range(len(parts) - 1, -1, -1):
                with root.folder(parts[:length]) as above:
                    os.rmdir(parts[length], dir_fd=above)
