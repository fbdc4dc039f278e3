"""Restores files from their backups: verified, with all that was known of them, never over another file."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from fnmatch import translate
from functools import partial
from tempfile import TemporaryFile

from dvt.core.errors import DvtError
from dvt.core.file_names import as_path
from dvt.core.retention import ItemKind, Moment, Outcome, Result
from dvt.drivers.copying import digest_of, put_attributes
from dvt.drivers.file_system import rename_exclusively, sync_one
from dvt.drivers.trees import Root
from dvt.lifecycle.back_up.manifest import Entry
from dvt.lifecycle.back_up.packing import pack, unpack
from dvt.lifecycle.back_up.reading import reading
from dvt.lifecycle.back_up.sources import NotRestored, Source
from dvt.lifecycle.back_up.vault import Vault
from dvt.lifecycle.delete.quarantine import RESTORED, remove_any, top
from dvt.lifecycle.files import Places, in_words

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which backups to restore: those for which all that is given here holds; of each file the latest one."""

    keys: frozenset[str] = frozenset()
    """Of items; any if empty."""
    patterns: tuple[str, ...] = ()
    """Of keys or their last parts, of which one must fit."""
    run: str = ""
    since: Moment | None = None
    until: Moment | None = None
    """When the backup was made: from, and before."""

    def choose(self, entries: Iterable[Entry]) -> list[Entry]:
        """Return the latest backup of each file that is wanted, in the order of their keys."""
        patterns = [re.compile(translate(pattern), re.DOTALL) for pattern in self.patterns]
        latest: dict[str, Entry] = {}
        for entry in entries:
            key = entry.item.key
            if self._includes(entry) and _fits(patterns, key):
                latest[key] = max(entry, latest.get(key, entry), key=lambda one: one.made)
        return [latest[key] for key in sorted(latest)]

    def _includes(self, entry: Entry) -> bool:
        return (
            (not self.keys or entry.item.key in self.keys)
            and self.run in {"", entry.run}
            and (self.since is None or entry.made >= self.since)
            and (self.until is None or entry.made < self.until)
        )


def restore(
    vault: Vault,
    places: Places,
    wanted: Wanted,
    *,
    force: bool = False,
    sources: Mapping[str, Source] | None = None,
) -> Iterator[Outcome]:
    """Restore items, and yield what became of each: RESTORED, also if it is there already, or FAILED.

    A file of other content that has the name stays, unless `force` says that it is to be replaced; what is no
    file never replaces anything. `sources`: data type → what restores its items, which are no files.
    """
    for entry in wanted.choose(vault.entries()):
        restoring = {ItemKind.FILE: _restore, ItemKind.FOLDER: _restore_folder}.get(entry.item.kind)
        if restoring is not None:
            yield _restored(entry, partial(restoring, vault, places, entry, force=force))
        else:
            source = (sources or {}).get(entry.item.data_type)
            yield _restored(entry, partial(_restore_other, vault, places, entry, source))


def _restored(entry: Entry, restoring: Callable[[], str]) -> Outcome:
    result = Result.FAILED
    try:
        lacking = restoring()
    except NotRestored as refused:
        detail = str(refused)
    except DvtError as error:
        detail = error.message
    except ValueError:
        detail = f"it is not below {entry.item.root}"
    except OSError as error:
        detail = in_words(error)
    else:
        result, detail = Result.RESTORED, lacking
    return Outcome(item=entry.item, result=result, detail=detail, sha256=entry.sha256, backup=entry.location)


def _restore_other(vault: Vault, places: Places, entry: Entry, source: Source | None) -> str:
    """Have an item restored by what knows its kind."""
    if source is None:
        raise NotRestored(f"lifecycle.yml does not say where {entry.item.data_type} is")
    with _verified(vault, places, entry) as backup:
        return source.restore(entry, backup)


def _restore_folder(vault: Vault, places: Places, entry: Entry, *, force: bool) -> str:  # noqa: ARG001
    """Restore a folder by one rename, whole or not at all; return what it lacks, in words."""
    root = _root(places, entry)
    folders, name = root.parts(as_path(entry.item.key))
    with _folder(root, folders) as folder:
        if _is_taken(folder, name):
            if _is_same_folder(root, folder, name, entry):
                return "it is there already"
            raise NotRestored("something else has its name: move that away first")
        with _temporary(root, is_folder=True) as (aside, temporary, descriptor):
            with _verified(vault, places, entry) as backup:
                lacking = unpack(backup, descriptor)
            sync_one(descriptor)
            _publish(aside, temporary, folder, name)
            sync_one(folder)
    return f"without its {', '.join(lacking)}" if lacking else ""


def _is_taken(folder: int, name: bytes) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _is_same_folder(root: Root, folder: int, name: bytes, entry: Entry) -> bool:
    """Return whether a folder is there that is what was backed up, with owners, rights and times."""
    try:
        there = root.enter(folder, name)
    except OSError:
        return False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        return pack(root, there, nowhere)[1] == entry.sha256
    except OSError:
        return False
    finally:
        os.close(nowhere)
        os.close(there)


def _root(places: Places, entry: Entry) -> Root:
    try:
        return places.root(entry.item.root)
    except FileNotFoundError as error:
        raise NotRestored(f"the folder {entry.item.root} is not there") from error


@contextmanager
def _verified(vault: Vault, places: Places, entry: Entry) -> Iterator[int]:
    """Open what was backed up, of which every byte is what it was."""
    try:
        with ExitStack() as opened:
            content = backup = opened.enter_context(reading(vault, places, entry))
            target = None
            if entry.ciphertext is not None:
                # An archive is not only read from its beginning to its end.
                content = target = opened.enter_context(TemporaryFile()).fileno()
            if vault.cipher.content(entry, backup, target) != entry.sha256:
                raise NotRestored(f"its backup {entry.location} is damaged")
            os.lseek(content, 0, os.SEEK_SET)
            yield content
    except FileNotFoundError as error:
        raise NotRestored(f"its backup {entry.location} is gone") from error


def _restore(vault: Vault, places: Places, entry: Entry, *, force: bool) -> str:
    """Restore a file; return what it lacks, in words."""
    root = _root(places, entry)
    folders, name = root.parts(as_path(entry.item.key))
    with _folder(root, folders) as folder:
        there = _what_is_there(folder, name, entry)
        if there == _SAME:
            return "it is there already"
        if there == _OTHER and not force:
            raise NotRestored("another file has its name: `--force` replaces it")
        if there == _FOLDER:
            raise NotRestored("a folder has its name")
        with _temporary(root) as (aside, temporary, descriptor):
            lacking = _fill(vault, places, entry, descriptor)
            if there == _OTHER:
                os.rename(temporary, name, src_dir_fd=aside, dst_dir_fd=folder)
            else:
                _publish(aside, temporary, folder, name)
            sync_one(folder)
    return f"without its {', '.join(lacking)}" if lacking else ""


_NONE, _SAME, _OTHER, _FOLDER = range(4)
"""What has a file's name."""


def _what_is_there(folder: int, name: bytes, entry: Entry) -> int:
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return _NONE
    if stat.S_ISDIR(status.st_mode):
        return _FOLDER
    if not stat.S_ISREG(status.st_mode) or status.st_size != entry.size:
        return _OTHER
    descriptor = os.open(name, _READ, dir_fd=folder)
    try:
        return _SAME if digest_of(descriptor) == entry.sha256 else _OTHER
    finally:
        os.close(descriptor)


def _fill(vault: Vault, places: Places, entry: Entry, descriptor: int) -> tuple[str, ...]:
    """Copy a backup into an open, empty file, with its attributes; return those that it was not given."""
    try:
        with reading(vault, places, entry) as backup:
            sha256 = vault.cipher.content(entry, backup, descriptor)
    except FileNotFoundError as error:
        raise NotRestored(f"its backup {entry.location} is gone") from error
    if sha256 != entry.sha256:
        raise NotRestored(f"its backup {entry.location} is damaged")
    lacking = put_attributes(descriptor, entry.attributes)
    sync_one(descriptor)
    return lacking


def _publish(aside: int, temporary: bytes, folder: int, name: bytes) -> None:
    try:
        rename_exclusively(aside, temporary, folder, name)
    except FileExistsError as error:
        raise NotRestored("another file has got its name meanwhile") from error


@contextmanager
def _temporary(root: Root, *, is_folder: bool = False) -> Iterator[tuple[int, bytes, int]]:
    """Make an empty file, or folder, in the quarantine of a root, which nobody else enters.

    It is removed if it stays there.
    """
    aside = top(root, make=True)
    with ExitStack() as closing:
        closing.callback(os.close, aside)
        name = f"{RESTORED}{secrets.token_hex(8)}".encode()
        if is_folder:
            os.mkdir(name, 0o700, dir_fd=aside)
        descriptor = root.enter(aside, name) if is_folder else os.open(name, _NEW, 0o600, dir_fd=aside)
        closing.callback(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            yield aside, name, descriptor
        finally:
            with suppress(FileNotFoundError):
                remove_any(root, aside, name)


@contextmanager
def _folder(root: Root, parts: tuple[bytes, ...]) -> Iterator[int]:
    """Open the folder of a file, and make those that are missing; never by a link."""
    try:
        for length in range(1, len(parts) + 1):
            with root.folder(parts[: length - 1]) as above, suppress(FileExistsError):
                os.mkdir(parts[length - 1], 0o755, dir_fd=above)
                sync_one(above)
        with root.folder(parts) as folder:
            yield folder
    except OSError as error:
        if error.errno in {errno.ENOTDIR, errno.ELOOP, errno.EXDEV}:
            raise NotRestored(f"its folder is not what it was ({error.strerror})") from error
        raise


def _fits(patterns: list[re.Pattern[str]], key: str) -> bool:
    return not patterns or any(
        pattern.fullmatch(text) for pattern in patterns for text in (key, key.rpartition("/")[2])
    )
