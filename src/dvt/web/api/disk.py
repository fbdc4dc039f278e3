"""Disks: how full they are, and what each data type takes, now and when runs looked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from dvt.core.retention import Tally
from dvt.lifecycle.reports.times import moment_text
from dvt.web.access.gates import Viewer
from dvt.web.api.shapes import Amount, Limit, Shape, api_router
from dvt.web.disks import FileSystem, file_systems
from dvt.web.masking import Mask

router = api_router("disk")


class FileSystemShape(Shape):
    """A file system on which places or backups are."""

    places: list[str]
    has_backups: bool
    total: int
    used: int
    free: int
    """Bytes that this user may still write."""


class Usage(Shape):
    """What a data type takes."""

    data_type: str
    found: Amount
    due: Amount


class Past(Shape):
    """What a run has found."""

    at: str
    total: int
    """Bytes of all data types."""
    data_types: Mapping[str, int]
    """Bytes by data type."""


class Disk(Shape):
    """How full disks are."""

    file_systems: list[FileSystemShape]
    data_types: list[Usage]
    history: list[Past]
    """The oldest first."""


@router.get("/disk")
def disk(call: Viewer, limit: Limit = 100) -> Disk:
    """Return how full disks are, what each data type takes, and what it took when the last runs began."""
    mask = call.project.mask()
    with call.system() as system:
        snapshot = call.project.inventory.now(system)
        past = list(system.store.records.found(limit=limit))[::-1]
        disks = [_shape(of, mask) for of in file_systems(system)]
    return Disk.model_validate(
        {
            "file_systems": disks,
            "data_types": [
                {
                    "data_type": name,
                    "found": _amount(snapshot.found[name]),
                    "due": _amount(snapshot.due.get(name, Tally())),
                }
                for name in sorted(snapshot.found)
            ],
            "history": [
                {
                    "at": moment_text(at),
                    "total": sum(tally.bytes for tally in found.values()),
                    "data_types": {name: tally.bytes for name, tally in found.items()},
                }
                for at, found in past
            ],
        }
    )


def _shape(of: FileSystem, mask: Mask) -> dict[str, object]:
    return {**asdict(of), "places": [mask.path(str(path)) for path in of.places]}


def _amount(tally: Tally) -> dict[str, int]:
    return {"items": tally.items, "files": tally.files, "bytes": tally.bytes}
