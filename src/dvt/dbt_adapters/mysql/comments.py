"""persist_docs: comments on columns; ALTER TABLE must repeat the whole definition of each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dvt.drivers.mysql import quoted

LONGEST_TABLE, LONGEST_COLUMN = 2048, 1024
"""The most characters that the comment of a table, and of a column, may have."""

_COLUMN = re.compile(r"^\s*`(?P<name>(?:[^`]|``)+)`\s+(?P<rest>.*?),?$")
_COMMENT = re.compile(r"\s+COMMENT '(?P<text>(?:[^'\\]|''|\\.)*)'(?=$| CHECK \()")
_CHECK = re.compile(r"(?: CHECK \(.*\))?$")


def literal(text: str) -> str:
    """Write a text as a literal for dbt's sessions, where a backslash escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def shortened(text: str, longest: int) -> str:
    """Cut the text to at most `longest` characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def comment_clauses(created: str, columns: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return ALTER TABLE's clauses for changed descriptions; `created` is SHOW CREATE TABLE's text."""
    wanted = {name.lower(): str(column.get("description") or "") for name, column in columns.items()}
    clauses = []
    for name, definition in _definitions(created):
        if name.lower() not in wanted:
            continue
        comment = literal(shortened(wanted[name.lower()], LONGEST_COLUMN))
        bare, current = _COMMENT.sub("", definition), _COMMENT.search(definition)
        if (current["text"] if current else "") != comment[1:-1]:
            clauses.append(f"modify column {quoted(name)} {_with_comment(bare, comment)}")
    return clauses


def _definitions(created: str) -> Iterator[tuple[str, str]]:
    for line in created.splitlines()[1:]:
        column = _COLUMN.match(line)
        if column is not None:
            yield column["name"].replace("``", "`"), column["rest"]


def _with_comment(definition: str, comment: str) -> str:
    """Add the comment to a definition, before the column's CHECK, which must come last."""
    return _CHECK.sub(lambda check: f" comment {comment}{check[0]}", definition, count=1)
