"""Whose a folder of a bucket is: a marker that a project puts there once, and that stays."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from dvt.core.errors import FolderNotOwned, FolderTaken
from dvt.core.ports.staging import Bucket
from dvt.staging.in_folder import InFolder

MARKER = "_owner.json"
"""Key of the marker in a project's folder; no run's name begins with `_`."""
_FORMAT = 1
"""Version of the marker's content."""


def claim(bucket: Bucket, folder: str, project: str) -> InFolder:
    """Return a project's folder in a bucket as a bucket; FolderTaken if another project has it.

    The first run of a project to stage in a bucket puts the marker there; of several at once, one does.
    """
    own = InFolder(bucket, folder)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    marker = {"format": _FORMAT, "project": project, "folder": folder, "created": created}
    owner = _owner(own)
    if owner is None:
        try:
            own.put_once(MARKER, json.dumps(marker, indent=1).encode())
        except FileExistsError:
            owner = _owner(own)
    if owner is not None and owner != project:
        raise FolderTaken(bucket.address, folder, owner, project)
    return own


def existing(bucket: Bucket, folder: str, project: str) -> InFolder | None:
    """Return a project's folder in a bucket as a bucket, None if it is empty; FolderNotOwned."""
    own = InFolder(bucket, folder)
    owner = _owner(own)
    if owner == project:
        return own
    if owner is None and next(iter(own.objects("")), None) is None:
        return None
    raise FolderNotOwned(bucket.address, folder, owner, project)


def _owner(folder: Bucket) -> str | None:
    """Return the project that a folder's marker names; None if there is no marker."""
    try:
        with folder.get(MARKER) as data:
            content = data.read()
    except FileNotFoundError:
        return None
    try:
        return str(json.loads(content)["project"])
    except (ValueError, LookupError, TypeError):
        return f"unknown ({MARKER} is no marker of dvt's)"
