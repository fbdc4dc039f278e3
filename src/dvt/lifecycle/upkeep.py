"""Looks after the vault: whether backups can be read, which are over, and whether its place is a good one."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dvt.core.errors import DvtError, QuarantineRefused, RootNotAllowed, RootRefused
from dvt.core.retention import ItemKind, Moment
from dvt.drivers.copying import forget_cached
from dvt.lifecycle.back_up.manifest import Entry
from dvt.lifecycle.back_up.naming import link_name
from dvt.lifecycle.back_up.reading import reading
from dvt.lifecycle.back_up.vault import Vault
from dvt.lifecycle.delete.quarantine import Quarantine
from dvt.lifecycle.files import Places, in_words


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a backup, or with a manifest."""

    location: str
    """Relative to the vault."""
    problem: str
    entry: Entry | None = None


def verify(vault: Vault, places: Places) -> Iterator[Finding | Entry]:
    """Read all backups: yield each that is what its manifest says, and a finding for all that is not."""
    for run in vault.runs():
        content = vault.content(run)
        for line in content.damaged:
            yield Finding(f"{run}/manifest.jsonl", f"line {line} cannot be read")
        for entry in content.backups.values():
            problem = _problem(vault, places, entry)
            yield Finding(entry.location, problem, entry) if problem else entry


def _problem(vault: Vault, places: Places, entry: Entry) -> str:
    try:
        with reading(vault, places, entry) as descriptor:
            if os.fstat(descriptor).st_size != entry.stored.size:
                return f"it has another size than {'was written' if entry.ciphertext else 'the file had'}"
            forget_cached(descriptor)
            if not vault.cipher.is_whole(entry.sha256, entry.ciphertext, descriptor):
                return "its content is not what the file's was"
            return _unreadable(vault, entry)
    except FileNotFoundError:
        return "it is gone"
    except OSError as error:
        return f"it cannot be read: {in_words(error)}"
    except DvtError as error:
        return error.message


def _unreadable(vault: Vault, entry: Entry) -> str:
    """Return why the keys that are here cannot read a backup, in words; without keys none is to."""
    if entry.ciphertext is None or not vault.cipher.identities:
        return ""
    why = vault.cipher.why_unreadable(entry.ciphertext.recipients)
    return f"it is whole, but cannot be read here: {why}" if why else ""


def purge(vault: Vault, places: Places, now: Moment, *, min_keep: int = 1) -> Iterator[Entry]:
    """Remove the backups whose time is over, and yield them; nothing that no manifest names is touched.

    The newest `min_keep` backups of each group stay, and those that are kept without end. What has no group
    is of none, so that no number keeps it. Runs that are alive are let be.
    """
    entries = list(vault.entries())
    over = set(_over(entries, now, min_keep))
    by_run: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.location in over:
            by_run[entry.run].append(entry)
    all_removed: list[Entry] = []
    for run, gone in by_run.items():
        with suppress(BlockingIOError):
            aside = [entry for entry in gone if entry.is_aside and _let_go(places, entry)]
            removed = [entry for entry in gone if not entry.is_aside] + aside
            vault.remove(run, removed)
            all_removed += removed
            yield from removed
    _link_what_is_left(vault, all_removed)


def _link_what_is_left(vault: Vault, gone: Sequence[Entry]) -> None:
    """Have `<name>.backup` point to the newest backup of this name that is left, where one was removed."""
    names = {link_name(entry) for entry in gone if entry.item.kind is ItemKind.FILE}
    left: dict[str, Entry] = {}
    for entry in vault.entries() if names else ():
        name = link_name(entry)
        if name in names and entry.item.kind is ItemKind.FILE and not entry.is_aside:
            left[name] = max(entry, left.get(name, entry), key=lambda one: one.made)
    for entry in left.values():
        with suppress(OSError):
            vault.link_latest(entry)


def _let_go(places: Places, entry: Entry) -> bool:
    """Remove a file that was moved aside; False if its root cannot be opened, so that it stays."""
    try:
        root = places.root(entry.item.root)
    except (FileNotFoundError, RootNotAllowed, RootRefused):
        return False
    try:
        with Quarantine(root, entry.run, new=False) as quarantine:
            quarantine.remove(entry.slot)
    except FileNotFoundError:
        return True
    except (BlockingIOError, QuarantineRefused):
        return False
    return True


def _over(entries: list[Entry], now: Moment, min_keep: int) -> Iterator[str]:
    groups: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry.item.data_type, entry.item.group].append(entry)
    for (_, group), members in groups.items():
        members.sort(key=lambda entry: entry.made, reverse=True)
        for entry in members[min_keep if group else 0 :]:
            if entry.kept_until is not None and entry.kept_until <= now:
                yield entry.location


def weaknesses(vault: Vault, places: Places, *, other_device: bool = False) -> Iterator[str]:
    """Yield, in sentences, what is wrong with the place of backups."""
    yield from _unwritable(vault)
    status = os.statvfs(vault.fd)
    free = status.f_bavail * status.f_frsize
    if free < _LITTLE:
        yield f"{vault.path} has only {free:,} bytes left"
    for path in on_its_device(vault, places.paths) if other_device else ():
        yield f"{vault.path} is on the same device as {path}: one failure takes both"


def on_its_device(vault: Vault, paths: Iterable[str | Path]) -> Iterator[str]:
    """Yield the folders that are on the device of the backups."""
    device = os.fstat(vault.fd).st_dev
    for path in paths:
        with suppress(OSError):
            if Path(path).stat().st_dev == device:
                yield str(path)


_LITTLE = 100_000_000
"""Bytes that a place of backups should have left: 100 MB."""
_PROBE = b".probe"


def _unwritable(vault: Vault) -> Iterator[str]:
    try:
        descriptor = os.open(_PROBE, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600, dir_fd=vault.fd)
        try:
            os.write(descriptor, b"dvt")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
            os.unlink(_PROBE, dir_fd=vault.fd)
    except OSError as error:
        yield f"nothing can be written to {vault.path}: {in_words(error)}"
