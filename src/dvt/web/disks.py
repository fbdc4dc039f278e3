"""The file systems on which the places of a project and its backups are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dvt.lifecycle.system import System


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSystem:
    """A file system. Bytes."""

    places: tuple[Path, ...]
    has_backups: bool
    total: int
    used: int
    free: int
    """What this user may still write."""


def file_systems(system: System) -> Iterator[FileSystem]:
    """Yield the file systems of the places and of the backups; what is not there is where its parent is."""
    backups = _device(system.settings.backups)
    places: dict[int, list[Path]] = {}
    for place in system.places:
        if (device := _device(place.path)) is not None:
            places.setdefault(device, []).append(place.path)
    if backups is not None:
        places.setdefault(backups, [])
    for device, paths in places.items():
        status = os.statvfs(_existing(paths[0] if paths else system.settings.backups))
        yield FileSystem(
            places=tuple(paths),
            has_backups=device == backups,
            total=status.f_blocks * status.f_frsize,
            used=(status.f_blocks - status.f_bfree) * status.f_frsize,
            free=status.f_bavail * status.f_frsize,
        )


def _device(path: Path) -> int | None:
    try:
        return _existing(path).stat().st_dev
    except OSError:
        return None


def _existing(path: Path) -> Path:
    """Return a path, or the nearest folder above it that is there."""
    return next((each for each in (path, *path.parents) if each.exists()), Path("/"))
