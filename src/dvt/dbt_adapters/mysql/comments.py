"""Writes the comments of `persist_docs`. To change a column's comment, ALTER TABLE repeats its definition."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dvt.drivers.mysql import quoted

LONGEST_TABLE = 2048
"""The most characters that a table's comment may have."""
LONGEST_COLUMN = 1024
"""The most characters that a column's comment may have."""

_COLUMN = re.compile(r"^\s*`(?P<name>(?:[^`]|``)+)`\s+(?P<definition>.*?),?$")
"""Matches a column's line of SHOW CREATE TABLE."""
_COMMENT = re.compile(r"\s+COMMENT '(?P<text>(?:[^'\\]|''|\\.)*)'(?=$| CHECK \()")
"""Matches the comment in a column's definition."""
_CHECK = re.compile(r"(?: CHECK \(.*\))?$")
"""Matches the CHECK at the end of a column's definition, or the end."""


def literal(text: str) -> str:
    """Write a text as a literal for dbt's sessions, where a backslash escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def shortened(text: str, longest: int) -> str:
    """Cut the text to at most `longest` characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def comment_clauses(created: str, columns: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return ALTER TABLE's clauses for changed descriptions; `created` is SHOW CREATE TABLE's text."""
    descriptions = {name.lower(): str(column.get("description") or "") for name, column in columns.items()}
    clauses = []
    for name, definition in _definitions(created):
        if name.lower() not in descriptions:
            continue
        comment = literal(shortened(descriptions[name.lower()], LONGEST_COLUMN))
        without_comment, current = _COMMENT.sub("", definition), _COMMENT.search(definition)
        if (current["text"] if current else "") != comment[1:-1]:
            clauses.append(f"modify column {quoted(name)} {_with_comment(without_comment, comment)}")
    return clauses


def _definitions(created: str) -> Iterator[tuple[str, str]]:
    """Yield name and definition of each column in SHOW CREATE TABLE's text."""
    for line in created.splitlines()[1:]:
        column = _COLUMN.match(line)
        if column is not None:
            yield column["name"].replace("``", "`"), column["definition"]


def _with_comment(definition: str, comment: str) -> str:
    """Add the comment to a definition, before the column's CHECK, which must come last."""
    return _CHECK.sub(lambda check: f" comment {comment}{check[0]}", definition, count=1)
