"""Copies of open files: content with its holes, its digest, and what a file system knows besides."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

_CHUNK = 2**20
"""Bytes that are in memory at once: 1 MiB."""
_NOTHING = bytes(_CHUNK)
_BLOCK = 512
"""Bytes of a block of `st_blocks`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """What a file system knows of a file besides its name and content."""

    mode: int
    """Permissions alone, such as 0o640."""
    uid: int
    gid: int
    modified: int
    """Nanoseconds since 1970."""
    extended: Mapping[str, bytes] = field(default_factory=dict)
    """Extended attributes that could be read, with access control lists and security labels."""


def attributes(descriptor: int) -> Attributes:
    """Return the attributes of an open file."""
    status = os.fstat(descriptor)
    return Attributes(
        mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
        modified=status.st_mtime_ns,
        extended=_extended(descriptor),
    )


def put_attributes(descriptor: int, wanted: Attributes) -> tuple[str, ...]:
    """Give an open file these attributes, and return which of them it could not be given."""
    lacking = []
    if (os.fstat(descriptor).st_uid, os.fstat(descriptor).st_gid) != (wanted.uid, wanted.gid):
        try:
            os.fchown(descriptor, wanted.uid, wanted.gid)
        except OSError:
            lacking.append("owner")
    # Who owns it now is not whom it ran as: a program must not run as somebody whom nobody asked.
    os.fchmod(descriptor, wanted.mode & 0o777 if lacking else wanted.mode)
    lacking += _put_extended(descriptor, wanted.extended)
    os.utime(descriptor, ns=(wanted.modified, wanted.modified))
    return tuple(lacking)


def copy(source: int, target: int) -> str:
    """Copy the content of an open file to an empty one, holes as holes; return its SHA-256 in hexadecimal.

    It copies as many bytes as the file has when it begins.
    """
    digest = hashlib.sha256()
    size = os.fstat(source).st_size
    for chunk, is_hole in chunks(source, size):
        digest.update(chunk)
        if is_hole:
            os.lseek(target, len(chunk), os.SEEK_CUR)
        else:
            write_all(target, chunk)
    os.ftruncate(target, os.lseek(target, 0, os.SEEK_CUR))
    return digest.hexdigest()


def digest_of(descriptor: int) -> str:
    """Return the SHA-256 of an open file's content, from its beginning, in hexadecimal."""
    digest = hashlib.sha256()
    for chunk, _ in chunks(descriptor, os.fstat(descriptor).st_size):
        digest.update(chunk)
    return digest.hexdigest()


def forget_cached(descriptor: int) -> None:
    """Have the next reader of a file that is on the disk get it from there, where that can be asked for."""
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def read_ahead(descriptor: int) -> None:
    """Have the disk begin to read a file that will be read soon, where that can be asked for."""
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_WILLNEED)


def _extended(descriptor: int) -> dict[str, bytes]:
    found = {}
    if hasattr(os, "listxattr"):
        with suppress(OSError):
            for name in os.listxattr(descriptor):
                with suppress(OSError):
                    found[name] = os.getxattr(descriptor, name)
    return found


def _put_extended(descriptor: int, wanted: Mapping[str, bytes]) -> Iterator[str]:
    """Give an open file these attributes and no others, such as lists that its folder hands down."""
    there = _extended(descriptor)
    for name in there.keys() - wanted.keys():
        with suppress(OSError):
            os.removexattr(descriptor, name)
    for name, value in wanted.items():
        if there.get(name) != value:
            try:
                os.setxattr(descriptor, name, value)
            except OSError:
                yield name


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of some bytes, in as many calls as that takes."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def chunks(descriptor: int, size: int) -> Iterator[tuple[bytes, bool]]:
    """Yield the content in pieces, and whether each is a hole; less than `size` if the file has shrunk."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    if os.fstat(descriptor).st_blocks * _BLOCK >= size:
        yield from _data(descriptor, size)
        return
    at = 0
    while at < size:
        begin = min(_seek(descriptor, at, os.SEEK_DATA, size), size)
        for start in range(at, begin, _CHUNK):
            yield _NOTHING[: min(_CHUNK, begin - start)], True
        at = min(_seek(descriptor, begin, os.SEEK_HOLE, size), size)
        os.lseek(descriptor, begin, os.SEEK_SET)
        yield from _data(descriptor, at - begin)


def _data(descriptor: int, length: int) -> Iterator[tuple[bytes, bool]]:
    while length > 0:
        chunk = os.read(descriptor, min(_CHUNK, length))
        if not chunk:
            return
        length -= len(chunk)
        yield chunk, False


def _seek(descriptor: int, at: int, whence: int, size: int) -> int:
    """Return where the next data, or the next hole, begins; the end if there is none."""
    try:
        return os.lseek(descriptor, at, whence)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return size
        if whence == os.SEEK_HOLE:
            return size
        return at
