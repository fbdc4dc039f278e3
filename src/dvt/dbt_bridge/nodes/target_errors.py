"""Words a target's error in the user's names: no copy is named, and the line is that of the model's file.

A database quotes the statement that it was sent, in which copies stand for tables elsewhere, and names a line
of that statement.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

from dvt.core.names import STAGE_PREFIX
from dvt.core.ports.bridge import Copies
from dvt.core.raw_lines import raw_line
from dvt.core.requests import NodeRequest

_QUALIFIER = r'(?:(?:"[^"\n]*"|`[^`\n]*`|\w+)\.){0,2}'
"""Matches what stands before an identifier in a relation's name."""
_EXCERPT = re.compile(r"^(?P<indent> *)(?P<line>LINE \d+: )(?P<text>.*)\n(?P<blank> *)\^ *$", re.MULTILINE)
"""Matches the line of a statement that PostgreSQL and DuckDB quote, with the mark below it."""
_NEAR = re.compile(r"near '(?P<text>.*)' at line \d+", re.DOTALL)
"""Matches what MariaDB and MySQL quote of a statement that they cannot parse."""
_CUT = "..."
"""What a database writes for the parts of a line that it leaves out."""
_WINDOW = 60
"""Highest number of characters of a line that are shown on each side of the mark."""


@dataclass(frozen=True, slots=True)
class UsersWords:
    """The text that the target was sent and the one that the user wrote, to translate errors."""

    request: NodeRequest
    copies: Copies

    def of(self, message: str) -> str:
        """Return an error's message in the user's names and lines."""
        message = _EXCERPT.sub(self._excerpt, message)
        message = _NEAR.sub(self._near, message)
        return self._named(message)

    def _excerpt(self, match: re.Match[str]) -> str:
        """Return the quoted line and its mark as of the user's text; as they are if it is not in there."""
        text, blank = match["text"], match["blank"]
        start, end = len(_CUT) * text.startswith(_CUT), len(text) - len(_CUT) * text.endswith(_CUT)
        # dbt indents some statements.
        start = end - len(text[start:end].lstrip())
        number = self._line_with(text[start:end])
        if number is None:
            return match[0]
        line = self.copies.sql.splitlines()[number - 1]
        mark = len(blank) - len(match["indent"]) - len(match["line"]) - start
        column = line.index(text[start:end]) + mark
        before, after = self._named(line[:column]), self._named(line[column:])
        left = before if len(before) <= _WINDOW else f"{_CUT}{before[-_WINDOW:]}"
        right = after if len(after) <= _WINDOW else f"{after[:_WINDOW]}{_CUT}"
        place = f"{match['indent']}{self._place(number)}: {left}"
        return f"{place}{right}\n{' ' * len(place)}^"

    def _near(self, match: re.Match[str]) -> str:
        first = match["text"].split("\n", 1)[0]
        number = self._line_with(first)
        return match[0] if number is None else f"near '{match['text']}' at {self._place(number)}"

    def _line_with(self, text: str) -> int | None:
        """Return the number of the sent text's only line with these words; None if it is not clear."""
        lines = self.copies.sql.splitlines()
        numbers = [number for number, line in enumerate(lines, 1) if text.strip() and text in line]
        return numbers[0] if len(numbers) == 1 else None

    def _place(self, number: int) -> str:
        raw = raw_line(self.request.raw, self.request.sql, number) if self.request.raw else None
        if raw is None:
            return f"line {number} of the compiled SQL"
        return f"{self.request.file}, line {raw}"

    def _named(self, text: str) -> str:
        """Return the text with the names of tables for those of their copies."""
        for unique_id, copy in self.copies.tables.items():
            parts = self.request.inputs[unique_id].name
            name = re.compile(rf'({_QUALIFIER})(["`]?){copy.identifier}(?:\2|(?=\W|$))')
            text = name.sub(partial(_written, parts), text)
        return re.sub(rf'{_QUALIFIER}["`]?{STAGE_PREFIX}{self._run}\w*["`]?', _CUT, text)

    @property
    def _run(self) -> str:
        """The part of a copy's name that all copies of the run have."""
        return self.request.stage.identifier.removeprefix(STAGE_PREFIX).partition("_")[0]


def _written(parts: tuple[str, ...], match: re.Match[str]) -> str:
    """Return a table's name as its copy's was written: with quotes or not, qualified or not."""
    qualified, mark = match[1], match[2]
    return ".".join(f"{mark}{part}{mark}" for part in (parts if qualified else parts[-1:]))
