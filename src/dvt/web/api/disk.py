"""Disks: how full they are, and what each data type takes, now and when runs looked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from dvt.core.retention import Tally
from dvt.lifecycle.reports.times import moment_text
from dvt.lifecycle.system import System
from dvt.web.access.gates import Viewer
from dvt.web.api.shapes import Amount, Limit, Shape, api_router
from dvt.web.masking import Mask

router = api_router("disk")


class FileSystem(Shape):
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

    file_systems: list[FileSystem]
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
        file_systems = list(_file_systems(system, mask))
    return Disk.model_validate(
        {
            "file_systems": file_systems,
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


def _file_systems(system: System, mask: Mask) -> Iterator[dict[str, object]]:
    backups = _device(system.settings.backups)
    places: dict[int, list[Path]] = {}
    for place in system.places:
        if (device := _device(place.path)) is not None:
            places.setdefault(device, []).append(place.path)
    if backups is not None:
        places.setdefault(backups, [])
    for device, paths in places.items():
        status = os.statvfs(_existing(paths[0] if paths else system.settings.backups))
        yield {
            "places": [mask.path(str(path)) for path in paths],
            "has_backups": device == backups,
            "total": status.f_blocks * status.f_frsize,
            "used": (status.f_blocks - status.f_bfree) * status.f_frsize,
            "free": status.f_bavail * status.f_frsize,
        }


def _device(path: Path) -> int | None:
    try:
        return _existing(path).stat().st_dev
    except OSError:
        return None


def _existing(path: Path) -> Path:
    """Return a path, or the nearest folder above it that is there."""
    return next((each for each in (path, *path.parents) if each.exists()), Path("/"))


def _amount(tally: Tally) -> dict[str, int]:
    return {"items": tally.items, "files": tally.files, "bytes": tally.bytes}
