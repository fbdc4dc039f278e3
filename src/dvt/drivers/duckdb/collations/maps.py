"""Maps of characters in DuckDB: lists in variables of a connection, and the SQL that looks a character up.

A map holds the Basic Multilingual Plane (up to U+FFFF). The first 1,536 code points have one list, in
which the answer for `c` is element `unicode(c) + 1`. The others lie in pages of 256: a list says where each
page begins in the list of all pages, and NULL for a page that needs none, because one expression answers
for all of its characters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dvt.drivers.duckdb.sql import literal

_DIRECT = 1536
"""Code points, from U+0000, with a list of their own: Latin, Greek, Cyrillic, Armenian, Hebrew."""
_PAGE_BITS = 8
"""Lower bits of a code point that tell its place in a page."""
_PAGE = 1 << _PAGE_BITS
"""Code points in a page."""
_LAST = 0xFFFF
"""The last code point of the Basic Multilingual Plane."""
_SURROGATES = range(0xD800, 0xE000)
"""Code points that are no characters."""
_SEPARATOR = "\U0010ffff"
"""Separator of a list's answers on their way into DuckDB: no character, so that no answer holds it."""


@dataclass(frozen=True, kw_only=True)
class CharacterMap:
    """What every character becomes."""

    name: str
    """Prefix of the variables."""
    answers: Mapping[int, str]
    """By code point."""
    missing: str | None = None
    """What a character without an answer becomes; None: it stays as it is."""
    computed: frozenset[int] = frozenset()
    """Characters for which `otherwise` gives the answer too."""
    otherwise: str = "c"
    """SQL over `c`: what it becomes if its page holds only answers that are computed."""
    supplementary: str = "c"
    """SQL over `c`: what a character beyond U+FFFF becomes."""

    def lookup(self) -> str:
        """SQL of what the character `c` becomes."""
        direct = f"getvariable('{self.name}_direct')[unicode(c) + 1]"
        page = f"getvariable('{self.name}_pages')[(unicode(c) >> {_PAGE_BITS}) + 1]"
        paged = f"getvariable('{self.name}_paged')[{page} + (unicode(c) & {_PAGE - 1})]"
        return (
            f"CASE WHEN unicode(c) < {_DIRECT} THEN coalesce({direct}, '')"
            f" WHEN unicode(c) > {_LAST} THEN {self.supplementary}"
            f" ELSE coalesce({paged}, {self.otherwise}) END"
        )

    def store(self, cursor: Any) -> None:
        """Set the variables on this connection."""
        starts, paged = self._pages
        listed = ", ".join("NULL" if start is None else str(start) for start in starts)
        cursor.execute(f"SET VARIABLE {self.name}_pages = CAST([{listed}] AS INTEGER[])")
        direct = [self._answer(code) for code in range(_DIRECT)]
        for part, values in (("direct", direct), ("paged", paged)):
            # One text: a list of literals takes far longer. SQL has no literal of the character 0.
            joined = literal(_SEPARATOR.join(values)).replace("\0", "' || chr(0) || '")
            split = f"string_split({joined}, {literal(_SEPARATOR)})"
            cursor.execute(f"SET VARIABLE {self.name}_{part} = {split}")

    @cached_property
    def _pages(self) -> tuple[list[int | None], list[str]]:
        """The first element of each page, counted from 1, and the answers of all pages."""
        starts: list[int | None] = []
        answers: list[str] = []
        for first in range(0, _LAST + 1, _PAGE):
            page = range(first, first + _PAGE)
            if first < _DIRECT or not any(self._is_listed(code) for code in page):
                starts.append(None)
            else:
                starts.append(len(answers) + 1)
                answers += [self._answer(code) for code in page]
        return starts, answers

    def _is_listed(self, code: int) -> bool:
        return code in self.answers and code not in self.computed

    def _answer(self, code: int) -> str:
        if code in _SURROGATES:
            return ""
        return self.answers.get(code, chr(code) if self.missing is None else self.missing)


def each_character(text: str, becomes: str) -> str:
    """SQL that puts the expression `becomes`, over `c`, in the place of every character of `text`."""
    return f"array_to_string(list_transform(string_split({text}, ''), lambda c: {becomes}), '')"
