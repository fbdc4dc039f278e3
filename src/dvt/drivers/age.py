"""Encrypts and decrypts streams in the format of age (age-encryption.org), which `age` itself reads, too.

Memory is that of one piece of 64 KiB. Every piece is authenticated, and so is that it is the last one.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager


class Undecryptable(Exception):
    """What was to be decrypted is damaged or cut off, or for none of the keys."""


def encrypt(pieces: Iterable[bytes], write: Callable[[bytes], object], recipients: Sequence[str]) -> None:
    """Encrypt pieces of any length for recipients, each of which can read all of it."""
    import pyrage

    keys = [pyrage.x25519.Recipient.from_str(text) for text in recipients]
    with _streams(pieces, write, OSError(errno.EIO, "it cannot be encrypted")) as (source, target):
        pyrage.encrypt_io(source, target, keys)


def decrypt(pieces: Iterable[bytes], write: Callable[[bytes], object], identities: Sequence[str]) -> None:
    """Decrypt what is for one of the secret keys; Undecryptable, after some of it may have been written."""
    import pyrage

    keys = [pyrage.x25519.Identity.from_str(text) for text in identities]
    with _streams(pieces, write, Undecryptable()) as (source, target):
        pyrage.decrypt_io(source, target, keys)


def recipients_of(identities: Iterable[str]) -> frozenset[str]:
    """Return the recipients for whom somebody with these secret keys can read."""
    import pyrage

    return frozenset(str(pyrage.x25519.Identity.from_str(text).to_public()) for text in identities)


class _Source:
    """A stream that the library reads. It keeps what went wrong, of which the library only keeps the text."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.failure: BaseException | None = None
        self._pieces: Iterator[bytes] = iter(pieces)
        self._rest = memoryview(b"")

    def read(self, size: int) -> bytes:
        """Return at most so many bytes, nothing at the end."""
        try:
            while not self._rest:
                piece = next(self._pieces, None)
                if piece is None:
                    return b""
                self._rest = memoryview(piece)
            given, self._rest = self._rest[:size], self._rest[size:]
            return bytes(given)
        except BaseException as error:
            self.failure = error
            raise


class _Target:
    """A stream that the library writes to; see _Source."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self.failure: BaseException | None = None
        self._write = write

    def write(self, data: bytes) -> int:
        """Take all of it."""
        try:
            self._write(data)
        except BaseException as error:
            self.failure = error
            raise
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""


@contextmanager
def _streams(
    pieces: Iterable[bytes], write: Callable[[bytes], object], refusal: Exception
) -> Iterator[tuple[_Source, _Target]]:
    """Raise what went wrong where bytes came from or went to, or `refusal` if the library itself refuses."""
    source, target = _Source(pieces), _Target(write)
    try:
        yield source, target
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  the library's classes, which have what is ours as a text
        raise source.failure or target.failure or refusal from None
    # The library says nothing of a failure of what it writes last.
    failure = source.failure or target.failure
    if failure is not None:
        raise failure
