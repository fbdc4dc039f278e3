"""Names of files as text: any name, readable, unambiguous, and the same again when it is read."""

from __future__ import annotations

import re
import unicodedata

_ESCAPED = re.compile(rb"\\(?:\\|x([0-9a-f]{2}))")
_PLAIN = re.compile(r"[ -\[\]-~]*")
"""Matches texts of printable ASCII without a backslash: nearly all paths."""
_MISLEADING = frozenset({"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp", "Zs"})
"""Categories of characters that do not show, or show what follows in another order."""


def as_text(path: bytes) -> str:
    r"""Return a path as text; each byte that is no text, or does not show as it is, is `\xNN`.

    Example:
        >>> as_text(b"/ops/a\n\xff\\.json")
        '/ops/a\\x0a\\xff\\\\.json'
    """
    text = path.decode("utf-8", "surrogateescape")
    return text if _PLAIN.fullmatch(text) else "".join(map(_escaped, text))


def as_path(text: str) -> bytes:
    r"""Return the path whose text `as_text` gives.

    Example:
        >>> as_path(as_text(b"/ops/a\n\xff\\.json"))
        b'/ops/a\n\xff\\.json'
    """
    return _ESCAPED.sub(_unescaped, text.encode("utf-8", "surrogateescape"))


def _escaped(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if character != " " and unicodedata.category(character) in _MISLEADING:
        return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))
    return character


def _unescaped(match: re.Match[bytes]) -> bytes:
    return b"\\" if match[1] is None else bytes([int(match[1], 16)])
