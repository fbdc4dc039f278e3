"""Names of folders that every file system takes, and that differ on each if the original names do."""

from __future__ import annotations

import hashlib

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
"""Characters that stay as they are."""
_MAX_LENGTH = 100
"""Highest number of characters of a folder's name: a longer name is cut and ends in a digest."""


def escaped(name: str) -> str:
    """Return a folder's name: lower-case ASCII, every other byte as `~hex`; never starts with `_` or `.`."""
    safe = "".join(_escaped_character(character) for character in name)
    if len(safe) <= _MAX_LENGTH:
        return safe or "~"
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{safe[: _MAX_LENGTH - 17]}~{digest}"


def _escaped_character(character: str) -> str:
    if character in _PLAIN:
        return character
    return "".join(f"~{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))
