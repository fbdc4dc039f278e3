"""What killed runs have left behind, and its end: a file is deleted, or it is where it was."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress

from dvt.core.errors import DvtError, QuarantineRefused, RootRefused
from dvt.core.retention import Action, Item, Outcome, Result
from dvt.drivers.copying import digest_of
from dvt.drivers.trees import QUARANTINE, Root
from dvt.lifecycle.back_up.manifest import Content, Entry
from dvt.lifecycle.back_up.reading import reading
from dvt.lifecycle.back_up.vault import Vault
from dvt.lifecycle.delete.deletion import RESULTS, Deletion
from dvt.lifecycle.delete.quarantine import Move, Quarantine, remove_unbegun, remove_unrestored, runs
from dvt.lifecycle.files import Places, Stays


def recover(vault: Vault, places: Places) -> list[Outcome]:
    """Finish what killed runs have begun with files; return what became of each. Call it before each run.

    A file that is in the quarantine is deleted if its backup is on the manifest and can be read; otherwise it
    goes back. Runs that are alive are let be. A root that is gone or refused is left out: nothing is deleted
    there, and the run itself says why.
    """
    outcomes: list[Outcome] = []
    for path in places.paths:
        with suppress(FileNotFoundError, RootRefused, QuarantineRefused):
            root = places.root(path)
            remove_unrestored(root)
            for run in runs(root):
                outcomes += _recover(vault, places, root, run)
    for run in vault.runs():
        vault.sweep(run)
        with suppress(OSError, DvtError):
            _strike_unmoved(vault, places, run)
    return outcomes


def became(item: Item, backup: Entry | None, is_there: Callable[[Item], bool]) -> Outcome:
    """Return what became of an item of a killed run that is in no quarantine; `backup`: by that run."""
    if backup is not None and not is_there(item):
        detail = "its run was killed before it could say so"
        return Outcome(
            item=item,
            result=RESULTS[backup.action],
            detail=detail,
            sha256=backup.sha256,
            backup=backup.location,
        )
    return Stays(Result.FAILED, "its run was killed before it was deleted").outcome(item)


def _recover(vault: Vault, places: Places, root: Root, run: str) -> Iterator[Outcome]:
    try:
        quarantine = Quarantine(root, run, new=False)
    except BlockingIOError:
        return
    except FileNotFoundError:
        remove_unbegun(root, run)
        return
    with quarantine, Deletion(places, quarantine) as deletion:
        quarantine.remove_unfinished()
        moves, content = quarantine.moves(), vault.content(run)
        outcomes = []
        for slot in sorted(quarantine.slots()):
            if slot not in moves:
                outcomes.append(_unknown(quarantine, root, slot))
            elif why := _no_backup(vault, places, content, moves[slot]):
                stays = Stays(Result.FAILED, f"its run was killed, and {why}")
                outcomes.append(deletion.put_back(moves[slot], stays))
            elif moves[slot].action is not Action.QUARANTINE:
                outcomes.append(deletion.end(moves[slot]))
        yield from deletion.lasting(outcomes)


def _strike_unmoved(vault: Vault, places: Places, run: str) -> None:
    """Strike files off a manifest that were to be moved aside, and were not: they are where they were."""
    unmoved = [entry for entry in vault.content(run).backups.values() if _is_unmoved(places, entry)]
    if unmoved:
        vault.remove(run, unmoved)


def _is_unmoved(places: Places, entry: Entry) -> bool:
    if not entry.is_aside:
        return False
    root = places.root(entry.item.root)
    try:
        with root.folder((QUARANTINE, entry.run.encode())) as folder:
            os.stat(entry.slot, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return True
    return False


def _no_backup(vault: Vault, places: Places, content: Content, move: Move) -> str:
    """Return why a file cannot be restored, in words; empty: it can."""
    entry = next((one for one in content.backups.values() if one.slot == move.slot), None)
    if entry is None or (entry.item.key, entry.sha256) != (move.item.key, move.sha256):
        return "there is no backup of it"
    if entry.is_aside:
        return ""
    try:
        with reading(vault, places, entry) as backup:
            return "" if digest_of(backup) == entry.stored.sha256 else "its backup is damaged"
    except OSError as error:
        return f"its backup cannot be read ({error.strerror})"


def _unknown(quarantine: Quarantine, root: Root, slot: str) -> Outcome:
    path = f"{quarantine.path}/{slot}"
    item = Item(data_type="", key=path, root=root.path, identity="")
    return Outcome(item=item, result=Result.FAILED, detail="nobody knows where it comes from: it stays there")
