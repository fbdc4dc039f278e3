"""A folder as one stream, and back: a tar archive that any program can read, the same for the same folder."""

from __future__ import annotations

import base64
import hashlib
import os
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, cast

from dvt.core.moments import SECOND
from dvt.drivers.copying import Attributes, attributes, put_attributes, write_all
from dvt.drivers.file_system import sync_one
from dvt.drivers.trees import Root
from dvt.lifecycle.folders import Member, members

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MODIFIED, _EXTENDED = "DVT.mtime_ns", "DVT.xattr."
"""Keys of what other programs do not restore: the whole time, and extended attributes."""
_CHUNK = 2**20


class _Hashed:
    """A stream that is written to a descriptor, and hashed."""

    def __init__(self, descriptor: int) -> None:
        self.digest = hashlib.sha256()
        self.bytes = 0
        self._descriptor = descriptor

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.bytes += len(data)
        write_all(self._descriptor, data)
        return len(data)


def pack(root: Root, folder: int, target: int) -> tuple[int, str]:
    """Write an open folder, with all that is in it, to an open file; return its bytes and SHA-256."""
    stream = _Hashed(target)
    with tarfile.open(fileobj=cast(BinaryIO, stream), mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for member in members(root, folder):
            with _opened(root, member, folder) as descriptor:
                info = _info(member, attributes(descriptor))
                if member.is_folder:
                    archive.addfile(info)
                else:
                    with os.fdopen(os.dup(descriptor), "rb") as content:
                        archive.addfile(info, content)
    return stream.bytes, stream.digest.hexdigest()


def unpack(backup: int, folder: int) -> tuple[str, ...]:
    """Restore what was packed into an open, empty folder; return which attributes were not given, sorted."""
    os.lseek(backup, 0, os.SEEK_SET)
    lacking: set[str] = set()
    folders: list[tuple[tuple[str, ...], Attributes]] = []
    with (
        os.fdopen(os.dup(backup), "rb") as file,
        tarfile.open(fileobj=file, mode="r|", format=tarfile.PAX_FORMAT) as archive,
    ):
        for info in archive:
            parts, known = _parts(info.name), _attributes(info)
            if info.isdir():
                folders.append((parts, known))
                if parts:
                    with _within(folder, parts[:-1]) as above:
                        os.mkdir(parts[-1], 0o700, dir_fd=above)
            else:
                content = archive.extractfile(info)
                assert content is not None  # noqa: S101  a regular file has one
                lacking.update(_restore_file(folder, parts, cast(BinaryIO, content), known))
    for parts, known in reversed(folders):
        with _within(folder, parts) as below:
            lacking.update(put_attributes(below, known))
            sync_one(below)
    return tuple(sorted(lacking))


def _restore_file(
    folder: int, parts: tuple[str, ...], content: BinaryIO, known: Attributes
) -> tuple[str, ...]:
    with _within(folder, parts[:-1]) as above:
        target = os.open(parts[-1], _NEW, 0o600, dir_fd=above)
    try:
        while chunk := content.read(_CHUNK):
            write_all(target, chunk)
        lacking = put_attributes(target, known)
        sync_one(target)
    finally:
        os.close(target)
    return lacking


@contextmanager
def _opened(root: Root, member: Member, folder: int) -> Iterator[int]:
    if not member.parts:
        yield folder
        return
    name = member.parts[-1]
    descriptor = (
        root.enter(member.above, name) if member.is_folder else os.open(name, _READ, dir_fd=member.above)
    )
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _within(folder: int, parts: tuple[str, ...]) -> Iterator[int]:
    with ExitStack() as opened:
        descriptor = folder
        for part in parts:
            descriptor = os.open(part, _FOLDER, dir_fd=descriptor)
            opened.callback(os.close, descriptor)
        yield descriptor


def _info(member: Member, known: Attributes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(os.fsdecode(b"/".join((b".", *member.parts))))
    info.type = tarfile.DIRTYPE if member.is_folder else tarfile.REGTYPE
    info.size = 0 if member.is_folder else member.status.st_size
    info.mode, info.uid, info.gid = known.mode, known.uid, known.gid
    info.mtime = known.modified // SECOND
    info.pax_headers = {_MODIFIED: str(known.modified)} | {
        f"{_EXTENDED}{name}": base64.b64encode(value).decode()
        for name, value in sorted(known.extended.items())
    }
    return info


def _attributes(info: tarfile.TarInfo) -> Attributes:
    extended = {
        name.removeprefix(_EXTENDED): base64.b64decode(value)
        for name, value in info.pax_headers.items()
        if name.startswith(_EXTENDED)
    }
    modified = int(info.pax_headers[_MODIFIED])
    return Attributes(mode=info.mode, uid=info.uid, gid=info.gid, modified=modified, extended=extended)


def _parts(name: str) -> tuple[str, ...]:
    first, *parts = name.rstrip("/").split("/")
    if first != "." or any(part in {"", ".", ".."} for part in parts):
        msg = f"{name!r} is not within a folder"
        raise ValueError(msg)
    return tuple(parts)
