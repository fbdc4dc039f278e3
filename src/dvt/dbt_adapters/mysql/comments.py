"""persist_docs: comments on columns, whose definitions MySQL wants repeated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dvt.drivers.mysql import quoted

LONGEST_TABLE, LONGEST_COLUMN = 2048, 1024
"""Characters that a comment may have."""

_COLUMN = re.compile(r"^\s*`(?P<name>(?:[^`]|``)+)`\s+(?P<rest>.*?),?$")
_COMMENT = re.compile(r"\s+COMMENT '(?P<text>(?:[^'\\]|''|\\.)*)'(?=$| CHECK \()")
_CHECK = re.compile(r"(?: CHECK \(.*\))?$")


def literal(text: str) -> str:
    """A text as a literal of our sessions."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def shortened(text: str, longest: int) -> str:
    """The text, cut where the server would refuse it."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def comment_clauses(created: str, columns: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """ALTER TABLE's clauses that give columns their descriptions; `created` is SHOW CREATE TABLE's text."""
    wanted = {name.lower(): str(column.get("description") or "") for name, column in columns.items()}
    clauses = []
    for name, definition in _definitions(created):
        if name.lower() not in wanted:
            continue
        comment = literal(shortened(wanted[name.lower()], LONGEST_COLUMN))
        bare, now = _COMMENT.sub("", definition), _COMMENT.search(definition)
        if (now["text"] if now else "") != comment[1:-1]:
            clauses.append(f"modify column {quoted(name)} {_with_comment(bare, comment)}")
    return clauses


def _definitions(created: str) -> Iterator[tuple[str, str]]:
    for line in created.splitlines()[1:]:
        found = _COLUMN.match(line)
        if found is not None:
            yield found["name"].replace("``", "`"), found["rest"]


def _with_comment(definition: str, comment: str) -> str:
    """A CHECK of the column's own stands last."""
    return _CHECK.sub(lambda found: f" comment {comment}{found[0]}", definition, count=1)
