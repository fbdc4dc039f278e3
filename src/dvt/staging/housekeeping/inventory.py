"""What is in a project's folder of a bucket, told by the names alone; what looks otherwise is not dvt's."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dvt.core.ports.staging import StoredObject, UnfinishedUpload
from dvt.staging.leases import LEASES
from dvt.staging.parquet import MARKER_FILE


class Kind(StrEnum):
    """What a folder of dvt's holds."""

    DATASET = "dataset"
    """Rows that a connection answered with, committed or not."""
    RESULT = "result"
    """Rows that a model answered with."""
    TRANSFER = "transfer"
    """Files on their way between a warehouse and a dataset or a table; the warehouse names them."""
    STATE = "state"
    """What is known of a table."""
    LEASE = "lease"
    """That a run is at work, or was when it died."""
    DELETION = "deletion"
    """That a dataset is being deleted, or was when that was cut off."""
    PROBE = "probe"
    """What `dvt debug` has put to test the bucket, and could not delete."""
    UPLOAD = "unfinished upload"
    """What is there of an object that somebody puts, or has put when it died."""


PROBES = "_probe"
"""Folder of the objects by which a bucket is tested."""
OWNER = "_owner.json"
"""Key of the marker that says whose the project's folder is."""
_RUN = "[a-z0-9]+"
_NAME = "[a-z0-9~-]+"
_FILE = r"(?:_committed\.json|part-[0-9a-z-]+\.parquet)"
_PLACES: Sequence[tuple[Kind, str, str]] = (
    (Kind.DATASET, f"{_RUN}/{_NAME}/[0-9a-z-]+", _FILE),
    (Kind.RESULT, f"{_RUN}/_results/[0-9a-z-]+", _FILE),
    (Kind.TRANSFER, f"{_RUN}/_transfers/[0-9]+/rows", r"[0-9A-Za-z_.-]+"),
    (Kind.STATE, f"_state/{_NAME}/{_NAME}/{_NAME}", r"state\.json"),
    (Kind.LEASE, f"{LEASES}/{_NAME}", r"lease\.json"),
    (Kind.DELETION, f"_deleting/{_NAME}", r"dataset\.json"),
    (Kind.PROBE, f"{PROBES}/{_NAME}", r"(?:put|once)\.json"),
)
"""Kind → what the folders look like that are deleted at once, and the names of the objects in them."""
_SHAPES = tuple((kind, re.compile(f"({folder})/{name}")) for kind, folder, name in _PLACES)
_FOLDERS = re.compile("|".join(f"(?:{folder})/" for _, folder, _ in _PLACES))
"""Matches all that is known of an unfinished upload where a store tells its folder alone."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of dvt's that is deleted as a whole."""

    kind: Kind
    path: str
    objects: tuple[StoredObject, ...]
    foreign: str = ""
    """Key of an object in it that is not dvt's, which would be deleted with it; empty if there is none."""
    upload: UnfinishedUpload | None = None
    """The upload, where it is one: `objects` has it as if it was whole."""

    @property
    def run(self) -> str:
        """The run that it belongs to; empty for a state, a deletion and a probe."""
        first, *rest = self.path.split("/")
        if first == LEASES:
            return rest[0]
        return "" if first.startswith("_") else first

    @property
    def is_committed(self) -> bool:
        """Whether its marker is there, by which a dataset exists."""
        return any(stored.key == f"{self.path}/{MARKER_FILE}" for stored in self.objects)

    @property
    def bytes(self) -> int:
        """Bytes of all objects."""
        return sum(stored.bytes for stored in self.objects)

    @property
    def newest(self) -> datetime:
        """When the newest object was put."""
        return max(stored.modified for stored in self.objects)

    @property
    def oldest(self) -> datetime:
        """When the oldest object was put."""
        return min(stored.modified for stored in self.objects)


@dataclass(frozen=True, slots=True)
class Inventory:
    """What is in a project's folder."""

    folders: tuple[Folder, ...]
    foreign: tuple[StoredObject, ...]
    """Objects that are not dvt's by their names."""

    def of(self, kind: Kind) -> tuple[Folder, ...]:
        """Return the folders of a kind."""
        return tuple(folder for folder in self.folders if folder.kind is kind)


def take_inventory(objects: Iterable[StoredObject], uploads: Iterable[UnfinishedUpload] = ()) -> Inventory:
    """Sort the objects of a project's folder, as the bucket lists them.

    Of `uploads` those of others are left out: whoever deletes dvt's folders does not touch them.
    """
    members: dict[tuple[Kind, str], list[StoredObject]] = defaultdict(list)
    foreign = []
    for stored in objects:
        shape = _shape(stored.key)
        if shape is not None:
            members[shape].append(stored)
        elif stored.key != OWNER:
            foreign.append(stored)
    within = {path: stored.key for stored in reversed(foreign) for path in _folders_of(stored.key)}
    folders = [
        Folder(kind, path, tuple(stored), within.get(path, ""))
        for (kind, path), stored in sorted(members.items(), key=lambda item: item[0][1])
    ]
    folders += (_upload(upload) for upload in sorted(uploads) if _is_dvts(upload.key))
    return Inventory(tuple(folders), tuple(sorted(foreign)))


def _upload(upload: UnfinishedUpload) -> Folder:
    begun = StoredObject(upload.key, upload.bytes or 0, upload.modified)
    return Folder(Kind.UPLOAD, upload.key, (begun,), upload=upload)


def _is_dvts(upload: str) -> bool:
    """Return whether an unfinished upload is dvt's, by its key, or by its folder where only that is known."""
    if upload in ("", OWNER):
        return True
    return bool(_FOLDERS.fullmatch(upload)) if upload.endswith("/") else _shape(upload) is not None


def _shape(key: str) -> tuple[Kind, str] | None:
    """Return what an object belongs to, and its folder; None if it is not dvt's."""
    for kind, pattern in _SHAPES:
        match = pattern.fullmatch(key)
        if match is not None:
            return kind, match[1]
    return None


def _folders_of(key: str) -> Iterable[str]:
    """Return the folders that a key is in."""
    parts = key.split("/")
    return ("/".join(parts[:length]) for length in range(1, len(parts)))
