"""Deletion of datasets in a bucket that others may be reading, and the reader's side of it (docs/adr/0034).

    lease.uses(folder), then `may_read`        a reader
    Deletions(bucket, lease).delete(folder)    whoever deletes

Whichever comes second sees the first, so that nobody reads what is being deleted.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from dvt.core.ports.staging import Bucket
from dvt.staging.leases import HeldLease, Lease, is_within
from dvt.staging.parquet import MARKER_FILE

DELETING = "_deleting"
"""Folder of what says which folders are being deleted."""
_FILE = "dataset.json"
_FORMAT = 1
"""Version of the content."""
_IS_OF_A_RUN = re.compile(r"[a-z0-9]+(/[a-z0-9~_-]+)*")
"""Matches the folders that are ever deleted: what somebody else has put there names no other."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """A folder that is being deleted: for readers it does not exist any more."""

    id: str
    folder: str
    run: str
    """The run, or the other command, that deletes it."""


def deletions(bucket: Bucket) -> Iterator[Deletion]:
    """Yield what is being deleted, or was when a deletion was cut off."""
    for stored in list(bucket.objects(DELETING)):
        name = stored.key.split("/")[1]
        try:
            with bucket.get(stored.key) as data:
                content = json.loads(data.read())
            if content["format"] == _FORMAT and _IS_OF_A_RUN.fullmatch(content["folder"]):
                yield Deletion(name, str(content["folder"]), str(content["run"]))
        except FileNotFoundError:
            continue  # finished, or taken back, meanwhile
        except (ValueError, LookupError, TypeError):
            continue  # no version of dvt that is known here has put it


def may_read(bucket: Bucket, lease: Lease, folder: str) -> bool:
    """Return whether a dataset is there to be read, and stays for as long as the lease covers it.

    The lease covers it from now on if it may be read.
    """
    lease.uses(folder)
    if not any(is_within(folder, deletion.folder) for deletion in deletions(bucket)):
        try:
            bucket.get(f"{folder}/{MARKER_FILE}").close()
        except FileNotFoundError:
            pass
        else:
            return True
    lease.releases(folder)
    return False


class Deletions:
    """Deletes folders of a project's folder in a bucket, each whole, unless a lease covers them."""

    def __init__(self, bucket: Bucket, lease: Lease) -> None:
        self._bucket = bucket
        self._lease = lease

    def delete(self, folder: str) -> bool:
        """Delete a folder and return True; leave it as it is and return False if another lease covers it."""
        deletion = Deletion(secrets.token_hex(8), folder, self._lease.run)
        content = {"format": _FORMAT, "folder": folder, "run": deletion.run}
        # A name of its own: who takes a deletion back takes back no other's of the same folder.
        self._bucket.put_once(f"{DELETING}/{deletion.id}/{_FILE}", json.dumps(content, indent=1).encode())
        if self._is_covered(folder, self._lease.others()):
            self._bucket.delete(f"{DELETING}/{deletion.id}")
            return False
        self._carry_out(deletion)
        return True

    def finish(self, *, own: bool = False) -> list[str]:
        """Carry out deletions that were cut off; return their folders.

        `own`: those of the lease's run, too, of which no other thread or process is at work then.
        Those of commands whose leases are valid are under way. None is ever taken back by another command
        than its own, which may have been about to delete: what is covered stays for the next time.
        """
        begun = [deletion for deletion in deletions(self._bucket) if own or deletion.run != self._lease.run]
        others = self._lease.others() if begun else []
        alive = {lease.run for lease in others if lease.is_valid}
        finished = []
        for deletion in begun:
            if deletion.run not in alive and not self._is_covered(deletion.folder, others):
                self._carry_out(deletion)
                finished.append(deletion.folder)
        return finished

    def _is_covered(self, folder: str, others: list[HeldLease]) -> bool:
        return any(lease.covers(folder) for lease in others)

    def _carry_out(self, deletion: Deletion) -> None:
        self._lease.check()
        self._bucket.delete(deletion.folder)
        self._bucket.delete(f"{DELETING}/{deletion.id}")
