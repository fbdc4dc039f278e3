"""Folders that are kept or deleted as one: what is in them, and whether they still are what a plan says."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from dvt.core.file_names import as_path
from dvt.core.retention import Hold, HoldCode, Item, Result
from dvt.drivers.file_uses import FileUses, is_open_elsewhere
from dvt.drivers.trees import QUARANTINE, Root, bytes_of
from dvt.lifecycle.files import Stays, found

_DEEPEST = 100
"""Folders within each other: each holds a descriptor."""
_CHANGED = stat.S_IWUSR | stat.S_IXUSR
"""Permissions of a folder from which its owner may remove what is in it."""
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Member:
    """A file or a folder in a folder, or that folder itself."""

    parts: tuple[bytes, ...]
    """Its path from there; empty for the folder itself."""
    above: int
    """Open folder that it is in, for as long as it is looked at; for the folder itself, that one."""
    status: os.stat_result

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.status.st_mode)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of a folder and all that is in it."""

    identity: str
    """Another text as soon as a file has come, gone, or changed; renaming the folder keeps it."""
    bytes: int
    """Of all files, as far as they take room."""
    files: int
    modified: int
    """The youngest `mtime` of all that is in it, in nanoseconds since 1970."""
    changed: int
    """The youngest `ctime`."""
    holds: tuple[Hold, ...]


def members(root: Root, folder: int, parts: tuple[bytes, ...] = ()) -> Iterator[Member]:
    """Yield an open folder and all that is in it, each folder before what is in it, in the order of names.

    OSError if something cannot be looked at, or is mounted from elsewhere. No link is followed.
    """
    if not parts:
        yield Member((), folder, os.fstat(folder))
    if len(parts) > _DEEPEST:
        raise OSError(errno.ENAMETOOLONG, f"there are more than {_DEEPEST} folders within each other")
    with os.scandir(folder) as entries:
        names = sorted(os.fsencode(entry.name) for entry in entries)
    for name in names:
        member = Member((*parts, name), folder, os.stat(name, dir_fd=folder, follow_symlinks=False))
        yield member
        if member.is_folder:
            below = root.enter(folder, name)
            try:
                yield from members(root, below, member.parts)
            finally:
                os.close(below)


def see(root: Root, folder: int, uses: FileUses, *, foreign: bool) -> Seen:
    """Look at all that is in an open folder; OSError if that cannot be done."""
    digest = hashlib.sha256()
    size = files = modified = changed = 0
    holds: dict[HoldCode, Hold] = {}
    for member in members(root, folder):
        status = member.status
        digest.update(_line(member))
        modified, changed = max(modified, status.st_mtime_ns), max(changed, status.st_ctime_ns)
        if member.is_file:
            size += bytes_of(status)
            files += 1
        for hold in _holds(member, uses, foreign=foreign):
            holds.setdefault(hold.code, hold)
    return Seen(
        identity=f"folder:{digest.hexdigest()}",
        bytes=size,
        files=files,
        modified=modified,
        changed=changed,
        holds=tuple(holds.values()),
    )


def require_unchanged_folder(root: Root, folder: int, item: Item, uses: FileUses, *, foreign: bool) -> Seen:
    """Return what is in an open folder; Stays unless it is what the plan says, and nothing holds it."""
    with found(item):
        seen = see(root, folder, uses, foreign=foreign)
    if seen.identity != item.identity:
        raise Stays(Result.CHANGED, "something in it has changed since the plan was made")
    if seen.holds:
        raise Stays(Result.CHANGED, "; ".join(hold.detail for hold in seen.holds))
    return seen


def require_nothing_open(root: Root, folder: int) -> None:
    """Raise Stays if anybody, in other containers too, has a file open that is in an open folder."""
    for member in members(root, folder):
        if not member.is_file:
            continue
        descriptor = os.open(member.parts[-1], _READ, dir_fd=member.above)
        try:
            if is_open_elsewhere(descriptor):
                raise Stays(Result.CHANGED, f"somebody has {_name(member)} open")
        finally:
            os.close(descriptor)


def open_folder(root: Root, above: int, name: bytes, item: Item) -> int:
    """Open the folder that an item is; Stays if it is gone or none. Close it."""
    with found(item):
        return root.enter(above, name)


def remove_tree(root: Root, above: int, name: bytes) -> None:
    """Remove a folder and all that is in it; `above`: the open folder that it is in. No link is followed."""
    folder = root.enter(above, name)
    try:
        with os.scandir(folder) as entries:
            names = [(os.fsencode(of.name), of.is_dir(follow_symlinks=False)) for of in entries]
        if stat.S_IMODE(os.fstat(folder).st_mode) & _CHANGED != _CHANGED:
            os.fchmod(folder, 0o700)  # nobody else may enter the quarantine that it is in
        for below, is_folder in names:
            if is_folder:
                remove_tree(root, folder, below)
            else:
                os.unlink(below, dir_fd=folder)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=above)


def is_within(path: bytes, folder: Item | bytes) -> bool:
    """Return whether a path is that of a folder, or below it."""
    outer = as_path(folder.key) if isinstance(folder, Item) else folder
    return path == outer or path.startswith(outer.rstrip(b"/") + b"/")


def _line(member: Member) -> bytes:
    """Return what tells a member from any other; of folders not their times, which a rename may change."""
    status = member.status
    facts = [stat.S_IFMT(status.st_mode), status.st_dev, status.st_ino]
    if not member.is_folder:
        facts += [status.st_size, status.st_mtime_ns]
    return b"/".join(member.parts) + b"\0" + ":".join(map(str, facts)).encode() + b"\0"


def _holds(member: Member, uses: FileUses, *, foreign: bool) -> Iterator[Hold]:
    status, name = member.status, _name(member)
    key = (status.st_dev, status.st_ino)
    if not (member.is_file or member.is_folder):
        yield Hold(HoldCode.SPECIAL, f"{name} is neither a file nor a folder")
    elif member.is_file and status.st_nlink > 1:
        yield Hold(HoldCode.HARD_LINKED, f"{name} has {status.st_nlink} names")
    elif member.parts and member.parts[-1] == QUARANTINE:
        yield Hold(HoldCode.SPECIAL, f"{name} is a quarantine")
    if not foreign and status.st_uid != os.geteuid():
        yield Hold(HoldCode.FOREIGN, f"{name} belongs to user {status.st_uid}")
    if key in uses.opened:
        yield Hold(HoldCode.OPEN, f"process {uses.opened[key]} has {name} open")
    if key in uses.locked:
        yield Hold(HoldCode.LOCKED, f"somebody holds a lock of {name}")


def _name(member: Member) -> str:
    return os.fsdecode(b"/".join(member.parts)) if member.parts else "it"
