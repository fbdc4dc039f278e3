"""Encrypts backups while they are written, and decrypts them while they are read."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Self

from dvt.config.encryption import Encryption
from dvt.core.errors import BackupEncrypted
from dvt.drivers import age
from dvt.drivers.copying import chunks, copy, digest_of, write_all
from dvt.lifecycle.back_up.manifest import Ciphertext, Entry

_CHUNK = 2**16
"""Bytes that are taken out of a pipe at once."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written as a backup."""

    size: int
    """Bytes of what was backed up."""
    sha256: str
    ciphertext: Ciphertext | None = None


class Cipher:
    """For whom the backups of a vault are encrypted, and which can be read here."""

    def __init__(self, encryption: Encryption | None = None) -> None:
        """Without `encryption` backups are plain, and no others can be read."""
        self._settings = encryption or Encryption()

    @property
    def recipients(self) -> tuple[str, ...]:
        """For whom backups are encrypted; for nobody: they are plain."""
        return self._settings.recipients

    @cached_property
    def identities(self) -> tuple[str, ...]:
        """Secret keys that are here; IdentityUnusable if their file is not for its owner alone."""
        return self._settings.read_identities()

    @cached_property
    def _ours(self) -> frozenset[str]:
        return age.recipients_of(self.identities) if self.identities else frozenset()

    def why_unreadable(self, recipients: Collection[str]) -> str:
        """Return why what is encrypted for these recipients cannot be read here, in words; empty: it can."""
        if not self._ours.isdisjoint(recipients):
            return ""
        if self.identities:
            return f"no key here is that of one of its recipients, {', '.join(recipients)}"
        file = self._settings.identity_file
        return f"{file} is not there" if file else "lifecycle.yml names no `backups.identity`, or it is empty"

    def copy(self, source: int, target: int) -> Written:
        """Write the content of an open file to an empty one, as a backup of it."""
        if not self.recipients:
            sha256 = copy(source, target)
            return Written(os.fstat(target).st_size, sha256)
        return _encrypted(_pieces(source), target, self.recipients)

    def writing(self, target: int) -> Writing:
        """Return what takes content by a descriptor, and writes it to an empty file as a backup."""
        return _Encrypting(target, self.recipients) if self.recipients else Writing(target)

    def content(self, entry: Entry, backup: int, target: int | None) -> str:
        """Write what was backed up to an empty file, or nowhere, and return its SHA-256; empty: damaged.

        BackupEncrypted if it cannot be read here.
        """
        if entry.ciphertext is None:
            return digest_of(backup) if target is None else copy(backup, target)
        why = self.why_unreadable(entry.ciphertext.recipients)
        if why:
            raise BackupEncrypted(entry.location, why)
        return self._decrypted(backup, target)[1]

    def is_whole(self, sha256: str, ciphertext: Ciphertext | None, backup: int) -> bool:
        """Return whether an open backup is what was written, and decrypts to the same, if it can be read."""
        if ciphertext is None:
            return digest_of(backup) == sha256
        if self.why_unreadable(ciphertext.recipients):
            return digest_of(backup) == ciphertext.sha256
        return self._decrypted(backup, None) == (ciphertext.sha256, sha256)

    def _decrypted(self, backup: int, target: int | None) -> tuple[str, str]:
        """Decrypt a backup; return the SHA-256 of itself and of its content, both empty if it is damaged."""
        stored, plain = _Sums(None), _Sums(target)
        try:
            age.decrypt(_counted(_pieces(backup), stored), plain.write_with_holes, self.identities)
        except age.Undecryptable:
            return "", ""
        plain.end()
        return stored.sha256, plain.sha256


class Writing(AbstractContextManager["Writing"]):
    """Takes the content of a backup by `fd`; what was written is known when its `with` has ended."""

    written: Written

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.known: tuple[int, str] | None = None
        """Bytes and SHA-256 of the content, where whoever has written it knows them."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        if kind is None:
            self.written = Written(*(self.known or (os.fstat(self.fd).st_size, digest_of(self.fd))))


class _Encrypting(Writing):
    """A pipe, whose other end another thread reads and encrypts."""

    def __init__(self, target: int, recipients: Sequence[str]) -> None:
        self._reading, writing = os.pipe()
        super().__init__(writing)
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._encrypt, args=(target, recipients), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        os.close(self.fd)
        self._thread.join()
        # A thread that fails breaks the pipe: why is what counts.
        if self._failure is not None and (kind is None or issubclass(kind, BrokenPipeError)):
            raise self._failure

    def _encrypt(self, target: int, recipients: Sequence[str]) -> None:
        try:
            pieces = iter(partial(os.read, self._reading, _CHUNK), b"")
            self.written = _encrypted(pieces, target, recipients)
        except BaseException as error:  # noqa: BLE001  it is raised where the thread is waited for
            self._failure = error
        finally:
            os.close(self._reading)


class _Sums:
    """Counts and hashes bytes on their way to an open file, or nowhere."""

    def __init__(self, target: int | None) -> None:
        self.size = 0
        self._digest = hashlib.sha256()
        self._target = target

    @property
    def sha256(self) -> str:
        """Of all that has come so far."""
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        """Take bytes."""
        if self._target is not None:
            write_all(self._target, data)
        self._digest.update(data)
        self.size += len(data)

    def write_with_holes(self, data: bytes) -> None:
        """Take bytes; of many zeros nothing is written."""
        if self._target is not None and data.count(0) == len(data):
            os.lseek(self._target, len(data), os.SEEK_CUR)
            self._digest.update(data)
            self.size += len(data)
        else:
            self.write(data)

    def end(self) -> None:
        """Give the file its length, where it ends in a hole."""
        if self._target is not None:
            os.ftruncate(self._target, self.size)


def _encrypted(pieces: Iterable[bytes], target: int, recipients: Sequence[str]) -> Written:
    plain, stored = _Sums(None), _Sums(target)
    age.encrypt(_counted(pieces, plain), stored.write, recipients)
    return Written(plain.size, plain.sha256, Ciphertext(stored.size, stored.sha256, tuple(recipients)))


def _counted(pieces: Iterable[bytes], sums: _Sums) -> Iterator[bytes]:
    for piece in pieces:
        sums.write(piece)
        yield piece


def _pieces(descriptor: int) -> Iterator[bytes]:
    return (piece for piece, _ in chunks(descriptor, os.fstat(descriptor).st_size))
