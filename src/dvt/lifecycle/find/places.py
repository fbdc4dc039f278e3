"""Folders in which files may be found, and the marker that says so."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from fnmatch import translate
from pathlib import Path

from dvt.config.lifecycle_file import FILE
from dvt.core.errors import RootRefused
from dvt.core.file_names import as_text
from dvt.drivers.disk import create_private
from dvt.drivers.trees import QUARANTINE, Root

MARKER = b".dvt-lifecycle.json"
"""Name of the file that says of a folder that dvt may clean it."""
OWN = frozenset(
    {
        *(MARKER, QUARANTINE, os.fsencode(FILE)),
        *(b"dbt_project.yml", b"profiles.yml", b"buckets.yml", b"computes.yml", b".git"),
    }
)
"""Names that are the lifecycle's own, or a project's: nothing of these is ever an item."""
_VERSION = re.compile(rb"[\d.]")
"""Matches where a name's version begins."""
_OWN = ".dvt"
"""Name of dvt's own folder of a project; all folders in it are dvt's to clean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Which files of a folder are items of which data types."""

    data_types: tuple[str, ...]
    """Only one, unless the items are operations: it depends on their state then."""
    operations: bool = False
    folders: str = ""
    """Of which folders each is an item: `any`, or of dbt's `invocations`; empty: the items are files."""
    files: tuple[str, ...] = ("*",)
    """Patterns of names; one must fit."""
    recursive: bool = False
    group_by: str = "none"
    tags: tuple[str, ...] = ()

    def pattern(self) -> re.Pattern[str]:
        """Return what the names of its files match, as `as_text` gives them."""
        return re.compile("|".join(translate(pattern) for pattern in self.files), re.DOTALL)

    def group_of(self, parts: Sequence[bytes], name: bytes) -> str:
        """Return the group of a file, or a folder, in a folder below the place."""
        if self.group_by == "folder":
            return as_text(b"/".join(parts)) or "."
        if self.group_by == "name":
            return as_text(_VERSION.split(name, maxsplit=1)[0]).rstrip("-_ ")
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A folder, and what is in it."""

    path: Path
    contents: Sequence[Contents] = field(default=())
    unmarked: bool = False
    mount_point: bool = False
    foreign: bool = False
    follow_links: bool = False

    def open(self) -> Root:
        """Open the folder; RootRefused says why it may not be cleaned.

        FileNotFoundError: it is not there.
        """
        root = Root(
            self.path,
            through_links=self.follow_links,
            mount_point=self.mount_point,
            foreign=self.foreign,
        )
        with ExitStack() as closing:
            closing.enter_context(root)
            self._refuse_unmarked(root)
            closing.pop_all()
        return root

    def _refuse_unmarked(self, root: Root) -> None:
        if not self._is_marked(root):
            reason = f"has no marker {os.fsdecode(MARKER)}, which says that dvt may clean it"
            raise RootRefused(str(self.path), reason, allow="mark it: dvt lifecycle init")

    def _is_marked(self, root: Root) -> bool:
        if self.unmarked or is_own(self):
            return True
        try:
            status = os.stat(MARKER, dir_fd=root.fd, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return stat.S_ISREG(status.st_mode) and status.st_uid in {0, os.geteuid()}


Inode = tuple[int, int]
"""Device and number of a folder, which it has by whatever name it is reached."""


def inode(status: os.stat_result) -> Inode:
    """Return that of a folder."""
    return status.st_dev, status.st_ino


def names_of(places: Iterable[Place]) -> dict[Inode, Path]:
    """Return the folders that are there, each with the path that is named first of all that lead to it."""
    names: dict[Inode, Path] = {}
    for place in places:
        with suppress(OSError):
            names.setdefault(inode(place.path.stat()), place.path)
    return names


def open_by_first_name(place: Place, names: Mapping[Inode, Path]) -> Root:
    """Open a folder as `Place.open`; RootRefused, too, if it is looked into by another name.

    Bind mounts and links give one file several paths, and the policy of each.
    """
    root = place.open()
    first = names.get(inode(os.fstat(root.fd)), place.path)
    if first != place.path:
        root.close()
        raise RootRefused(str(place.path), f"is the same folder as {first}")
    return root


def is_own(place: Place) -> bool:
    """Return whether a folder is in a project's own folder of dvt, so that it needs no marker."""
    return _OWN in place.path.parts[:-1]


def mark(place: Place) -> bool:
    """Put the marker into a folder that is there; return whether it had none."""
    with Root(
        place.path, through_links=place.follow_links, mount_point=place.mount_point, foreign=place.foreign
    ):
        content = {"format": 1, "by": "dvt lifecycle", "meaning": "files in this folder may be cleaned"}
        try:
            create_private(place.path / os.fsdecode(MARKER), json.dumps(content).encode() + b"\n")
        except FileExistsError:
            return False
    return True
