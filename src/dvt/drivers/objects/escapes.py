"""Writes characters that a store does not take, or takes for others, as `␛` and their number."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

_MARK = "␛"
_ESCAPE = re.compile(f"{_MARK}(?:([0-9A-F]{{2}})|{_MARK})")


@dataclass(frozen=True, slots=True)
class Escapes:
    r"""Turns each name in a path into one that the store keeps exactly, and back.

    Example:
        >>> Escapes("\n").do("run/two\nlines")
        'run/two␛0Alines'
    """

    characters: str
    """Characters of ASCII that the store does not keep."""
    final: str = ""
    """Those that it does not keep at the end of a name."""
    reserved: Collection[str] = ()
    """Names that are the store's own."""
    _escaped: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        anywhere = f"[{_MARK}{re.escape(self.characters)}]"
        at_end = rf"|[{re.escape(self.final)}]\Z" if self.final else ""
        object.__setattr__(self, "_escaped", re.compile(anywhere + at_end))

    def do(self, path: str) -> str:
        """Return the path as the store gets it."""
        return "/".join(self._name(name) for name in path.split("/"))

    def undo(self, path: str) -> str:
        """Return a path that `do` gave as it was before."""
        return _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else _MARK, path)

    def _name(self, name: str) -> str:
        if name in self.reserved:
            return _escape(name[0]) + name[1:]
        return self._escaped.sub(lambda match: _escape(match[0]), name)


def _escape(character: str) -> str:
    return _MARK + (_MARK if character == _MARK else f"{ord(character):02X}")
