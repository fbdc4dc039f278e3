"""Backups of files in batches: copied, on the disk, read back, and on the manifest, or not at all."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from dvt.core.file_names import as_path
from dvt.core.ports.lifecycle import VerifiedBackup
from dvt.core.retention import Action, Item, Moment, Outcome, PlannedItem, Result
from dvt.drivers.copying import Attributes, attributes, copy, digest_of, forget_cached
from dvt.drivers.file_system import sync, sync_one
from dvt.drivers.file_uses import FileUses, file_uses
from dvt.lifecycle.back_up.manifest import Entry, Manifest
from dvt.lifecycle.back_up.vault import Vault, backup_name
from dvt.lifecycle.files import (
    Places,
    Stays,
    folder_of,
    in_its_folder,
    in_words,
    open_unchanged,
    require_unchanged,
    require_unused,
)

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_WRITTEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class _Copy:
    """A copy that was written; whether it can be read back is not known yet."""

    planned: PlannedItem
    file: str
    size: int
    sha256: str
    attributes: Attributes


_Answer = _Copy | Outcome


class FileBackups:
    """Makes the verified backups of one run; its folder is made with the first batch. Use it in a `with`."""

    def __init__(
        self,
        vault: Vault,
        run: str,
        places: Places,
        *,
        keep: timedelta = timedelta(days=7),
        clock: Callable[[], Moment] = time.time_ns,
    ) -> None:
        self.run = run
        self._vault, self._places, self._keep, self._clock = vault, places, keep, clock
        self._open = ExitStack()
        self._begun: tuple[int, Manifest] | None = None
        self._batches = 0
        self._outside: set[bytes] = set()
        """Folders that are not in the vault."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the run's manifest. May be called twice."""
        self._open.close()
        self._begun = None

    def back_up(self, planned: Sequence[PlannedItem]) -> list[VerifiedBackup | Outcome]:
        """See Remover. Each call is one batch."""
        if not planned:
            return []
        files = _files(self._batches, [one.item for one in planned])
        self._batches += 1
        try:
            answers = self._batch(dict(zip(files, planned, strict=True)))
        except OSError as error:
            stays = Stays(Result.FAILED, f"no backup could be made: {in_words(error)}")
            return [stays.outcome(one.item) for one in planned]
        return [self._proof(answer) if isinstance(answer, _Copy) else answer for answer in answers]

    def _batch(self, planned: Mapping[str, PlannedItem]) -> list[_Answer]:
        """Back up a batch: what is a `_Copy` when this returns is a backup."""
        folder, manifest = self._begin()
        manifest.will_write(list(planned))
        batch = _Batch(folder)
        with batch:
            uses = file_uses()
            answers = [self._copied(batch, file, one, uses) for file, one in planned.items()]
            batch.sync(answer.file for answer in answers if isinstance(answer, _Copy))
            answers = [batch.read_back(answer) if isinstance(answer, _Copy) else answer for answer in answers]
            entries = [self._entry(answer) for answer in answers if isinstance(answer, _Copy)]
            manifest.add(entries)
        for entry in entries:
            # A convenience for those who restore with `cp`; what counts is the manifest.
            with suppress(OSError):
                self._vault.link_latest(entry.location)
        return answers

    def _begin(self) -> tuple[int, Manifest]:
        if self._begun is None:
            folder, manifest = self._vault.new_run(self.run)
            self._open.callback(os.close, folder)
            self._open.callback(manifest.close)
            sync_one(folder)
            sync_one(self._vault.fd)
            self._begun = folder, manifest
        return self._begun

    def _copied(self, batch: _Batch, file: str, planned: PlannedItem, uses: FileUses) -> _Answer:
        item = planned.item
        try:
            self._refuse_backups(item)
            with in_its_folder(self._places, item) as (folder, name):
                foreign = self._places.place(item.root).foreign
                source = open_unchanged(folder, name, item, foreign=foreign)
                try:
                    before = os.fstat(source)
                    require_unused(before, uses)
                    found = attributes(source)
                    sha256 = batch.copy(source, file)
                    _require_same(before, os.fstat(source), item, foreign=foreign)
                    _require_same(before, _named(folder, name), item, foreign=foreign)
                finally:
                    os.close(source)
        except Stays as stays:
            batch.discard(file)
            return stays.outcome(item)
        return _Copy(planned, file, before.st_size, sha256, found)

    def _refuse_backups(self, item: Item) -> None:
        folder = folder_of(item)
        if folder not in self._outside:
            vault = os.path.realpath(os.fsencode(self._vault.path))
            if os.path.commonpath([vault, os.path.realpath(folder)]) == vault:
                raise Stays(Result.FAILED, "it is in the place of backups")
            self._outside.add(folder)

    def _entry(self, copied: _Copy) -> Entry:
        now, action = self._clock(), copied.planned.decision.action
        lasting = action is Action.ARCHIVE
        return Entry(
            run=self.run,
            file=copied.file,
            item=copied.planned.item,
            size=copied.size,
            sha256=copied.sha256,
            attributes=copied.attributes,
            made=now,
            kept_until=None if lasting else now + self._keep // timedelta(microseconds=1) * 1000,
            action=action or Action.DELETE,
        )

    def _proof(self, copied: _Copy) -> VerifiedBackup:
        return VerifiedBackup(copied.planned, copied.sha256, f"{self.run}/{copied.file}")


class _Batch:
    """The copies of one batch. Those that are there when its `with` ends with an error are removed."""

    def __init__(self, run_folder: int) -> None:
        self._run_folder = run_folder
        self._folders: dict[str, int] = {}
        self._written: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        try:
            if kind is not None:
                for file in list(self._written):
                    self.discard(file)
        finally:
            for descriptor in self._folders.values():
                os.close(descriptor)

    def copy(self, source: int, file: str) -> str:
        """Write the copy of an open file, and return its SHA-256; Stays if it cannot be written."""
        try:
            folder, name = self._place(file)
            target = os.open(name, _NEW, 0o600, dir_fd=folder)
            self._written.add(file)
            try:
                return copy(source, target)
            finally:
                os.close(target)
        except OSError as error:
            raise Stays(Result.FAILED, f"no backup could be made: {in_words(error)}") from error

    def sync(self, files: Iterable[str]) -> None:
        """Write copies and their folders to the disk."""
        with ExitStack() as opened:
            descriptors = list(self._folders.values())
            descriptors.append(self._run_folder)
            for file in files:
                descriptor = self._reopened(file)
                opened.callback(os.close, descriptor)
                descriptors.append(descriptor)
            sync(descriptors, within=self._run_folder)

    def read_back(self, copied: _Copy) -> _Answer:
        """Return the copy if the disk has what was read from the file, otherwise an Outcome."""
        try:
            descriptor = self._reopened(copied.file)
            try:
                forget_cached(descriptor)
                if digest_of(descriptor) == copied.sha256:
                    return copied
            finally:
                os.close(descriptor)
            why = "the backup that was written is not what was read"
        except OSError as error:
            why = f"the backup that was written cannot be read: {in_words(error)}"
        self.discard(copied.file)
        return Outcome(item=copied.planned.item, result=Result.FAILED, detail=why)

    def discard(self, file: str) -> None:
        """Remove a copy, if it was written."""
        if file in self._written:
            folder, name = self._place(file)
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)
            self._written.discard(file)

    def _reopened(self, file: str) -> int:
        folder, name = self._place(file)
        return os.open(name, _WRITTEN, dir_fd=folder)

    def _place(self, file: str) -> tuple[int, str]:
        """Return the open folder of a copy, which is made if need be, and the copy's name in it."""
        number, name = file.split("/")
        if number not in self._folders:
            os.mkdir(number, 0o700, dir_fd=self._run_folder)
            self._folders[number] = os.open(number, _WRITTEN | os.O_DIRECTORY, dir_fd=self._run_folder)
        return self._folders[number], name


def _files(batch: int, items: Sequence[Item]) -> list[str]:
    """Return a name for each item's backup; items of one name, in whatever case, are in different folders."""
    taken: dict[str, int] = {}
    files = []
    for item in items:
        name = backup_name(as_path(item.key).rpartition(b"/")[2])
        count = taken.get(name.casefold(), 0)
        taken[name.casefold()] = count + 1
        files.append(f"{batch}-{count}/{name}" if count else f"{batch}/{name}")
    return files


def _named(folder: int, name: bytes) -> os.stat_result:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        raise Stays(Result.CHANGED, "it has gone while it was backed up") from error


def _require_same(before: os.stat_result, now: os.stat_result, item: Item, *, foreign: bool) -> None:
    require_unchanged(now, item, foreign=foreign)
    if now.st_ctime_ns != before.st_ctime_ns:
        raise Stays(Result.CHANGED, "it has changed while it was backed up")
