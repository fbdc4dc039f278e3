"""The manifest of a run's backups: which file each is of, and all that is needed to restore it.

One JSON object a line, only ever appended to. The first line says the format. `writing` names files before
they are written, so that what a killed run leaves is known to be its own; `backup` is a verified backup, on
the disk; `gone` is one that has been removed since. A last line without its end was never written.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from dvt.core.errors import ManifestUnreadable
from dvt.core.retention import Action, Item, ItemKind, Moment
from dvt.drivers.copying import Attributes
from dvt.drivers.file_system import sync_one
from dvt.drivers.trees import QUARANTINE

MANIFEST = b"manifest.jsonl"
FORMAT, ENCRYPTED = 1, 2
"""Of a manifest of plain backups, and of encrypted ones, which older versions would take for damaged."""
_FILE = re.compile(r"[0-9]+/[^/\x00]+\.backup")
"""Matches names of backups within their run's folder."""


@dataclass(frozen=True, slots=True)
class Ciphertext:
    """What an encrypted backup is in the vault."""

    size: int
    """Bytes of it."""
    sha256: str
    """Of it, so that it can be verified by who cannot read it."""
    recipients: tuple[str, ...]
    """Who can read it, as keys of age."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A verified backup of one item."""

    run: str
    file: str
    """Of the backup, relative to its run's folder."""
    item: Item
    size: int
    """Bytes of a file's content, or of what an item of another kind was packed into; before encryption."""
    sha256: str
    """Of the same bytes."""
    attributes: Attributes
    made: Moment
    kept_until: Moment | None
    """None: until somebody removes it."""
    action: Action
    slot: str
    """Number of the file within its run, which is its name in the quarantine."""
    ciphertext: Ciphertext | None = None
    """None: it is not encrypted."""

    @property
    def is_aside(self) -> bool:
        """Whether the file itself, in the quarantine, is the backup."""
        return self.action is Action.QUARANTINE

    @property
    def stored(self) -> Ciphertext | Entry:
        """What has the bytes and the SHA-256 of the file in the vault."""
        return self.ciphertext or self

    @property
    def location(self) -> str:
        """The backup's path relative to the vault; for a file that was moved aside, its path."""
        if self.is_aside:
            return f"{self.item.root.rstrip('/')}/{os.fsdecode(QUARANTINE)}/{self.run}/{self.slot}"
        return f"{self.run}/{self.file}"


@dataclass(slots=True)
class Content:
    """What a manifest says."""

    backups: dict[str, Entry] = field(default_factory=dict)
    """By file: those that should be there."""
    written: set[str] = field(default_factory=set)
    """Files that were to be written, whatever has become of them."""
    damaged: list[int] = field(default_factory=list)
    """Numbers of lines that cannot be read."""


class Manifest:
    """The manifest of one run, open for appending and locked until it is closed."""

    def __init__(self, folder: int, run: str, *, new: bool, encrypted: bool = False) -> None:
        """Open the manifest in an open folder of the vault.

        BlockingIOError if another process holds it, FileNotFoundError if there is none, FileExistsError if a
        new one is there. `encrypted`: whether backups of a new one are.
        """
        self.run = run
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if new else 0)
        self._file = os.open(MANIFEST, flags, 0o600, dir_fd=folder)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._end = 0 if new else _whole(self._file)
            if new:
                self._append([{"format": ENCRYPTED if encrypted else FORMAT, "run": run}])
        except BaseException:
            self.close()
            if new:
                os.unlink(MANIFEST, dir_fd=folder)
            raise

    def close(self) -> None:
        """Close it, and release its lock. May be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def will_write(self, files: Sequence[str]) -> None:
        """Say, on the disk when this returns, which files will be written."""
        self._append([{"writing": list(files)}])

    def add(self, entries: Iterable[Entry]) -> None:
        """Put verified backups on record; on the disk when this returns."""
        self._append([{"backup": _to_json(entry)} for entry in entries])

    def strike(self, files: Iterable[str]) -> None:
        """Put on record that backups are gone."""
        self._append([{"gone": list(files)}])

    def remove(self, folder: int) -> None:
        """Remove it from its open folder: there is nothing left that it could name."""
        os.unlink(MANIFEST, dir_fd=folder)

    def _append(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Append lines, all of them or none."""
        text = memoryview("".join(f"{json.dumps(line)}\n" for line in lines).encode())
        try:
            at = self._end
            while text:
                written = os.pwrite(self._file, text, at)
                at, text = at + written, text[written:]
            sync_one(self._file)
        except OSError:
            os.ftruncate(self._file, self._end)
            raise
        self._end = at


def read(folder: int, run: str) -> Content:
    """Read the manifest in an open folder of the vault; FileNotFoundError if there is none."""
    descriptor = os.open(MANIFEST, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    with os.fdopen(descriptor, "rb") as file:
        lines = file.read().split(b"\n")[:-1]
    content = Content()
    for number, line in enumerate(lines, start=1):
        try:
            _take(json.loads(line), content, run)
        except (ValueError, KeyError, TypeError, AttributeError):
            content.damaged.append(number)
    return content


def _take(line: dict[str, Any], content: Content, run: str) -> None:
    if "backup" in line:
        entry = _from_json(line["backup"], run)
        content.backups[entry.file] = entry
    elif "writing" in line:
        content.written.update(map(_checked, line["writing"]))
    elif "gone" in line:
        for file in line["gone"]:
            content.backups.pop(file, None)
            content.written.discard(file)
    elif line["format"] not in {FORMAT, ENCRYPTED}:
        raise ManifestUnreadable(run, line["format"])


def _checked(file: str) -> str:
    if not _FILE.fullmatch(file):
        raise ValueError(file)
    return file


def _number(slot: str) -> str:
    if not slot.isdecimal():
        raise ValueError(slot)
    return slot


def _whole(descriptor: int) -> int:
    """Cut off a last line that was not written whole, and return the length of the rest."""
    size = os.fstat(descriptor).st_size
    at = size
    while at > 0:
        begin = max(0, at - 2**16)
        found = os.pread(descriptor, at - begin, begin).rfind(b"\n")
        if found >= 0:
            at = begin + found + 1
            break
        at = begin
    if at != size:
        os.ftruncate(descriptor, at)
    return at


def _to_json(entry: Entry) -> dict[str, Any]:
    item, attributes = entry.item, entry.attributes
    return {
        "file": entry.file,
        "key": item.key,
        "data_type": item.data_type,
        "kind": item.kind,
        "group": item.group,
        "root": item.root,
        "identity": item.identity,
        "size": entry.size,
        "sha256": entry.sha256,
        "mode": attributes.mode,
        "uid": attributes.uid,
        "gid": attributes.gid,
        "mtime_ns": attributes.modified,
        "xattrs": {name: base64.b64encode(value).decode() for name, value in attributes.extended.items()},
        "made": entry.made,
        "kept_until": entry.kept_until,
        "action": entry.action,
        "slot": entry.slot,
        **({} if entry.ciphertext is None else {"ciphertext": asdict(entry.ciphertext)}),
    }


def _from_json(line: dict[str, Any], run: str) -> Entry:
    return Entry(
        run=run,
        file=_checked(line["file"]),
        item=Item(
            data_type=line["data_type"],
            kind=ItemKind(line.get("kind", ItemKind.FILE)),
            key=line["key"],
            root=line["root"],
            identity=line["identity"],
            group=line["group"],
            bytes=int(line["size"]),
            modified=int(line["mtime_ns"]),
        ),
        size=int(line["size"]),
        sha256=line["sha256"],
        attributes=Attributes(
            mode=int(line["mode"]),
            uid=int(line["uid"]),
            gid=int(line["gid"]),
            modified=int(line["mtime_ns"]),
            extended={name: base64.b64decode(value) for name, value in line["xattrs"].items()},
        ),
        made=int(line["made"]),
        kept_until=None if line["kept_until"] is None else int(line["kept_until"]),
        action=Action(line["action"]),
        slot=_number(line["slot"]),
        ciphertext=_ciphertext(line.get("ciphertext")),
    )


def _ciphertext(line: Mapping[str, Any] | None) -> Ciphertext | None:
    if line is None:
        return None
    return Ciphertext(int(line["size"]), str(line["sha256"]), tuple(map(str, line["recipients"])))
