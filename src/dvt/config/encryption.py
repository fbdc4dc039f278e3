"""For whom backups are encrypted, and who may read them here: keys of age (age-encryption.org)."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dvt.core.errors import IdentityUnusable

_LONGEST = 2**16
"""Bytes that a file of identities has at most."""
_OTHERS = 0o077
"""Rights of anybody but the owner."""
_IDENTITY = re.compile(r"AGE-SECRET-KEY-", re.IGNORECASE)
_PROTECTED = ("age-encryption.org/", "-----BEGIN AGE ENCRYPTED FILE")
"""How a file begins that is encrypted itself, with a passphrase."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encryption:
    """What lifecycle.yml says of the encryption of backups."""

    recipients: tuple[str, ...] = ()
    """Who may read the backups that are made; nobody: they are not encrypted."""
    identities: tuple[str, ...] = field(default=(), repr=False)
    """Secret keys that read backups here."""
    identity_file: Path | None = None
    """Where they are instead."""

    def read_identities(self) -> tuple[str, ...]:
        """Return the secret keys that are here, none if their file is not there; IdentityUnusable."""
        if self.identity_file is None:
            return self.identities
        try:
            return identities_of(_content(self.identity_file))
        except FileNotFoundError:
            return ()
        except OSError as error:
            reason = f"cannot be read: {error.strerror}"
        except ValueError as error:
            reason = f"has no keys that can be used: {error}"
        raise IdentityUnusable(str(self.identity_file), reason)


def recipient_of(text: str) -> str:
    """Return a recipient as age writes it; ValueError if it is none, which never shows a secret."""
    text = text.strip()
    if not text:
        msg = "names no recipient; without the key `encrypt_to` backups are not encrypted"
        raise ValueError(msg)
    if _IDENTITY.search(text):
        msg = "this is a secret key, which does not belong here; `age-keygen -y` shows its recipient, age1…"
        raise ValueError(msg)
    keys = _library()
    try:
        return str(keys.Recipient.from_str(text))
    except Exception:  # noqa: BLE001  the library's own class, of which nothing else is known
        msg = f"{text!r} is no recipient: `age-keygen` makes one, age1… of 62 characters (no ssh, no plugins)"
        raise ValueError(msg) from None


def identities_of(text: str) -> tuple[str, ...]:
    """Return the secret keys in a text, one a line, beside comments; ValueError, which never shows them."""
    if text.lstrip().startswith(_PROTECTED):
        msg = "they are encrypted with a passphrase, which nobody is there to type"
        raise ValueError(msg)
    lines = {number: line.strip() for number, line in enumerate(text.splitlines(), start=1)}
    found = tuple(
        _identity(number, line) for number, line in lines.items() if line and not line.startswith("#")
    )
    if text.strip() and not found:
        msg = "there is no key, only comments"
        raise ValueError(msg)
    return found


def _identity(number: int, line: str) -> str:
    if line.startswith("age1"):
        msg = f"line {number} is a recipient; what reads backups is the secret key, AGE-SECRET-KEY-1…"
        raise ValueError(msg)
    keys = _library()
    try:
        keys.Identity.from_str(line)
    except Exception:  # noqa: BLE001  the library's own class, of which nothing else is known
        msg = f"line {number} is no secret key of `age-keygen`, AGE-SECRET-KEY-1… (no ssh, no plugins)"
        raise ValueError(msg) from None
    return line


def _content(path: Path) -> str:
    """Return what is in a file that nobody else may read or change."""
    _require(path.is_file() or not path.exists(), "it is no regular file")
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        _require(not stat.S_IMODE(status.st_mode) & _OTHERS, "others than its owner may read it: chmod 600")
        _require(status.st_uid in {0, os.geteuid()}, f"it belongs to user {status.st_uid}")
        content = file.read(_LONGEST + 1)
    _require(bool(content.strip()), "it is empty")
    _require(len(content) <= _LONGEST, "it is too long for keys")
    return content.decode(errors="replace")


def _require(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise ValueError(otherwise)


def _library() -> Any:
    try:
        from pyrage import x25519
    except ImportError:
        msg = "encryption requires pyrage: pip install 'dvt-engine[lifecycle]'"
        raise ValueError(msg) from None
    return x25519
