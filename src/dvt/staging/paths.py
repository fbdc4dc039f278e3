"""Names that are safe as folders on every file system, and differ there when they differ here."""

from __future__ import annotations

import hashlib

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_LONGEST = 100


def escaped(name: str) -> str:
    """A folder's name: lower-case ASCII, every other byte as `~hex`; never starts with `_` or `.`."""
    safe = "".join(_escaped_character(one) for one in name)
    if len(safe) <= _LONGEST:
        return safe or "~"
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{safe[: _LONGEST - 17]}~{digest}"


def _escaped_character(one: str) -> str:
    if one in _PLAIN:
        return one
    return "".join(f"~{byte:02x}" for byte in one.encode("utf-8", "surrogatepass"))
