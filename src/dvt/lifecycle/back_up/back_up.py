"""Backups of files in batches: copied, on the disk, read back, and on the manifest, or not at all."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from dvt.core.file_names import as_path
from dvt.core.moments import nanoseconds
from dvt.core.retention import Action, Item, ItemKind, Moment, Outcome, PlannedItem, Result
from dvt.drivers.copying import Attributes, attributes, digest_of, forget_cached, read_ahead
from dvt.drivers.file_system import sync_all, sync_one
from dvt.drivers.file_uses import FileUses, file_uses
from dvt.lifecycle.back_up.cipher import Cipher, Writing, Written
from dvt.lifecycle.back_up.manifest import Entry, Manifest
from dvt.lifecycle.back_up.naming import AGE, files_of
from dvt.lifecycle.back_up.packing import pack
from dvt.lifecycle.back_up.sources import Source
from dvt.lifecycle.back_up.vault import Vault
from dvt.lifecycle.files import (
    Folders,
    Places,
    Stays,
    folder_of,
    in_words,
    open_unchanged,
    require_unchanged,
    require_unused,
)
from dvt.lifecycle.folders import is_within, open_folder, require_unchanged_folder

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_RECENT = 1.0
"""Seconds for which it is not looked again which files are in use."""
_FEW = 8
"""So many copies are written to the disk one by one; for more, all of the file system is."""
_SMALL = 2**20
"""Bytes of files that the disk may read before they are asked for."""
_WRITTEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class _Copy:
    """A copy that was written; whether it can be read back is not known yet."""

    planned: PlannedItem
    file: str
    written: Written
    attributes: Attributes
    slot: str

    @property
    def action(self) -> Action:
        """What its rule says."""
        return self.planned.decision.action or Action.DELETE

    @property
    def is_aside(self) -> bool:
        """Whether the file itself, in the quarantine, will be the backup."""
        return self.action is Action.QUARANTINE


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
        sources: Mapping[str, Source] | None = None,
        clock: Callable[[], Moment] = time.time_ns,
    ) -> None:
        """`sources`: data type → what reads its items, which are neither files nor folders."""
        self.run = run
        self._sources = dict(sources or {})
        self._vault, self._places, self._keep, self._clock = vault, places, keep, clock
        self._open = ExitStack()
        self._begun: tuple[int, Manifest] | None = None
        self._batches = self._items = 0
        self._uses: FileUses | None = None
        self._seen = 0.0
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

    def back_up(self, planned: Sequence[PlannedItem]) -> list[Entry | Outcome]:
        """Back up files as one batch; an Entry is a verified backup, on the disk and on the manifest."""
        if not planned:
            return []
        try:
            return self._batch(planned)
        except OSError as error:
            stays = Stays(Result.FAILED, f"no backup could be made: {in_words(error)}")
            return [stays.outcome(one.item) for one in planned]

    def _batch(self, planned: Sequence[PlannedItem]) -> list[Entry | Outcome]:
        folder, manifest = self._begin()
        cipher = self._vault.cipher
        form = AGE if cipher.recipients else b""
        files = files_of(self._batches, [one.item for one in planned], form)
        manifest.will_write(files)
        batch = _Batch(folder, self._batches, Folders(self._places, most=1), cipher)
        self._batches += 1
        with batch:
            uses = self._file_uses()
            self._prepare([one.item for one in planned])
            copies = [self._copied(batch, file, one, uses) for file, one in zip(files, planned, strict=True)]
            batch.sync()
            batch.forget()
            answers = [self._verified(batch, copy) for copy in copies]
            entries = [answer for answer in answers if isinstance(answer, Entry)]
            manifest.add(entries)
        for entry in entries:
            # A convenience for those who restore with `cp`; what counts is the manifest.
            if not entry.is_aside:
                with suppress(OSError):
                    self._vault.link_latest(entry)
        return answers

    def _prepare(self, items: Sequence[Item]) -> None:
        for data_type, source in self._sources.items():
            theirs = [item for item in items if item.data_type == data_type]
            if theirs:
                source.prepare(theirs)

    def _file_uses(self) -> FileUses:
        """Return which files are in use, as of a moment ago: who uses one later is seen when it is moved."""
        if self._uses is None or time.monotonic() - self._seen > _RECENT:
            self._uses, self._seen = file_uses(), time.monotonic()
        return self._uses

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
        self._items += 1
        copied = {ItemKind.FILE: self._file, ItemKind.FOLDER: self._folder}.get(item.kind, self._other)
        try:
            written, found = copied(batch, file, planned, uses)
        except Stays as stays:
            batch.discard(file)
            return stays.outcome(item)
        except OSError as error:
            batch.discard(file)
            return Stays(Result.FAILED, f"it cannot be read ({in_words(error)})").outcome(item)
        return _Copy(planned, file, written, found, str(self._items))

    def _file(
        self, batch: _Batch, file: str, planned: PlannedItem, uses: FileUses
    ) -> tuple[Written, Attributes]:
        """Copy a file, and return what was written, and what is known of it besides."""
        item, is_aside = planned.item, planned.decision.action is Action.QUARANTINE
        self._refuse_backups(item)
        folder, name = batch.folders.of(item)
        foreign = self._places.place(item.root).foreign
        source = open_unchanged(folder, name, item, foreign=foreign)
        try:
            before = os.fstat(source)
            require_unused(before, uses)
            found = attributes(source)
            written = Written(before.st_size, digest_of(source)) if is_aside else batch.copy(source, file)
            _require_same(before, os.fstat(source), item, foreign=foreign)
            _require_same(before, _named(folder, name), item, foreign=foreign)
        finally:
            os.close(source)
        return written, found

    def _folder(
        self, batch: _Batch, file: str, planned: PlannedItem, uses: FileUses
    ) -> tuple[Written, Attributes]:
        """Pack a folder, as `_file` copies a file."""
        item, is_aside = planned.item, planned.decision.action is Action.QUARANTINE
        if planned.decision.action is Action.COMPRESS:
            raise Stays(Result.FAILED, "a folder is not compressed in its place: `archive` keeps its backup")
        self._refuse_backups(item)
        above, name = batch.folders.of(item)
        root, foreign = self._places.root(item.root), self._places.place(item.root).foreign
        source = open_folder(root, above, name, item)
        try:
            before = require_unchanged_folder(root, source, item, uses, foreign=foreign)
            found = attributes(source)
            with _nowhere() if is_aside else batch.writing(file) as writing:
                writing.known = pack(root, source, writing.fd)
            if require_unchanged_folder(root, source, item, uses, foreign=foreign).changed != before.changed:
                raise Stays(Result.CHANGED, "it has changed while it was backed up")
        finally:
            os.close(source)
        return writing.written, found

    def _other(
        self, batch: _Batch, file: str, planned: PlannedItem, _uses: FileUses
    ) -> tuple[Written, Attributes]:
        """Have an item copied by what knows its kind."""
        item = planned.item
        if planned.decision.action not in {Action.DELETE, Action.ARCHIVE}:
            raise Stays(Result.FAILED, f"this is only done to files: {planned.decision.action}")
        with batch.writing(file) as writing:
            self._sources[item.data_type].copy(item, writing.fd)
        found = Attributes(mode=0o600, uid=os.geteuid(), gid=os.getegid(), modified=item.modified or 0)
        return writing.written, found

    def _verified(self, batch: _Batch, answer: _Answer) -> Entry | Outcome:
        if isinstance(answer, _Copy) and not answer.is_aside:
            answer = batch.read_back(answer)
        return self._entry(answer) if isinstance(answer, _Copy) else answer

    def _refuse_backups(self, item: Item) -> None:
        folder = folder_of(item)
        if folder not in self._outside:
            vault = os.path.realpath(os.fsencode(self._vault.path))
            real = os.path.realpath(folder)
            # What lies beside the folders of runs is none: the original system has its logs there.
            if real != vault and os.path.commonpath([vault, real]) == vault:
                raise Stays(Result.FAILED, "it is in the place of backups")
            if is_within(vault, os.path.realpath(as_path(item.key))):
                raise Stays(Result.FAILED, "the place of backups is in it")
            self._outside.add(folder)

    def _entry(self, copied: _Copy) -> Entry:
        now, action = self._clock(), copied.action
        keep = timedelta(days=copied.planned.decision.quarantine_days) if copied.is_aside else self._keep
        return Entry(
            run=self.run,
            file=copied.file,
            item=copied.planned.item,
            size=copied.written.size,
            sha256=copied.written.sha256,
            attributes=copied.attributes,
            made=now,
            kept_until=None if action is Action.ARCHIVE else now + nanoseconds(keep),
            action=action,
            slot=copied.slot,
            ciphertext=copied.written.ciphertext,
        )


class _Batch:
    """The copies of one batch, in a folder of their own. An error within its `with` removes them all."""

    def __init__(self, run_folder: int, number: int, folders: Folders, cipher: Cipher) -> None:
        self._cipher = cipher
        self.folders = folders
        """Folders of the files that are copied."""
        self._run_folder, self._number = run_folder, str(number)
        self._folder = -1
        self._written: set[str] = set()

    def __enter__(self) -> Self:
        os.mkdir(self._number, 0o700, dir_fd=self._run_folder)
        self._folder = os.open(self._number, _WRITTEN | os.O_DIRECTORY, dir_fd=self._run_folder)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        try:
            if kind is not None:
                for file in list(self._written):
                    self.discard(file)
            if not self._written:
                with suppress(OSError):
                    os.rmdir(self._number, dir_fd=self._run_folder)
        finally:
            os.close(self._folder)
            self.folders.__exit__()

    def copy(self, source: int, file: str) -> Written:
        """Write the copy of an open file; Stays if it cannot be written."""
        try:
            with self._new(file) as target:
                return self._cipher.copy(source, target)
        except OSError as error:
            raise Stays(Result.FAILED, f"no backup could be made: {in_words(error)}") from error

    @contextmanager
    def writing(self, file: str) -> Iterator[Writing]:
        """Make a copy of what is written to a descriptor."""
        with self._new(file) as target, self._cipher.writing(target) as writing:
            yield writing

    @contextmanager
    def _new(self, file: str) -> Iterator[int]:
        """Make the empty file of a copy, for writing and reading."""
        target = os.open(_name(file), _NEW, 0o600, dir_fd=self._folder)
        self._written.add(file)
        try:
            yield target
        finally:
            os.close(target)

    def sync(self) -> None:
        """Write the copies and their folder to the disk."""
        if len(self._written) > _FEW:
            sync_all(self._folder)
            return
        for file in self._written:
            descriptor = self._reopened(file)
            try:
                sync_one(descriptor)
            finally:
                os.close(descriptor)
        sync_one(self._folder)
        sync_one(self._run_folder)

    def forget(self) -> None:
        """Have what was written be read from the disk: of small files all at once, not one after another."""
        for file in self._written:
            with suppress(OSError):
                descriptor = self._reopened(file)
                try:
                    forget_cached(descriptor)
                    if os.fstat(descriptor).st_size <= _SMALL:
                        read_ahead(descriptor)
                finally:
                    os.close(descriptor)

    def read_back(self, copied: _Copy) -> _Answer:
        """Return the copy if the disk has what was read from the file, otherwise an Outcome."""
        try:
            descriptor = self._reopened(copied.file)
            try:
                written = copied.written
                if self._cipher.is_whole(written.sha256, written.ciphertext, descriptor):
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
            with suppress(OSError):
                os.unlink(_name(file), dir_fd=self._folder)
            self._written.discard(file)

    def _reopened(self, file: str) -> int:
        return os.open(_name(file), _WRITTEN, dir_fd=self._folder)


def _name(file: str) -> str:
    return file.rpartition("/")[2]


@contextmanager
def _nowhere() -> Iterator[Writing]:
    """Hash what is written, and keep none of it."""
    target = os.open(os.devnull, os.O_WRONLY)
    try:
        with Writing(target) as writing:
            yield writing
    finally:
        os.close(target)


def _named(folder: int, name: bytes) -> os.stat_result:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        raise Stays(Result.CHANGED, "it has gone while it was backed up") from error


def _require_same(before: os.stat_result, now: os.stat_result, item: Item, *, foreign: bool) -> None:
    require_unchanged(now, item, foreign=foreign)
    if now.st_ctime_ns != before.st_ctime_ns:
        raise Stays(Result.CHANGED, "it has changed while it was backed up")
