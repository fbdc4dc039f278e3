"""Puts a compressed copy in the place of a file, after the copy was read back."""

from __future__ import annotations

import hashlib
import os
import stat
import zlib
from contextlib import suppress

from dvt.core.retention import Result
from dvt.drivers.copying import attributes, forget_cached, put_attributes, write_all
from dvt.drivers.file_system import rename_exclusively, sync_one
from dvt.lifecycle.files import Stays

SUFFIX = ".gz"
_COMPRESSED = (b".gz", b".zst", b".bz2", b".xz", b".zip", b".lz4", b".7z")
_GZIP = 31
"""Of zlib: gzip's format."""
_CHUNK = 2**20
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def is_compressed(name: bytes) -> bool:
    """Whether a file of this name is compressed already."""
    return name.lower().endswith(_COMPRESSED)


def compress(quarantine: int, slot: str, sha256: str, folder: int, name: bytes) -> None:
    """Put `<name>.gz` into an open folder, with the content of a file in the open quarantine.

    Stays if something else has that name, or the copy is not what was read. It is no error that the very same
    content is there already: a killed run has put it there.
    """
    new, target = f"{slot}{SUFFIX}".encode(), name + SUFFIX.encode()
    with suppress(FileNotFoundError):
        os.unlink(new, dir_fd=quarantine)
    try:
        _write(quarantine, slot, new, sha256)
        rename_exclusively(quarantine, new, folder, target)
    except FileExistsError as error:
        there = ""
        with suppress(OSError):
            there = _content(folder, target)
        if there != sha256:
            raise Stays(Result.FAILED, f"something else has the name with {SUFFIX}") from error
    finally:
        with suppress(FileNotFoundError):
            os.unlink(new, dir_fd=quarantine)


def _write(quarantine: int, slot: str, new: bytes, sha256: str) -> None:
    source = os.open(slot, _READ, dir_fd=quarantine)
    try:
        target = os.open(new, _NEW, 0o600, dir_fd=quarantine)
        try:
            packer = zlib.compressobj(wbits=_GZIP)
            while chunk := os.read(source, _CHUNK):
                write_all(target, packer.compress(chunk))
            write_all(target, packer.flush())
            put_attributes(target, attributes(source))
            sync_one(target)
            forget_cached(target)
        finally:
            os.close(target)
    finally:
        os.close(source)
    if _content(quarantine, new) != sha256:
        raise Stays(Result.FAILED, "the compressed copy is not what was read")


def _content(folder: int, name: bytes) -> str:
    """Return the SHA-256 of what a compressed file contains; empty if it is no such file."""
    descriptor = os.open(name, _READ, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        digest, unpacker = hashlib.sha256(), zlib.decompressobj(wbits=_GZIP)
        while packed := os.read(descriptor, _CHUNK):
            while packed:
                digest.update(unpacker.decompress(packed, _CHUNK))
                packed = unpacker.unconsumed_tail
    except zlib.error:
        return ""
    finally:
        os.close(descriptor)
    return digest.hexdigest() if unpacker.eof and not unpacker.unused_data else ""
